// An application made of npm openid-client as it is: private_key_jwt with keys of its own, PKCE,
// ID token validation with the signature too, userinfo. It only allows plain http, for loopback.
// It is driven by lines: app_lines.mjs.
import * as client from 'openid-client';

import { carry, made, serve } from './app_lines.mjs';

const redirectUri = 'http://127.0.0.1:9/callback';
const postLogoutRedirectUri = 'http://127.0.0.1:9/signed-out';

await serve(({ issuer, clientId, alg }) => {
  let key;
  let config;
  let DPoP;

  async function configured() {
    if (config) return config;
    const metadata = { id_token_signed_response_alg: 'RS256', token_endpoint_auth_signing_alg: alg };
    config = await client.discovery(
      new URL(issuer), clientId, metadata, client.PrivateKeyJwt(key),
      { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
    );
    return config;
  }

  async function about(tokens, subject) {
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, subject, { DPoP });
    return made(tokens, tokens.claims(), userinfo);
  }

  return {
    redirectUri,
    postLogoutRedirectUri,

    signWith(next) {
      key = next;
      config = undefined;
    },

    async prove(proved) {
      const pair = proved === null ? undefined : await client.randomDPoPKeyPair(proved);
      DPoP = pair && client.getDPoPHandle(await configured(), pair);
    },

    async age(seconds) {
      const { jwks, uat } = client.getJwksCache(config);
      config = undefined; // what is kept counts for a configuration that the library makes anew
      client.setJwksCache(await configured(), { jwks, uat: uat - seconds });
    },

    async begin(parameters, by) {
      await configured();
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
        carry(asked);
      }
      const url = by.includes('par')
        ? await client.buildAuthorizationUrlWithPAR(config, asked, { DPoP })
        : client.buildAuthorizationUrl(config, asked);
      return { url, started };
    },

    async finish(started, address) {
      await configured();
      const tokens = await client.authorizationCodeGrant(config, new URL(address), {
        pkceCodeVerifier: started.verifier,
        expectedState: started.state,
        expectedNonce: started.nonce,
        idTokenExpected: true,
      }, undefined, { DPoP });
      started.tokens = tokens;
      return about(tokens, tokens.claims().sub);
    },

    async refresh(login) {
      await configured();
      const { sub } = login.tokens.claims();
      const tokens = await client.refreshTokenGrant(
        config, login.tokens.refresh_token, undefined, { DPoP },
      );
      login.tokens = tokens;
      return about(tokens, sub);
    },

    async logout(login) {
      return client.buildEndSessionUrl(await configured(), {
        id_token_hint: login.tokens.id_token,
        post_logout_redirect_uri: postLogoutRedirectUri,
        state: login.state,
      });
    },
  };
});
