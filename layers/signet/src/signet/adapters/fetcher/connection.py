"""One connection to an address that was checked, within one deadline and one amount of bytes."""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from signet.adapters.fetcher.destination import Destination
from signet.oauth.http_message import Unreachable

Connect = Callable[[str, int, float], socket.socket]
"""Opens a TCP connection to an address and a port within seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one call: seconds, bytes on the wire, and addresses that are tried in turn."""

    connect_seconds: float = 1.0
    total_seconds: float = 3.0
    header_bytes: int = 65_536
    body_bytes: int = 262_144
    addresses: int = 3


class Deadline:
    """The end of one call; waits get what is left of it."""

    def __init__(self, seconds: float) -> None:
        # Monotonic on purpose: it measures one call, inside one invocation.
        self._end = time.monotonic() + seconds

    def left(self, most: float | None = None) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if most is None else min(left, most)


class _Budget:
    """Bytes that may still come: the headers' first, the body's once those are read."""

    def __init__(self, count: int) -> None:
        self._left = count

    def allow(self, count: int) -> None:
        self._left += count

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise OSError("more bytes than an answer may have")


class _BoundedReader(io.RawIOBase):
    """Reads a socket so that neither slow drops nor endless streams hold a function."""

    def __init__(self, sock: socket.socket, deadline: Deadline, budget: _Budget) -> None:
        self._sock = sock
        self._deadline = deadline
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        # Every single recv gets what is left of the whole call, not a time-out of its own.
        self._sock.settimeout(self._deadline.left())
        count = self._sock.recv_into(memoryview(buffer))  # type: ignore[arg-type]
        self._budget.spend(count)
        return count


class _BoundedSocket:
    """What http.client needs of a socket: send, and read through a bound."""

    def __init__(self, sock: socket.socket, deadline: Deadline, budget: _Budget) -> None:
        self._sock = sock
        self._deadline = deadline
        self._budget = budget

    def sendall(self, data: bytes) -> None:
        # An SSLSocket's own sendall gives every record the whole time-out again.
        view = memoryview(data)
        while view:
            self._sock.settimeout(self._deadline.left())
            view = view[self._sock.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode
        return io.BufferedReader(_BoundedReader(self._sock, self._deadline, self._budget))

    def close(self) -> None:
        """Leave the socket open: http.client closes before it reads the body of `close`."""


class BoundedConnection(http.client.HTTPConnection):
    """One exchange on a socket that whoever opened it closes."""

    # http.client would replace a lost socket by one to an address that nobody checked.
    auto_open = 0

    def __init__(
        self, sock: socket.socket, *, authority: str, limits: Limits, deadline: Deadline
    ) -> None:
        super().__init__(authority)
        self._limits = limits
        self._budget = _Budget(limits.header_bytes)
        self.sock = _BoundedSocket(sock, deadline, self._budget)

    def read_head(self) -> http.client.HTTPResponse:
        """Return the answer once its headers are read, within the headers' bytes."""
        response = self.getresponse()
        self._budget.allow(self._limits.body_bytes)
        return response


def connect_tcp(address: str, port: int, seconds: float) -> socket.socket:
    """Connect to an address; being one, it is not resolved again."""
    return socket.create_connection((address, port), timeout=seconds)


def open_socket(
    destination: Destination,
    *,
    addresses: list[str],
    connect: Connect,
    tls: ssl.SSLContext,
    limits: Limits,
    deadline: Deadline,
) -> socket.socket:
    """Connect to one of the checked addresses, with SNI and certificate of the name.

    Raises:
        Unreachable: nothing was sent.
    """
    problem: Exception = OSError("no address")
    for address in addresses[: limits.addresses]:
        try:
            sock = connect(address, destination.port, deadline.left(limits.connect_seconds))
            return _prepared(sock, destination, address, tls=tls, deadline=deadline)
        except OSError as error:  # of TLS too
            problem = error
    raise Unreachable(f"connect: {type(problem).__name__}", sent=False) from None


def _prepared(
    sock: socket.socket,
    destination: Destination,
    address: str,
    *,
    tls: ssl.SSLContext,
    deadline: Deadline,
) -> socket.socket:
    try:
        _check_peer(sock, address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if destination.scheme == "https":
            sock.settimeout(deadline.left())
            return tls.wrap_socket(sock, server_hostname=destination.host)
    except BaseException:
        sock.close()
        raise
    return sock


def _check_peer(sock: socket.socket, address: str) -> None:
    if ip_address(sock.getpeername()[0]) != ip_address(address):
        raise OSError("connected to another address than was checked")
