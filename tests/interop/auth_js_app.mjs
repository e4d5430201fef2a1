// An application made of Auth.js (npm @auth/core, the engine of next-auth) as it is: its own pages
// for sign-in and sign-out, its own cookies, and its session in a JWT. It is driven by lines:
// app_lines.mjs. Each login is a browser of its own, a jar of cookies before Auth.js.
//
// Auth.js names two audiences in its assertions, which Signet refuses. `customFetch`, the library's
// hook for that, signs what is sent for the issuer alone; {"hook": false} in the first line leaves
// it out.
import { Auth, customFetch } from '@auth/core';
import * as oauth from 'oauth4webapi';

import { made, serve } from './app_lines.mjs';

const APP = 'http://127.0.0.1:9';
const redirectUri = `${APP}/auth/callback/signet`;
const postLogoutRedirectUri = `${APP}/signed-out`;
const http = { [oauth.allowInsecureRequests]: true };

await serve(({ issuer, clientId, hook = true }) => {
  const as = { issuer, token_endpoint: `${issuer}/token`, userinfo_endpoint: `${issuer}/userinfo` };
  const client = { client_id: clientId };
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
  let key;

  /** Sign for the issuer alone. */
  function forTheIssuer(url, options) {
    if (!options?.body?.has('client_assertion')) return fetch(url, options);
    return oauth.PrivateKeyJwt(key)(as, client, options.body).then(() => fetch(url, options));
  }

  async function refreshed({ refresh_token }) {
    const authentication = oauth.PrivateKeyJwt(key);
    return oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(
      as, client, authentication, refresh_token, http,
    ));
  }

  function configuration(login) {
    return {
      providers: [{
        id: 'signet',
        name: 'Signet',
        type: 'oidc',
        issuer,
        clientId,
        client: { token_endpoint_auth_method: 'private_key_jwt' },
        token: { clientPrivateKey: key },
        authorization: { params: { scope: login.scope } },
        checks: ['pkce', 'state', 'nonce'],
        idToken: false, // the profile comes from /userinfo
        ...(hook && { [customFetch]: forTheIssuer }),
      }],
      basePath: '/auth',
      secret,
      trustHost: true,
      callbacks: {
        // As Auth.js has its applications keep tokens, and refresh them where they want to.
        async jwt({ token, account, profile, trigger }) {
          if (account) return { ...token, tokens: account, profile };
          if (trigger === 'update') {
            return { ...token, tokens: { ...token.tokens, ...await refreshed(token.tokens) } };
          }
          return token;
        },
        session({ session, token }) {
          login.tokens = token.tokens;
          login.profile = token.profile;
          return session;
        },
      },
      logger: { error: (error) => { login.error = error; }, warn() {}, debug() {} },
    };
  }

  /** Send a browser's request to the application. */
  async function sent(login, path, form) {
    const cookie = [...login.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const json = path === '/auth/session';
    const type = json ? 'application/json' : 'application/x-www-form-urlencoded';
    const request = new Request(path.startsWith(APP) ? path : `${APP}${path}`, {
      method: form ? 'POST' : 'GET',
      headers: { cookie, ...(form && { 'content-type': type }) },
      ...(form && { body: json ? JSON.stringify(form) : new URLSearchParams(form).toString() }),
    });
    const response = await Auth(request, configuration(login));
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) login.cookies.set(name, value);
      else login.cookies.delete(name);
    }
    if (login.error) throw login.error.cause?.err ?? login.error;
    return response;
  }

  async function posted(login, path, form) {
    const { csrfToken } = await (await sent(login, '/auth/csrf')).json();
    return sent(login, path, { ...form, csrfToken });
  }

  const claimsOf = ({ id_token }) => JSON.parse(Buffer.from(id_token.split('.')[1], 'base64url'));

  return {
    redirectUri,
    postLogoutRedirectUri,

    signWith(next) {
      key = next;
    },

    async begin({ scope = 'openid profile email', ...parameters }) {
      const login = { cookies: new Map(), scope };
      const query = new URLSearchParams(parameters);
      const url = (await posted(login, `/auth/signin/signet?${query}`, {})).headers.get('location');
      login.state = new URL(url).searchParams.get('state');
      return { url, started: login };
    },

    async finish(login, address) {
      await sent(login, address);
      await sent(login, '/auth/session');
      return made(login.tokens, claimsOf(login.tokens), login.profile);
    },

    async refresh(login) {
      await posted(login, '/auth/session', { data: {} });
      const { access_token } = login.tokens;
      const response = await oauth.userInfoRequest(as, client, access_token, http);
      const claims = claimsOf(login.tokens);
      const userinfo = await oauth.processUserInfoResponse(as, client, claims.sub, response);
      return made(login.tokens, claims, userinfo);
    },

    /** Auth.js ends its own session; where to go then is the application's to know. */
    async logout(login) {
      await posted(login, '/auth/signout', {});
      if (await (await sent(login, '/auth/session')).json()) throw new Error('still signed in');
      const asked = new URLSearchParams({
        id_token_hint: login.tokens.id_token,
        post_logout_redirect_uri: postLogoutRedirectUri,
        state: login.state,
      });
      return `${issuer}/logout?${asked}`;
    },
  };
});
