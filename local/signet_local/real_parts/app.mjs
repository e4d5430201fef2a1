// A sample application: a plain OpenID Connect client on a certified relying party library (npm
// openid-client). Its key is made at its start and published at /jwks.json; there is no secret.
//
// Standard input: one JSON line with the configuration:
//   {"port": 9001, "issuer": Signet's, "clientId": "…",
//    "connection": {"name": "acme", "jwksUri": "…"}, "provider": the identity provider's issuer}
// Standard output: "app ready ADDRESS". It ends when standard input ends.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import * as oidc from 'openid-client';

import { errorPage, resultPage, startPage, STYLE_SOURCE } from './app_pages.mjs';
import { countSecrets } from './secret_count.mjs';

const SCOPE = 'openid profile email';
const BROWSER_COOKIE = 'sample_app_browser';
const SESSION_COOKIE = 'sample_app_session';
const MAX_KEPT = 1000;

const random = () => randomBytes(32).toString('base64url');

// RFC 7638: the members that are the key, in the order of their names, without spaces.
function thumbprint({ crv, kty, x, y }) {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

async function newKey() {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const kid = thumbprint({ kty, crv, x, y });
  return { privateKey: pair.privateKey, publicJwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' } };
}

// What a person began and did not finish must not fill the memory.
class Kept extends Map {
  set(key, value) {
    if (this.size >= MAX_KEPT) this.delete(this.keys().next().value);
    return super.set(key, value);
  }

  take(key) {
    const value = this.get(key);
    this.delete(key);
    return value;
  }
}

class App {
  constructor(options, key) {
    this.options = options;
    this.key = key;
    this.address = `http://127.0.0.1:${options.port}`;
    this.redirectUri = `${this.address}/callback`;
    this.logins = new Kept();
    this.sessions = new Kept();
  }

  async discover() {
    const { issuer, clientId } = this.options;
    const found = await oidc.discovery(new URL(issuer), clientId, this.clientMetadata(), oidc.None(), {
      execute: [oidc.allowInsecureRequests],
    });
    this.server = found.serverMetadata();
  }

  clientMetadata() {
    return { token_endpoint_auth_method: 'private_key_jwt', id_token_signed_response_alg: 'RS256' };
  }

  // One configuration for each login: what it sends is seen apart from other logins.
  configuration(seen) {
    const { privateKey, publicJwk } = this.key;
    const authentication = oidc.PrivateKeyJwt({ key: privateKey, kid: publicJwk.kid }, {
      [oidc.modifyAssertion](header, claims) {
        seen.assertion = { header: { ...header }, claims: { ...claims } };
      },
    });
    const config = new oidc.Configuration(this.server, this.options.clientId, this.clientMetadata(), authentication);
    oidc.allowInsecureRequests(config);
    // By default the library trusts the connection to the token endpoint; we check the signature.
    oidc.enableNonRepudiationChecks(config);
    config[oidc.customFetch] = (url, options) => {
      if (options.method === 'POST') {
        seen.parameters = [...new URLSearchParams(options.body).keys()];
        seen.endpoint = url;
      }
      return fetch(url, options);
    };
    seen.clientMetadata = config.clientMetadata();
    return config;
  }

  async beginLogin({ browser, prompt }) {
    const login = {
      browser,
      codeVerifier: oidc.randomPKCECodeVerifier(),
      nonce: oidc.randomNonce(),
      startedAt: Date.now(),
    };
    const state = oidc.randomState();
    login.request = {
      redirect_uri: this.redirectUri,
      scope: SCOPE,
      connection: this.options.connection.name,
      state,
      nonce: login.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: 'S256',
      ...(prompt === 'login' ? { prompt } : {}),
    };
    this.logins.set(state, login);
    return oidc.buildAuthorizationUrl(this.configuration({}), login.request).href;
  }

  // Returns a session, or throws what the library found wrong with the answer.
  async finishLogin(url, browser) {
    const state = url.searchParams.get('state') ?? '';
    const login = this.logins.get(state);
    if (login === undefined || login.browser !== browser) throw new UnknownLogin();
    this.logins.delete(state);
    const cameBackAt = Date.now();
    const seen = {};
    const config = this.configuration(seen);
    const tokens = await oidc.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: login.codeVerifier,
      expectedState: state,
      expectedNonce: login.nonce,
    });
    const idToken = { header: decodedHeader(tokens.id_token), claims: tokens.claims() };
    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, idToken.claims.sub);
    const answer = { iss: url.searchParams.get('iss') };
    return { login, cameBackAt, seen, answer, idToken, userinfo };
  }

  // Everything that the result page tells is looked up here, at the moment it is asked for.
  async story(session) {
    const { connection, issuer, provider } = this.options;
    const [received, connectionJwks, appJwks, issuerJwks, clients, signetMetadata, providerMetadata] = await Promise.all([
      `${provider}/demo/assertions`,
      connection.jwksUri,
      `${this.address}/jwks.json`,
      this.server.jwks_uri,
      `${provider}/demo/clients`,
      `${issuer}/.well-known/openid-configuration`,
      `${provider}/.well-known/openid-configuration`,
    ].map(fetchJson));
    const { startedAt } = session.login;
    const ofThisLogin = received.filter(({ at, status }) => at >= startedAt && at <= session.cameBackAt && status < 300);
    const upstream = {
      pushed: ofThisLogin.findLast(({ endpoint }) => endpoint === '/request'),
      redeemed: ofThisLogin.findLast(({ endpoint }) => endpoint === '/token'),
    };
    return {
      ...session,
      options: this.options,
      address: this.address,
      upstream,
      jwks: { connection: connectionJwks, app: appJwks, issuer: issuerJwks },
      jwksUri: { connection: connection.jwksUri, app: `${this.address}/jwks.json`, issuer: this.server.jwks_uri },
      secrets: countSecrets({ session, ofThisLogin, clients, signetMetadata, providerMetadata, appConfiguration: this.options }),
    };
  }
}

