"""A provider on loopback that verifies each client assertion under the client's published keys.

It knows of no code, so that a client that it knows gets `invalid_grant`, and any other one
`invalid_client` [RFC 6749 5.2]. It keeps no key: C is 0 here.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import httpx  # noqa: TID251  (an outside verifier)
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet


@dataclass
class ProbedProvider:
    """`jwks_uri` is the client's; `verified` the kids of assertions that were good, in order."""

    issuer: str = ""
    jwks_uri: str = ""
    verified: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def metadata(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "code_challenge_methods_supported": ["S256"],
        }

    def token(self, assertion: str) -> tuple[int, dict[str, str]]:
        """Answer a token request."""
        published = httpx.get(self.jwks_uri, timeout=5, trust_env=False).json()
        try:
            token = jwt.decode(assertion, KeySet.import_key_set(published), algorithms=["ES256"])
        except (JoseError, ValueError) as error:
            self.refused.append(type(error).__name__)
            return 401, {"error": "invalid_client"}
        assert token.claims["aud"] == self.issuer
        self.verified.append(token.header["kid"])
        return 400, {"error": "invalid_grant"}


@contextmanager
def probed_provider() -> Iterator[ProbedProvider]:
    """Serve one on a free port."""
    provider = ProbedProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, provider.metadata())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(*provider.token(parse_qs(body)["client_assertion"][0]))

        def _answer(self, status: int, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("cache-control", "no-store")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
