// A certified OpenID Provider (npm oidc-provider) as the identity provider of the demo and of the
// interop tests. It demands private_key_jwt and PKCE S256, and has a login page of its own.
//
// Standard input: one JSON line with the configuration, then one JSON line for each command:
//   {"port": 9000, "par": "off" | "on" | "required", "claimsInIdToken": false, "acrValues": [],
//    "parameters": […names of parameters that a client may be held to…], "jwksMaxAge": seconds for
//    which it keeps a client's keys, whatever their answer says (otherwise a minute, or their max-age),
//    "codeSeconds": how long its codes, and what was pushed to it, are good (60)}
//   {"client": {…client metadata…}, "demands": {…}}   registers a client, or changes it; what it is
//       held to besides, as other providers do it (all optional): `audience` is the one that its
//       assertions name ("issuer" or "token_endpoint"), `typ` theirs, `userAgent` the header's
//       value beside them, `parameters` are names that its authorization requests have
// Standard output: "provider ready ISSUER", and "client ready CLIENT_ID" for each client.
// It ends when standard input ends. GET /demo/assertions tells which client assertions it received:
// header, claims and the names of the parameters beside them, never a whole token. GET /demo/clients
// tells which members its record of each client has: their names, never their values.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider, { errors } from 'oidc-provider';

import { loginPage } from './login_page.mjs';

const SIGNING_ALGS = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512',
];

const PEOPLE = {
  ada: { name: 'Ada Lovelace', given_name: 'Ada', family_name: 'Lovelace' },
  alan: { name: 'Alan Turing', given_name: 'Alan', family_name: 'Turing' },
  grace: { name: 'Grace Hopper', given_name: 'Grace', family_name: 'Hopper' },
};

const claimsOf = (login) => ({
  sub: `user-${login}`,
  preferred_username: login,
  email: `${login}@acme.example`,
  email_verified: true,
  locale: 'en',
  ...(PEOPLE[login] ?? { name: login }),
});

// oidc-provider's store, in memory; its own one cannot be given clients while it runs.
const records = new Map();
class MemoryAdapter {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    records.set(this.key(id), payload);
  }

  async find(id) {
    return records.get(this.key(id));
  }

  async findByUid(uid) {
    return this.findWhere((record) => record.uid === uid);
  }

  async findByUserCode(userCode) {
    return this.findWhere((record) => record.userCode === userCode);
  }

  findWhere(matches) {
    for (const [key, record] of records) {
      if (key.startsWith(`${this.model}:`) && matches(record)) return record;
    }
    return undefined;
  }

  async consume(id) {
    records.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    records.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, record] of records) {
      if (record.grantId === grantId) records.delete(key);
    }
  }
}

// By client_id: what other providers demand and oidc-provider by itself does not.
const demands = new Map();

function checkAssertion(ctx, claims, header, client) {
  const { audience, typ, userAgent, keyHeaders } = demands.get(client.clientId) ?? {};
  const audiences = { issuer: ctx.oidc.issuer, token_endpoint: ctx.oidc.urlFor('token') };
  if (audience !== undefined && claims.aud !== audiences[audience]) {
    throw new errors.InvalidClientAuth(`aud has to be the ${audience}`);
  }
  if (typ !== undefined && header.typ !== typ) throw new errors.InvalidClientAuth(`typ has to be ${typ}`);
  if (keyHeaders !== undefined) {
    // Exactly these members name the key; another one is what Entra fails on.
    const sent = ['kid', 'x5t', 'x5t#S256', 'x5c'].filter((name) => header[name] !== undefined);
    if (sent.join() !== keyHeaders.join()) {
      throw new errors.InvalidClientAuth(`the key has to be named by ${keyHeaders.join() || 'nothing'}`);
    }
  }
  if (userAgent !== undefined && ctx.get('user-agent') !== userAgent) {
    throw new errors.InvalidClientAuth(`User-Agent has to be ${userAgent}`);
  }
}

function checkParameters(ctx, value, client) {
  for (const name of demands.get(client.clientId)?.parameters ?? []) {
    if (!ctx.oidc.params[name]) throw new errors.InvalidRequest(`${name} is required`);
  }
}

function signingKeys() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const curves = ['P-256', 'P-384', 'P-521'].map(
    (namedCurve) => generateKeyPairSync('ec', { namedCurve }).privateKey,
  );
  return [rsa, ...curves].map((key, index) => ({
    ...key.export({ format: 'jwk' }),
    kid: `provider-${index}`,
    use: 'sig',
  }));
}

// What a provider that keeps a client's keys for longer than the client allows would store.
async function keptFor(seconds, response) {
  const { status, headers } = response;
  const kept = new Headers(headers);
  kept.set('cache-control', `max-age=${seconds}`);
  return new Response(await response.arrayBuffer(), { status, headers: kept });
}