class UnknownLogin extends Error {}

const decodedHeader = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url').toString('utf8'));

async function fetchJson(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.json();
}

function cookiesOf(request) {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return Object.fromEntries(pairs.map(([name, ...value]) => [name, value.join('=')]));
}

const cookie = (name, value, maxAge = 3600) => `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`;

// What went wrong, in words for the person who sees it.
function explained(error) {
  if (error instanceof UnknownLogin) {
    return {
      title: 'This sign-in is not known here',
      text: 'It was finished already, or begun in another browser. Nothing was changed.',
    };
  }
  if (error instanceof oidc.AuthorizationResponseError) {
    return error.error === 'access_denied'
      ? { title: 'You were not signed in', text: 'The sign-in was cancelled, or your company’s identity provider refused it.', code: error.error, detail: error.error_description }
      : { title: 'Signing in did not work', text: 'The sign-on service could not finish the sign-in.', code: error.error, detail: error.error_description };
  }
  console.error(error);
  return { title: 'Signing in did not work', text: 'The answer of the sign-on service was not accepted.', code: error.code ?? error.name };
}

function routes(app) {
  return {
    async 'GET /'(request, url, reply) {
      const session = app.sessions.get(cookiesOf(request)[SESSION_COOKIE]);
      reply.page(session ? resultPage(await app.story(session)) : startPage(app.options));
    },
    async 'GET /login'(request, url, reply) {
      const browser = cookiesOf(request)[BROWSER_COOKIE] || random();
      const location = await app.beginLogin({ browser, prompt: url.searchParams.get('prompt') });
      reply.redirect(location, cookie(BROWSER_COOKIE, browser));
    },
    async 'GET /callback'(request, url, reply) {
      let session;
      try {
        session = await app.finishLogin(url, cookiesOf(request)[BROWSER_COOKIE]);
      } catch (error) {
        reply.page(errorPage(explained(error)), 400);
        return;
      }
      const id = random();
      app.sessions.set(id, session);
      // The address with the code in it does not stay in the browser.
      reply.redirect('/', cookie(SESSION_COOKIE, id));
    },
    async 'POST /logout'(request, url, reply) {
      app.sessions.delete(cookiesOf(request)[SESSION_COOKIE]);
      reply.redirect('/', cookie(SESSION_COOKIE, '', 0));
    },
    async 'GET /jwks.json'(request, url, reply) {
      reply.json({ keys: [app.key.publicJwk] });
    },
  };
}

const HEADERS = {
  'content-security-policy': `default-src 'none'; style-src ${STYLE_SOURCE}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

function replyTo(response) {
  const send = (status, headers, body = '') => response.writeHead(status, { ...HEADERS, ...headers }).end(body);
  return {
    page: (html, status = 200) => send(status, { 'content-type': 'text/html; charset=utf-8' }, html),
    json: (document) => send(200, { 'content-type': 'application/json' }, JSON.stringify(document)),
    redirect: (location, ...cookies) => send(303, { location, 'set-cookie': cookies }),
  };
}

function serve(app) {
  const table = routes(app);
  const host = new URL(app.address).host;
  const answer = async (request, reply) => {
    const url = new URL(request.url, app.address);
    const route = table[`${request.method} ${url.pathname}`];
    if (route === undefined) {
      reply.page(errorPage({ title: 'There is no such page', text: 'The sample app has only a few.' }), 404);
      return;
    }
    await route(request, url, reply);
  };
  const server = createServer((request, response) => {
    const reply = replyTo(response);
    if (request.headers.host !== host) {
      // localhost has other cookies than the registered address: the sign-in would be lost.
      reply.redirect(app.address);
      return;
    }
    answer(request, reply).catch((error) => {
      console.error(error);
      reply.page(errorPage({ title: 'The sample app could not answer', text: 'Is everything that the demo started still running?', detail: error.message }), 502);
    });
  });
  server.once('error', (error) => {
    console.error(`The sample app cannot listen on port ${app.options.port}: ${error.code}`);
    process.exit(2);
  });
  return new Promise((resolve) => { server.listen(app.options.port, '127.0.0.1', resolve); });
}

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const app = new App(JSON.parse((await lines.next()).value), await newKey());
  await app.discover();
  await serve(app);
  console.log(`app ready ${app.address}`);
  while (!(await lines.next()).done);
  process.exit(0);
}

main().catch((error) => {
  console.error(`The sample app ended: ${error.cause?.message ?? error.message}`);
  process.exit(2);
});
