// What the applications made of npm libraries have in common: keys of their own, a JWKS of their
// own, and the lines by which a test drives them. An application is what `serve` is given.
//
// Standard input: one JSON line with the configuration, then one JSON line for each command; every
// line is answered by one JSON line. It ends when standard input ends. A login is named by its
// state; left out, it is the one that began last.
//   {"issuer", "clientId", "alg"}  → {"jwks", "jwksUri", "redirectUri", "postLogoutRedirectUri"}
//   {"begin": {…parameters…}, "by": ["jar", "par"]}   pushed, or as a signed request object, or both
//                       → {"url", "login"}
//   {"finish": "the address that the browser came back to", "login"}
//                       → {"claims", "kid", "userinfo", "tokenType"} or {"error", "code"}
//   {"refresh": login}  → {"claims", "kid", "userinfo", "tokenType"}
//   {"logout": login}   → {"url"}: where the browser goes to sign out
//   {"rotate": "kid"}   makes a key, publishes it beside the others and signs with it → {"jwks"}
//   {"use": "kid"}      signs with that key
//   {"drop": "kid"}     publishes that key no longer
//   {"prove": "alg"}    makes a DPoP key, binds codes to it and proves it from then on; null: not
//   {"age": seconds}    makes what was kept of the issuer's JWKS so much older
//   {"fetches": true}   → {"count"}: how often its own JWKS was fetched
// Each answer has "carried": what the library sent and got, which a log must not hold.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const PARAMETERS = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
};
const CARRIED = ['access_token', 'id_token', 'refresh_token'];

let carried = [];
const realFetch = globalThis.fetch;
globalThis.fetch = (url, options) => {
  if (options?.body) carried.push(String(options.body));
  const proof = new Headers(options?.headers).get('dpop');
  if (proof) carried.push(`dpop=${proof}`);
  return realFetch(url, options);
};

export const carry = (value) => carried.push(String(value));

/** What a finished login or a refresh is for a test; the tokens themselves are only carried. */
export function made(tokens, claims, userinfo) {
  for (const name of CARRIED) if (tokens[name]) carry(`${name}=${tokens[name]}`);
  const header = tokens.id_token && JSON.parse(Buffer.from(tokens.id_token.split('.')[0], 'base64url'));
  return { claims, kid: header?.kid, userinfo, tokenType: tokens.token_type };
}

const keys = new Map();
let published = [];
let fetches = 0;

async function newKey(alg, kid) {
  const pair = await crypto.subtle.generateKey(PARAMETERS[alg], true, ['sign', 'verify']);
  const { kty, n, e, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  published.push({ kty, n, e, crv, x, y, kid, alg, use: 'sig' });
  keys.set(kid, { key: pair.privateKey, kid });
  return keys.get(kid);
}

function publish() {
  const server = createServer((request, response) => {
    fetches += 1;
    response.setHeader('content-type', 'application/jwk-set+json');
    response.end(JSON.stringify({ keys: published }));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}/jwks`));
  });
}

/**
 * Answer lines until there are no more.
 *
 * An application has `redirectUri` and `postLogoutRedirectUri`, and the methods `signWith(key)`,
 * `begin(parameters, by)`, `finish(started, address)`, `refresh(login)`, `logout(login)`; those of
 * the lines `prove` and `age` are there where its library can do it.
 */
export async function serve(makeApplication) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const answer = (document) => {
    console.log(JSON.stringify({ ...document, carried }));
    carried = [];
  };
  const options = JSON.parse((await lines.next()).value);
  const key = await newKey(options.alg, 'app-key-1');
  const application = makeApplication(options);
  const { redirectUri, postLogoutRedirectUri } = application;
  await application.signWith(key);
  answer({ jwks: { keys: published }, jwksUri: await publish(), redirectUri, postLogoutRedirectUri });
  const logins = new Map();
  let last;

  async function done(command) {
    if (command.rotate) {
      await application.signWith(await newKey(options.alg, command.rotate));
      return { jwks: { keys: published } };
    }
    if (command.use) {
      await application.signWith(keys.get(command.use));
      return {};
    }
    if (command.drop) {
      published = published.filter(({ kid }) => kid !== command.drop);
      return {};
    }
    if (command.prove !== undefined) {
      await application.prove(command.prove);
      return {};
    }
    if (command.age) {
      await application.age?.(command.age); // a library that keeps none has nothing to age
      return {};
    }
    if (command.begin) {
      const { url, started } = await application.begin(command.begin, command.by ?? []);
      last = started.state;
      logins.set(last, started);
      return { url: String(url), login: last };
    }
    if (command.finish) {
      return application.finish(logins.get(command.login ?? last), command.finish);
    }
    if (command.refresh) return application.refresh(logins.get(command.refresh));
    if (command.logout) return { url: String(await application.logout(logins.get(command.logout))) };
    return { count: fetches };
  }

  for (;;) {
    const { value, done: over } = await lines.next();
    if (over) process.exit(0);
    try {
      answer(await done(JSON.parse(value)));
    } catch (error) {
      answer({ error: error.error ?? error.message, code: error.code ?? error.name });
    }
  }
}
