"""An identity provider that lies: one HTTP server on loopback, a tenant for each lie.

A tenant is an issuer of its own with metadata, keys and answers of its own. Left alone it is
honest; a test changes the one thing that its case is about. It has no login page: a test takes
Signet's request apart where a browser would arrive, and makes up the code that it comes back with.
"""

import json
import secrets  # noqa: TID251  (a provider makes codes of its own)
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.clock import now
from tests.support.forged_jws import PrivateKey, half_hash, new_key, public_jwk, sign
from tests.support.travelled import Travelled

CLIENT_ID = "signet-at-acme"
ABSENT = object()
"""Takes a member away, where it stands as a value."""

CONFIGURATION = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer as it goes out."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    @classmethod
    def of(cls, document: object, *, status: int = 200) -> "Answer":
        """Answer a JSON document."""
        return cls(status=status, body=json.dumps(document).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came in; `path` without the tenant."""

    method: str
    path: str
    form: dict[str, str]
    authorization: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What one ID token is about."""

    code: str
    nonce: str
    access_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKey:
    """A signing key under its `kid`; None publishes it without one."""

    kid: str | None
    alg: str
    private: PrivateKey = field(repr=False)

    @classmethod
    def new(cls, kid: str | None, alg: str = "ES256") -> "ProviderKey":
        return cls(kid=kid, alg=alg, private=new_key(alg))

    def public(self) -> dict[str, str]:
        named = {"kid": self.kid} if self.kid is not None else {}
        return public_jwk(self.private, use="sig", **named)


def changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return members with changes; `ABSENT` takes one away."""
    merged = {**members, **changes}
    return {name: value for name, value in merged.items() if value is not ABSENT}


@dataclass(slots=True)
class Tenant:
    """One issuer. Everything that can be a lie is a member, and honest by default.

    `token_answers` and `userinfo_answers` are used up one by one before the honest answer.
    """

    issuer: str
    key: ProviderKey
    metadata: dict[str, Any] = field(default_factory=dict)
    jwks: Any = None
    header: dict[str, Any] = field(default_factory=dict)
    claims: Callable[[Login], Mapping[str, Any]] = lambda _login: {}
    token_response: dict[str, Any] = field(default_factory=dict)
    make_id_token: Callable[["Tenant", Login], str] | None = None
    token_answers: list[Answer] = field(default_factory=list)
    userinfo_answers: list[Answer] = field(default_factory=list)
    push_answer: Answer | None = None
    received: list[Received] = field(default_factory=list)
    _logins: dict[str, Login] = field(default_factory=dict)
    _pushed: dict[str, dict[str, str]] = field(default_factory=dict)

    def requests(self, path: str) -> list[Received]:
        """Return what came to one of the endpoints."""
        return [request for request in self.received if request.path == path]

    def token_requests(self) -> list[dict[str, str]]:
        """Return the forms that came to the token endpoint."""
        return [request.form for request in self.requests("/token")]

    def expect(self, authorization: Mapping[str, str]) -> str:
        """Take Signet's authorization request, as from a browser; return a code for it."""
        parameters = self._pushed.get(authorization.get("request_uri", ""), authorization)
        code = secrets.token_urlsafe(32)
        self._logins[code] = Login(
            code=code,
            nonce=parameters["nonce"],
            access_token=secrets.token_urlsafe(32),
        )
        return code

    def state_of(self, authorization: Mapping[str, str]) -> str:
        """Return the state of Signet's authorization request, pushed or not."""
        return self._pushed.get(authorization.get("request_uri", ""), authorization)["state"]

    def honest_claims(self, login: Login) -> dict[str, Any]:
        """Write the claims that Signet has to accept."""
        issued = now()
        return {
            "iss": self.issuer,
            "sub": "user-ada",
            "aud": CLIENT_ID,
            "iat": issued,
            "exp": issued + 300,
            "nonce": login.nonce,
            "at_hash": half_hash(login.access_token, self.key.alg),
            "name": "Ada Lovelace",
            "email": "ada@acme.example",
            "email_verified": True,
        }

    def id_token(self, login: Login) -> str:
        """Make the ID token of a login, with this tenant's lies in it."""
        if self.make_id_token is not None:
            return self.make_id_token(self, login)
        claims = changed(self.honest_claims(login), self.claims(login))
        return self.signed(claims)

    def signed(self, claims: Mapping[str, Any] | str, **header: Any) -> str:
        """Sign claims with this tenant's key."""
        honest = {"alg": self.key.alg, "kid": self.key.kid or ABSENT}
        full = changed(honest, {**self.header, **header})
        return sign(full, claims, key=self.key.private, alg=self.key.alg)

    def answer(self, request: Received, travelled: Travelled) -> Answer:
        """Answer a request at one of the endpoints."""
        self.received.append(request)
        travelled.note_all(request.form)
        match request.path:
            case "/.well-known/openid-configuration":
                return Answer.of(changed(self._honest_metadata(), self.metadata))
            case "/jwks":
                document = self.jwks if self.jwks is not None else {"keys": [self.key.public()]}
                return document if isinstance(document, Answer) else Answer.of(document)
            case "/token":
                return self._token(request, travelled)
            case "/par":
                return self._push(request, travelled)
            case "/userinfo":
                travelled.note((request.authorization or "").rpartition(" ")[2], "access_token")
                answers = self.userinfo_answers
                return answers.pop(0) if answers else Answer.of({"sub": "user-ada"})
        return Answer.of({"error": "not_found"}, status=404)

    def _honest_metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _token(self, request: Received, travelled: Travelled) -> Answer:
        if self.token_answers:
            return self.token_answers.pop(0)
        login = self._logins.pop(request.form.get("code", ""), None)
        if login is None:
            return Answer.of({"error": "invalid_grant"}, status=400)
        honest = {
            "access_token": login.access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.id_token(login),
        }
        travelled.note_all(honest)
        return Answer.of(changed(honest, self.token_response))

    def _push(self, request: Received, travelled: Travelled) -> Answer:
        if self.push_answer is not None:
            return self.push_answer
        request_uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(24)}"
        self._pushed[request_uri] = request.form
        travelled.note(request_uri, "request_uri")
        return Answer.of({"request_uri": request_uri, "expires_in": 60}, status=201)


