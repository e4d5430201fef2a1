"""A loopback HTTP server that answers for AWS: error documents, silence, or a closed connection."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class AwsErrors:
    """What is answered next, and how often it was asked for; `bodies` say with what.

    `document` None closes the connection; `hang` waits for longer than anybody's patience.
    """

    port: int = 0
    status: int = 400
    document: dict[str, Any] | None = None
    hang: bool = False
    requests: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, code: str, *, status: int = 400, **members: object) -> None:
        """Answer an error by its code, as DynamoDB and KMS write it."""
        self.status = status
        self.document = {"__type": f"com.amazonaws.example#{code}", "message": "no", **members}

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def aws_errors() -> Iterator[AwsErrors]:
    """Serve on a free port."""
    errors = AwsErrors()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            errors.bodies.append(json.loads(body))
            errors.requests.append(self.headers.get("x-amz-target", ""))
            if errors.hang:
                errors.over.wait(timeout=30)
            if errors.document is None or errors.hang:
                self.close_connection = True
                return
            answer = json.dumps(errors.document).encode()
            self.send_response(errors.status)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    errors.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield errors
    finally:
        errors.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