function configuration({
  par = 'on', claimsInIdToken = false, acrValues = [], parameters = [], jwksMaxAge = undefined,
  codeSeconds = 60,
}) {
  return {
    acrValues,
    adapter: MemoryAdapter,
    assertJwtClientAuthClaimsAndHeader: checkAssertion,
    extraParams: Object.fromEntries(parameters.map((name) => [name, checkParameters])),
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: SIGNING_ALGS,
      idTokenSigningAlgValues: SIGNING_ALGS,
    },
    jwks: { keys: signingKeys() },
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale'],
    },
    conformIdTokenClaims: !claimsInIdToken,
    cookies: { keys: [randomBytes(32).toString('hex')] },
    features: {
      devInteractions: { enabled: false },
      pushedAuthorizationRequests: {
        enabled: par !== 'off',
        requirePushedAuthorizationRequests: par === 'required',
      },
    },
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: () => claimsOf(id.replace(/^user-/, '')),
    }),
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    // The user of a company's provider is not asked for consent to the company's own service.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile email offline_access');
      await grant.save();
      return grant;
    },
    // Its own guard refuses loopback addresses, where our JWKS is here.
    async fetch(url, { dispatcher, ...options }) {
      const response = await globalThis.fetch(url, options);
      return jwksMaxAge === undefined ? response : keptFor(jwksMaxAge, response);
    },
    renderError(ctx, out) {
      ctx.type = 'json';
      ctx.body = out;
    },
    ttl: { AccessToken: 600, AuthorizationCode: codeSeconds, PushedAuthorizationRequest: codeSeconds, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
  };
}

const decoded = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));

// What came to the token and PAR endpoints, without its signature.
const assertions = [];
function remember(ctx) {
  const assertion = ctx.oidc?.params?.client_assertion ?? ctx.oidc?.body?.client_assertion;
  if (typeof assertion !== 'string') return;
  try {
    const [header, claims] = assertion.split('.').slice(0, 2).map(decoded);
    const parameters = Object.keys(ctx.oidc.body ?? {});
    assertions.push({ endpoint: ctx.path, status: ctx.status, at: Date.now(), parameters, header, claims });
    if (assertions.length > 200) assertions.shift();
  } catch {
    // Not a JWT: refused by the provider itself.
  }
}

// By the provider's own account of its clients: what it added to their metadata is in it, too.
async function clients(provider) {
  const ids = [...records.keys()].filter((key) => key.startsWith('Client:'));
  const found = await Promise.all(ids.map((key) => provider.Client.find(key.slice('Client:'.length))));
  return found.map((client) => {
    const members = Object.entries(client.metadata()).filter(([, value]) => value !== undefined);
    return { client_id: client.clientId, members: members.map(([name]) => name) };
  });
}

async function formOf(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

async function interact(provider, request, response) {
  const { uid, params } = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(loginPage({ uid, hint: params.login_hint, people: PEOPLE }));
    return;
  }
  const form = await formOf(request);
  const login = (form.get('login') ?? '').trim().toLowerCase();
  const result = form.get('cancel') !== null || !/^[a-z0-9.]{1,32}$/.test(login)
    ? { error: 'access_denied', error_description: 'The sign-in was cancelled.' }
    : { login: { accountId: `user-${login}`, amr: ['pwd'], acr: params.acr_values?.split(' ')[0] } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function serve(provider, port) {
  const callback = provider.callback();
  const server = createServer((request, response) => {
    if (request.url === '/demo/assertions') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(assertions));
    } else if (request.url === '/demo/clients') {
      clients(provider).then((found) => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(found));
      }).catch((error) => {
        response.statusCode = 500;
        response.end(String(error.message));
      });
    } else if (request.url.startsWith('/interaction/')) {
      interact(provider, request, response).catch((error) => {
        response.statusCode = 400;
        response.end(String(error.message));
      });
    } else {
      callback(request, response);
    }
  });
  server.once('error', (error) => {
    console.error(`The identity provider cannot listen on port ${port}: ${error.code}`);
    process.exit(2);
  });
  return new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
}

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const options = JSON.parse((await lines.next()).value);
  const issuer = options.issuer ?? `http://127.0.0.1:${options.port}`;
  const provider = new Provider(issuer, configuration(options));
  provider.use(async (ctx, next) => {
    await next();
    remember(ctx);
  });
  // What the provider would tell its own operator; no token is in these texts.
  for (const event of ['authorization.error', 'grant.error', 'pushed_authorization_request.error', 'userinfo.error', 'server_error']) {
    provider.on(event, (ctx, error) => {
      console.error(`provider: ${event}: ${error.message} ${error.error_detail ?? error.error_description ?? ''}`);
    });
  }
  await serve(provider, options.port);
  console.log(`provider ready ${issuer}`);
  for (;;) {
    const { value, done } = await lines.next();
    if (done) process.exit(0);
    const { client, demands: demanded } = JSON.parse(value);
    demands.set(client.client_id, demanded ?? {});
    await new MemoryAdapter('Client').upsert(client.client_id, client);
    await provider.Client.find(client.client_id); // refuses what is wrong with it
    console.log(`client ready ${client.client_id}`);
  }
}

main().catch((error) => {
  console.error(`The identity provider ended: ${error.error_description ?? error.message}`);
  process.exit(2);
});