class LyingProvider:
    """The server; `tenant` makes an issuer, which answers at once."""

    def __init__(self, address: str, travelled: Travelled) -> None:
        self.address = address
        self.travelled = travelled
        self.tenants: dict[str, Tenant] = {}
        self._key = ProviderKey.new("provider-1")

    def tenant(self, name: str) -> Tenant:
        """Make an honest tenant; they share one key until a test gives one another."""
        tenant = Tenant(issuer=f"{self.address}/{name}", key=self._key)
        self.tenants[name] = tenant
        return tenant

    def handle(self, request: Received) -> Answer:
        """Answer a request for one of the tenants."""
        name, _, rest = request.path.lstrip("/").partition("/")
        tenant = self.tenants.get(name)
        if tenant is None:
            return Answer.of({"error": "not_found"}, status=404)
        inner = Received(
            method=request.method,
            path=f"/{rest}",
            form=request.form,
            authorization=request.authorization,
        )
        return tenant.answer(inner, self.travelled)


@contextmanager
def lying_provider(travelled: Travelled) -> Iterator[LyingProvider]:
    """Serve on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    provider = LyingProvider(f"http://127.0.0.1:{server.server_port}", travelled)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"provider": provider})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    provider: LyingProvider
    wbufsize = -1  # head and body leave together

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("content-length", "0"))))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _handle(self, body: bytes) -> None:
        answer = self.provider.handle(
            Received(
                method=self.command,
                path=urlsplit(self.path).path,
                form=dict(parse_qsl(body.decode("ascii"))),
                authorization=self.headers.get("authorization"),
            )
        )
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
