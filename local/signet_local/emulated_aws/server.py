"""The emulated AWS as a process: `python -m signet_local.emulated_aws.server [SNAPSHOT]`.

It prints its address in one line, and ends when its standard input does: so it never outlives
whoever started it, however that one ended. With SNAPSHOT it begins with what it was when it last
ended, and writes that file at its end.
"""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from signet_local.emulated_aws import mended_dynamodb, mended_kms, snapshot

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def main(arguments: list[str]) -> None:
    """Serve until standard input ends."""
    # Whoever started this decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mended_kms.mend()
    mended_dynamodb.mend()
    path = Path(arguments[0]) if arguments else None
    if path is not None:
        snapshot.load(path)
    application = OneWriter(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Unbuffered: if whoever started this ended meanwhile, nothing is left to fail later.
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), f"http://127.0.0.1:{server.server_port}\n".encode())
    sys.stdin.read()
    server.shutdown()
    if path is not None:
        snapshot.save(path)


class OneWriter:
    """Let DynamoDB's requests in one at a time, and those that write to queues.

    DynamoDB's conditional writes are atomic; moto checks the condition and writes in two steps
    that other threads can come between. A message that comes while another one is deleted would
    be lost.
    """

    SERVICES = ("DynamoDB", "AmazonSQS", "AWSEvents")

    def __init__(self, application: Wsgi) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith(self.SERVICES):
            return self._application(environ, start_response)
        with self._lock:
            return list(self._application(environ, start_response))


class _Handler(WSGIRequestHandler):
    """Keeps connections open, as AWS does, and writes no line for each request.

    Werkzeug's own handler closes every one, since an application may leave a body unread: here a
    body is read whole before the application sees it.
    """

    protocol_version = "HTTP/1.1"
    # Headers and body go out in two writes: the second must not wait for the first's receipt.
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        environ = {**self.make_environ(), "wsgi.input": io.BytesIO(body)}
        response = Response.from_app(self.server.app, environ, buffered=True)
        content = response.get_data()
        self.send_response(response.status_code)
        response.headers["content-length"] = str(len(content))
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    main(sys.argv[1:])
