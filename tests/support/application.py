"""An application in front of Signet, made by hand so that it can get everything wrong."""

import hashlib
import secrets  # noqa: TID251  (an application makes values of its own)
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.clock import now
from tests.support.forged_jws import PrivateKey, encode, new_key, private_jwk, public_jwk, sign
from tests.support.lying_provider import changed
from tests.support.travelled import Client, Response, Wire

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REDIRECT_URI = "http://127.0.0.1:9/callback"


def challenge_of(verifier: str) -> str:
    """Compute S256 by other code than Signet's [RFC 7636 4.2]."""
    return encode(hashlib.sha256(verifier.encode("ascii")).digest())


@dataclass(slots=True)
class Application:
    """A client of Signet's with a key of its own."""

    issuer: str
    wire: Wire
    client_id: str = "app"
    kid: str = "app-1"
    alg: str = "ES256"
    key: PrivateKey = field(init=False, repr=False)
    http: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.key = new_key(self.alg)
        self.http = self.wire.client()
        if self.alg.startswith("ES"):
            self.wire.travelled.note_private_key(private_jwk(self.key))

    def registration(self, **changes: Any) -> dict[str, Any]:
        """Write what an administrator registers."""
        return {
            "client_id": self.client_id,
            "name": f"Application {self.client_id}",
            "redirect_uris": [REDIRECT_URI],
            "jwks": {"keys": [public_jwk(self.key, kid=self.kid)]},
            "token_endpoint_auth_signing_alg": self.alg,
            **changes,
        }

    def request(self, connection: str, /, **changes: Any) -> "SignIn":
        """Begin a sign-in: an authorization request with secrets of its own."""
        verifier = secrets.token_urlsafe(48)
        self.wire.travelled.note(verifier, "code_verifier")
        parameters = {
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "openid profile email",
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            "connection": connection,
        }
        return SignIn(parameters=changed(parameters, changes), verifier=verifier)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Write the claims of an assertion that Signet has to accept."""
        issued = now()
        honest = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": str(uuid.uuid4()),
            "iat": issued,
            "exp": issued + 60,
        }
        return changed(honest, changes)

    def assertion(
        self,
        claims: Mapping[str, Any] | str | None = None,
        *,
        key: PrivateKey | bytes | None = None,
        signed_as: str | None = None,
        **header: Any,
    ) -> str:
        """Sign an assertion; `signed_as` is what really signs, whatever the header says."""
        full = changed({"alg": self.alg, "kid": self.kid, "typ": "JWT"}, header)
        payload = claims if claims is not None else self.claims()
        return sign(full, payload, key=key or self.key, alg=signed_as or self.alg)

    def form(self, code: str, verifier: str, /, **changes: Any) -> dict[str, str]:
        """Write a token request that Signet has to accept."""
        honest = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": verifier,
            "client_assertion_type": ASSERTION_TYPE,
        }
        if "client_assertion" not in changes:
            honest["client_assertion"] = self.assertion()
        return changed(honest, changes)

    def redeem(self, code: str, verifier: str, /, **changes: Any) -> Response:
        """Send a token request."""
        return self.http.post(f"{self.issuer}/token", data=self.form(code, verifier, **changes))

    def authenticated(self, **members: Any) -> dict[str, str]:
        """Write a form that this application authenticates with a fresh assertion."""
        honest = {"client_assertion_type": ASSERTION_TYPE}
        if "client_assertion" not in members:
            honest["client_assertion"] = self.assertion()
        return changed(honest, members)

    def refresh(self, refresh_token: str, /, **changes: Any) -> Response:
        """Send a refresh."""
        grant = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post("/token", **{**grant, **changes})

    def post(self, path: str, /, **members: Any) -> Response:
        """Send a form, authenticated, to one of Signet's endpoints."""
        return self.http.post(f"{self.issuer}{path}", data=self.authenticated(**members))

    def userinfo(self, access_token: str) -> Response:
        """Ask for the user's claims."""
        headers = {"authorization": f"Bearer {access_token}"}
        return self.http.get(f"{self.issuer}/userinfo", headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One sign-in as the application knows it."""

    parameters: dict[str, str]
    verifier: str = field(repr=False)

    @property
    def state(self) -> str:
        return self.parameters["state"]

    @property
    def nonce(self) -> str:
        return self.parameters["nonce"]
