"""A server on loopback that answers exactly what a test says, byte for byte."""

import socket  # noqa: TID251  (a server, for tests)
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

Script = bytes | Iterable[bytes] | Callable[[bytes], Iterable[bytes]]
"""What is sent after one request: at once, piece by piece, or made from the request."""


class ScriptedServer:
    """Serves each connection on a thread of its own and remembers what came.

    `connections` counts accepted connections, `requests` whole requests, `names` what SNI said.
    A piece of a script that is longer than its client reads ends when the client hangs up.
    """

    def __init__(self, script: Script, *, context: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.connections = 0
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self.stopped = threading.Event()
        self._context = context
        if context is not None:
            context.sni_callback = self._note_name
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        # A blocked accept() is woken by shutdown, not by close.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def pieces(self, data: bytes, *, size: int, pause: float) -> Iterator[bytes]:
        """Yield data in pieces, slowly, until the test ends."""
        for start in range(0, len(data), size):
            if self.stopped.wait(pause):
                return
            yield data[start : start + size]

    def _note_name(self, sock: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        self.names.append(name)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        # Bounds a test that fails; a client that hangs up ends it at once.
        sock.settimeout(20)
        with suppress(OSError), sock:
            if self._context is None:
                self._answer(sock)
                return
            with self._context.wrap_socket(sock, server_side=True) as secured:
                self._answer(secured)

    def _answer(self, sock: socket.socket) -> None:
        request = _read_request(sock)
        if not request:
            return
        self.requests.append(request)
        script = self.script(request) if callable(self.script) else self.script
        for piece in [script] if isinstance(script, bytes) else script:
            sock.sendall(piece)


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _read_request(sock: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = sock.recv(65_536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
            while len(body) < length:
                piece = sock.recv(65_536)
                if not piece:
                    return b""
                body += piece
    return head + b"\r\n\r\n" + body
