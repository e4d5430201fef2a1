// An application made of npm openid-client as it is: private_key_jwt with keys of its own, PKCE,
// ID token validation with the signature too, userinfo. It only allows plain http, for loopback.
//
// Standard input: one JSON line with the configuration, then one JSON line for each command; every
// line is answered by one JSON line. It ends when standard input ends.
//   {"issuer", "clientId", "redirectUri", "alg"}  → {"jwks", "jwksUri"}
//   {"begin": {…parameters…}}                     → {"url"}
//   {"begin": {…}, "by": ["jar", "par"]}          the same as a signed request object, and pushed
//   {"finish": "the address that the browser came back to"}
//                                                 → {"claims", "userinfo"} or {"error", "code"}
//   {"rotate": "kid"}   makes a key, publishes it beside the others and signs with it
//                                                 → {"jwks"}
//   {"use": "kid"}      signs with that key
//   {"prove": "alg"}    makes a DPoP key, binds codes to it and proves it from then on; null: not
//   {"fetches": true}   → {"count"}: how often its JWKS was fetched
// Each answer has "carried": what the library sent, which a log must not hold.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import * as client from 'openid-client';

const PARAMETERS = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
};

let carried = [];
const realFetch = globalThis.fetch;
globalThis.fetch = (url, options) => {
  if (options?.body) carried.push(String(options.body));
  const proof = new Headers(options?.headers).get('dpop');
  if (proof) carried.push(`dpop=${proof}`);
  return realFetch(url, options);
};

const keys = new Map();
const published = [];
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

async function configure({ issuer, clientId, alg }, key) {
  const metadata = { id_token_signed_response_alg: 'RS256', token_endpoint_auth_signing_alg: alg };
  const config = await client.discovery(
    new URL(issuer), clientId, metadata, client.PrivateKeyJwt(key),
    { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
  );
  return config;
}

async function prove(config, alg) {
  if (alg === null) return undefined;
  const pair = await client.randomDPoPKeyPair(alg);
  return client.getDPoPHandle(config, pair);
}

async function begin(config, redirectUri, parameters, { by = [], key, DPoP }) {
  const verifier = client.randomPKCECodeVerifier();
  const started = { verifier, state: client.randomState(), nonce: client.randomNonce() };
  let asked = {
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state: started.state,
    nonce: started.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(DPoP && { dpop_jkt: await DPoP.calculateThumbprint() }),
    ...parameters,
  };
  if (by.includes('jar')) {
    asked = (await client.buildAuthorizationUrlWithJAR(config, asked, key)).searchParams;
    carried.push(asked.toString());
  }
  const url = by.includes('par')
    ? await client.buildAuthorizationUrlWithPAR(config, asked, { DPoP })
    : client.buildAuthorizationUrl(config, asked);
  return { url: url.href, started };
}

async function finish(config, started, address, DPoP) {
  const tokens = await client.authorizationCodeGrant(config, new URL(address), {
    pkceCodeVerifier: started.verifier,
    expectedState: started.state,
    expectedNonce: started.nonce,
    idTokenExpected: true,
  }, undefined, { DPoP });
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP });
  carried.push(`access_token=${tokens.access_token}&id_token=${tokens.id_token}`);
  return { claims, userinfo, tokenType: tokens.token_type };
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const answer = (document) => {
  console.log(JSON.stringify({ ...document, carried }));
  carried = [];
};

const options = JSON.parse((await lines.next()).value);
let key = await newKey(options.alg, 'app-key-1');
answer({ jwks: { keys: published }, jwksUri: await publish() });
let config;
let started;
let DPoP;
for (;;) {
  const { value, done } = await lines.next();
  if (done) process.exit(0);
  const command = JSON.parse(value);
  try {
    if (command.rotate) {
      key = await newKey(options.alg, command.rotate);
      config = await configure(options, key);
      answer({ jwks: { keys: published } });
    } else if (command.use) {
      config = await configure(options, keys.get(command.use));
      answer({});
    } else if (command.prove !== undefined) {
      config ??= await configure(options, key);
      DPoP = await prove(config, command.prove);
      answer({});
    } else if (command.begin) {
      config ??= await configure(options, key);
      const { url, started: secrets } = await begin(
        config, options.redirectUri, command.begin, { by: command.by, key, DPoP },
      );
      started = secrets;
      answer({ url });
    } else if (command.finish) {
      answer(await finish(config, started, command.finish, DPoP));
    } else {
      answer({ count: fetches });
    }
  } catch (error) {
    answer({ error: error.error ?? error.message, code: error.code ?? error.name });
  }
}
