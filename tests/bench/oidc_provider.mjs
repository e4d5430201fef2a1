// npm oidc-provider as it is, with its own in-memory store, beside which `token` is measured.
//
// Standard input: one JSON line with the client's public keys, {"jwks"}, then one JSON line for each
// command; every line is answered by one JSON line. It ends when standard input ends.
//   {"jwks": {…}}   → {"issuer"}
//   {"codes": n}    → {"codes": […]}: of logins that are done, bound to the challenge
//   {"used": true}  → {"microseconds"}: processor time of this process until now
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

const { CLIENT_ID, REDIRECT_URI, CODE_CHALLENGE } = process.env;
const SCOPE = 'openid profile email';
const PERSON = { sub: 'user-ada', name: 'Ada', email: 'ada@acme.example', email_verified: true };

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const answer = (document) => process.stdout.write(`${JSON.stringify(document)}\n`);
for (const name of ['info', 'warn']) console[name] = () => {}; // its word on a store in memory

const { jwks } = JSON.parse((await lines.next()).value);
const server = createServer();
await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
const issuer = `http://127.0.0.1:${server.address().port}`;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const provider = new Provider(issuer, {
  clients: [{
    client_id: CLIENT_ID,
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks,
  }],
  clientAuthMethods: ['private_key_jwt'],
  conformIdTokenClaims: false, // the person's claims are in the ID token, as Signet's are
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: {
    devInteractions: { enabled: false },
    // Access tokens are JWTs [RFC 9068], as Signet's are.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => issuer,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: SCOPE, audience: issuer, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  findAccount: (ctx, accountId) => ({ accountId, claims: () => PERSON }),
  jwks: { keys: [{ ...rsa, kid: 'provider', use: 'sig' }] },
  pkce: { required: () => true },
});
// The same HTTP with nothing behind it, so that what it takes can be told apart.
const exchange = provider.callback();
server.on('request', async (request, response) => {
  if (request.url !== '/http-alone') return exchange(request, response);
  const form = [];
  for await (const part of request) form.push(part);
  return response.end(JSON.stringify({ length: Buffer.concat(form).toString().length }));
});
answer({ issuer });

async function code() {
  const client = await provider.Client.find(CLIENT_ID);
  const accountId = PERSON.sub;
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
  grant.addOIDCScope(SCOPE);
  grant.addResourceScope(issuer, SCOPE);
  return new provider.AuthorizationCode({
    accountId,
    authTime: Math.floor(Date.now() / 1000),
    client,
    codeChallenge: CODE_CHALLENGE,
    codeChallengeMethod: 'S256',
    grantId: await grant.save(),
    nonce: 'app-nonce',
    redirectUri: REDIRECT_URI,
    resource: issuer,
    scope: SCOPE,
  }).save();
}

for (;;) {
  const { value, done } = await lines.next();
  if (done) process.exit(0);
  const command = JSON.parse(value);
  if (command.codes) {
    const codes = [];
    for (let made = 0; made < command.codes; made += 1) codes.push(await code());
    answer({ codes });
  } else {
    const { user, system } = process.cpuUsage();
    answer({ microseconds: user + system });
  }
}
