"""The same exchange by Authlib: a callback's answer in, the verified claims of a user out.

A new session for each login is what Authlib's framework integrations make, and what keeps one
user's tokens from another's. Its key and the provider's JWK Set are made once, in its favour.
"""

from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jws import JWSRegistry

from tests.bench.surroundings import APP
from tests.support.loopback_provider import CLIENT_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What an application on Authlib keeps of a login that is at the provider."""

    url: str
    state: str
    nonce: str
    code_verifier: str = field(default="v" * 43)


class AuthlibClient:
    """A relying party with a key in software, whose provider is known already."""

    def __init__(self, issuer: str, jwks: dict[str, Any], *, alg: str) -> None:
        self._issuer = issuer
        self._token_endpoint = f"{issuer}/token"
        self._keys = KeySet.import_key_set(jwks)
        self._key = RSAKey.generate_key(2048) if alg == "RS256" else ECKey.generate_key("P-256")
        self._authentication = PrivateKeyJWT(
            self._token_endpoint, alg=alg, headers={"kid": self._key.thumbprint()}
        )

    def finish(self, login: Login) -> CodeIDToken:
        """Redeem the code, verify the ID token."""
        with self._session() as session:
            token = session.fetch_token(
                self._token_endpoint,
                authorization_response=login.url,
                state=login.state,
                code_verifier=login.code_verifier,
            )
        verified = jwt.decode(
            token["id_token"],
            key=self._keys,
            registry=JWSRegistry(algorithms=["RS256"], strict_check_header=False),
        )
        claims = CodeIDToken(
            verified.claims,
            verified.header,
            {"iss": {"values": [self._issuer]}},
            {
                "nonce": login.nonce,
                "client_id": CLIENT_ID,
                "access_token": token["access_token"],
            },
        )
        claims.validate(leeway=120)
        return claims

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            CLIENT_ID,
            self._key,
            token_endpoint_auth_method=PrivateKeyJWT.name,
            redirect_uri=APP,
        )
        session.register_client_auth_method(self._authentication)
        return session
