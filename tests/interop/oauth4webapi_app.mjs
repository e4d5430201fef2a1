// An application made of npm oauth4webapi as it is: private_key_jwt with keys of its own, PAR, DPoP
// with the nonce that it is asked for, PKCE, ID token validation with the signature too, userinfo.
// It only allows plain http, for loopback. It is driven by lines: app_lines.mjs.
import * as oauth from 'oauth4webapi';

import { made, serve } from './app_lines.mjs';

const redirectUri = 'http://127.0.0.1:9/callback';
const postLogoutRedirectUri = 'http://127.0.0.1:9/signed-out';
const http = { [oauth.allowInsecureRequests]: true };

await serve(({ issuer, clientId }) => {
  const client = { client_id: clientId, id_token_signed_response_alg: 'RS256' };
  let authentication;
  let as;
  let DPoP;
  let jkt;
  const kept = {}; // what the library keeps of the issuer's JWKS

  async function discovered() {
    const address = new URL(issuer);
    as ??= await oauth.processDiscoveryResponse(address, await oauth.discoveryRequest(address, http));
    return as;
  }

  /** Send once more where a nonce is asked for, as the library wants its applications to do. */
  async function withNonce(send) {
    try {
      return await send();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return send();
    }
  }

  const proving = () => ({ ...http, DPoP });

  async function about(tokens, response, subject) {
    await oauth.validateApplicationLevelSignature(
      as, response, { ...http, [oauth.jwksCache]: kept },
    );
    const userinfo = await withNonce(async () => oauth.processUserInfoResponse(
      as, client, subject,
      await oauth.userInfoRequest(as, client, tokens.access_token, proving()),
    ));
    return made(tokens, oauth.getValidatedIdTokenClaims(tokens), userinfo);
  }

  return {
    redirectUri,
    postLogoutRedirectUri,

    signWith(key) {
      authentication = oauth.PrivateKeyJwt(key);
    },

    async prove(alg) {
      const pair = alg === null ? undefined : await oauth.generateKeyPair(alg);
      DPoP = pair && oauth.DPoP(client, pair);
      jkt = DPoP && await DPoP.calculateThumbprint();
    },

    age(seconds) {
      kept.uat -= seconds;
      as = { ...as }; // what is kept counts for metadata that the library has not seen yet
    },

    async begin(parameters, by) {
      await discovered();
      const verifier = oauth.generateRandomCodeVerifier();
      const started = {
        verifier, state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(),
      };
      let asked = new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: 'openid profile email',
        state: started.state,
        nonce: started.nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(DPoP && { dpop_jkt: jkt }),
        ...parameters,
      });
      if (by.includes('par')) {
        const { request_uri } = await withNonce(async () => oauth.processPushedAuthorizationResponse(
          as, client,
          await oauth.pushedAuthorizationRequest(as, client, authentication, asked, proving()),
        ));
        asked = new URLSearchParams({ client_id: clientId, request_uri });
      }
      return { url: `${as.authorization_endpoint}?${asked}`, started };
    },

    async finish(started, address) {
      const parameters = oauth.validateAuthResponse(as, client, new URL(address), started.state);
      let response;
      const tokens = await withNonce(async () => {
        response = await oauth.authorizationCodeGrantRequest(
          as, client, authentication, parameters, redirectUri, started.verifier, proving(),
        );
        return oauth.processAuthorizationCodeResponse(
          as, client, response, { expectedNonce: started.nonce, requireIdToken: true },
        );
      });
      started.tokens = tokens;
      started.subject = oauth.getValidatedIdTokenClaims(tokens).sub;
      return about(tokens, response, started.subject);
    },

    async refresh(login) {
      let response;
      const tokens = await withNonce(async () => {
        response = await oauth.refreshTokenGrantRequest(
          as, client, authentication, login.tokens.refresh_token, proving(),
        );
        return oauth.processRefreshTokenResponse(as, client, response);
      });
      login.tokens = tokens;
      return about(tokens, response, login.subject);
    },

    /** The library has the metadata, and no function that makes an address of it. */
    logout(login) {
      const asked = new URLSearchParams({
        id_token_hint: login.tokens.id_token,
        post_logout_redirect_uri: postLogoutRedirectUri,
        state: login.state,
      });
      return `${as.end_session_endpoint}?${asked}`;
    },
  };
});
