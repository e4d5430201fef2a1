"""A provider behind the `Fetcher` port: honest by default, and able to lie in every part.

For tables of cases in unit tests. What a certified provider does is tested in tests/interop.
"""

import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey, sign
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable
from tests.support.memory import FixedClock
from tests.support.software_kms import SoftwareKms

JSON = {"content-type": "application/json"}
ISSUER = "https://idp.example"
DISCOVERY = "/.well-known/openid-configuration"


class CannedProvider:
    """Answers discovery, JWKS, PAR, token and userinfo; records every request it gets.

    `claims` overrides members of the ID token (ABSENT removes one), `metadata` members of the
    discovery document, `answers` replaces the answer of an endpoint by its path.
    """

    ABSENT = object()

    def __init__(self, clock: FixedClock, *, alg: str = "RS256") -> None:
        self.clock = clock
        self.alg = alg
        self.kms = SoftwareKms()
        self.requests: list[HttpRequest] = []
        self.claims: dict[str, object] = {}
        self.metadata: dict[str, object] = {}
        self.answers: dict[str, Callable[[HttpRequest], HttpAnswer]] = {}
        self.token_members: dict[str, object] = {}
        self.userinfo: dict[str, object] = {"sub": "user-1", "email": "ada@example.org"}
        self.nonce = ""
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key; the JWKS shows the new one alone."""
        key_id = self.kms.create_key(algorithm=algorithm(self.alg), tags={})
        self.jwk = PublicJwk.from_der(self.kms.public_key(key_id), alg=self.alg).as_dict()
        self.key = SigningKey(kid=self.jwk["kid"], alg=self.alg, key_id=key_id, signer=self.kms)

    def visit(self, url: str) -> dict[str, str]:
        """Look at what the browser brings to the authorization endpoint."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if "request_uri" in query:
            pushed = next(r for r in reversed(self.requests) if r.url.endswith("/par"))
            query = dict(pushed.form or {})
        self.nonce = query["nonce"]
        return query

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        self.requests.append(request)
        if request.url.endswith(DISCOVERY) and not request.url.startswith(f"{ISSUER}/"):
            raise Unreachable("nobody is there", sent=False)
        path = urlsplit(request.url).path
        if path in self.answers:
            return self.answers[path](request)
        return {
            "/.well-known/openid-configuration": self._discovery,
            "/jwks": self._jwks,
            "/par": self._par,
            "/token": self._token,
            "/me": self._userinfo,
        }[path]()

    def check(self, url: str) -> None:
        """Every address may be registered here."""

    def token_requests(self) -> list[Mapping[str, str]]:
        return [r.form or {} for r in self.requests if r.url.endswith("/token")]

    def id_token(self) -> str:
        now = self.clock.now()
        claims = {
            "iss": ISSUER,
            "sub": "user-1",
            "aud": "signet",
            "exp": now + 300,
            "iat": now,
            "nonce": self.nonce,
            "email": "ada@example.org",
            "email_verified": True,
            "name": "Ada",
            **self.claims,
        }
        present = {name: value for name, value in claims.items() if value is not self.ABSENT}
        return sign(present, key=self.key, typ="JWT").compact

    def _discovery(self) -> HttpAnswer:
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "userinfo_endpoint": f"{ISSUER}/me",
            "jwks_uri": f"{ISSUER}/jwks",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return answer({name: v for name, v in document.items() if v is not self.ABSENT})

    def _jwks(self) -> HttpAnswer:
        return answer({"keys": [self.jwk]})

    def _par(self) -> HttpAnswer:
        return answer({"request_uri": "urn:example:one", "expires_in": 60}, status=201)

    def _token(self) -> HttpAnswer:
        document = {
            "access_token": "upstream-access-token",
            "token_type": "Bearer",
            "id_token": self.id_token(),
            **self.token_members,
        }
        return answer({name: v for name, v in document.items() if v is not self.ABSENT})

    def _userinfo(self) -> HttpAnswer:
        return answer(self.userinfo)


def answer(document: object, *, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status=status, headers=JSON, body=json.dumps(document).encode())
