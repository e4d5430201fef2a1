"""An application that hears of sign-outs: a server on loopback that keeps every logout token."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

PATIENCE = 20


class ToldApplication:
    """`uri` takes logout tokens; each waits here until a test takes it."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._tokens: list[str] = []
        self._arrived = threading.Condition()

    def tell(self, token: str) -> None:
        with self._arrived:
            self._tokens.append(token)
            self._arrived.notify_all()

    def take(self) -> str:
        """Return the next logout token, once it is there."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self._tokens, timeout=PATIENCE), "none came"
            return self._tokens.pop(0)


@contextmanager
def told_application() -> Iterator[ToldApplication]:
    """Listen on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    told = ToldApplication(f"http://127.0.0.1:{server.server_port}/backchannel-logout")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"told": told})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    told: ToldApplication

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers.get("content-length", "0"))).decode())
        self.told.tell(form["logout_token"][0])
        body = b"OK"  # what frameworks answer by themselves, and no JSON
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
