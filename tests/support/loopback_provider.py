"""A provider on loopback that answers by the book and checks nothing: a partner to measure with.

Whoever is measured pays for the requests and the answers, never for the provider: alone it is a
process, `python -m tests.support.loopback_provider [--par]`. It prints its issuer in one line, and
ends when its standard input does.

The code that it redeems is the nonce of the login, so that it needs to remember nothing.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from signet.adapters.clock import WallClock
from signet.broker.ports import Clock
from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey, sign
from signet.oidc.id_token import half_hash
from signet.oidc.logout_token import EVENT, TYP
from tests.support.software_kms import SoftwareKms

ALG = "RS256"
CLIENT_ID = "signet"
ACCESS_TOKEN = "upstream-access-token"


class LoopbackProvider:
    """Discovery, JWKS, token and (with `par`) pushed authorization requests, on a free port.

    With `sid` it names its sessions in ID tokens.
    """

    def __init__(self, clock: Clock, *, par: bool = False, sid: str | None = None) -> None:
        self._clock = clock
        self._par = par
        self._sid = {"sid": sid} if sid is not None else {}
        self._pushed: dict[str, dict[str, str]] = {}
        self._ids = count(1)
        kms = SoftwareKms()
        key_id = kms.create_key(algorithm=algorithm(ALG), tags={})
        self._jwk = PublicJwk.from_der(kms.public_key(key_id), alg=ALG).as_dict()
        self._key = SigningKey(kid=self._jwk["kid"], alg=ALG, key_id=key_id, signer=kms)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def visit(self, url: str) -> dict[str, str]:
        """Let the user sign in: return the answer that the browser brings back."""
        request = _parameters(urlsplit(url).query)
        request = self._pushed.pop(request.get("request_uri", ""), request)
        return {"code": request["nonce"], "state": request["state"], "iss": self.issuer}

    def logout_token(self, **names: str) -> str:
        """Sign a person out by `sub`, `sid` or both [Back-Channel Logout 1.0, 2.4]."""
        now = self._clock.now()
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 60,
            "jti": f"logout-{next(self._ids)}",
            "events": {EVENT: {}},
            **names,
        }
        return sign(claims, key=self._key, typ=TYP).compact

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, object]:
        """Answer one request."""
        if path == "/.well-known/openid-configuration":
            return 200, self._metadata()
        if path == "/jwks":
            return 200, {"keys": [self._jwk]}
        if path == "/token":
            return 200, self._tokens(form["code"])
        if path == "/par" and self._par:
            request_uri = f"urn:example:{next(self._ids)}"
            self._pushed[request_uri] = form
            return 201, {"request_uri": request_uri, "expires_in": 60}
        return 404, {}

    def _metadata(self) -> dict[str, object]:
        par = {"pushed_authorization_request_endpoint": f"{self.issuer}/par"} if self._par else {}
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "authorization_response_iss_parameter_supported": True,
            **par,
        }

    def _tokens(self, nonce: str) -> dict[str, object]:
        now = self._clock.now()
        claims = {
            "iss": self.issuer,
            "sub": "user-1",
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "at_hash": half_hash(ACCESS_TOKEN, alg=ALG),
            "email": "ada@example.org",
            "email_verified": True,
            "name": "Ada Lovelace",
            **self._sid,
        }
        return {
            "access_token": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": sign(claims, key=self._key, typ="JWT").compact,
        }


def _handler_of(provider: LoopbackProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self._answer(_parameters(body.decode("ascii")))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, form: dict[str, str]) -> None:
            status, document = provider.answer(urlsplit(self.path).path, form)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _parameters(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


if __name__ == "__main__":
    with LoopbackProvider(WallClock(), par="--par" in sys.argv[1:]) as running:
        sys.stdout.write(f"{running.issuer}\n")
        sys.stdout.flush()
        sys.stdin.read()
