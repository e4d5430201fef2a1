"""One connection to an address that was checked, within one deadline and one amount of bytes."""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from signet.adapters.fetcher.destination import Destination
from signet.oauth.http_message import Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one call: seconds, and bytes of headers and body together."""

    connect_seconds: float = 1.0
    total_seconds: float = 3.0
    header_bytes: int = 65_536
    body_bytes: int = 262_144
    addresses: int = 2


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


class _BoundedReader(io.RawIOBase):
    """Reads a socket so that neither slow drops nor endless streams hold a function."""

    def __init__(self, sock: socket.socket, deadline: Deadline, budget: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        # Every single recv gets what is left of the whole call, not a time-out of its own.
        self._sock.settimeout(self._deadline.left())
        count = self._sock.recv_into(memoryview(buffer))  # type: ignore[arg-type]
        self._budget -= count
        if self._budget < 0:
            raise OSError("more bytes than an answer may have")
        return count


class _BoundedSocket:
    """What http.client needs of a socket: send, read through a bound, close."""

    def __init__(self, sock: socket.socket, deadline: Deadline, budget: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._budget = budget

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._deadline.left())
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode
        return io.BufferedReader(_BoundedReader(self._sock, self._deadline, self._budget))

    def close(self) -> None:
        self._sock.close()


def open_connection(
    destination: Destination,
    *,
    addresses: list[str],
    allowed: Callable[[str], bool],
    tls: ssl.SSLContext,
    limits: Limits,
    deadline: Deadline,
) -> http.client.HTTPConnection:
    """Connect to one of the checked addresses, with SNI and certificate of the name.

    Raises:
        Unreachable: nothing was sent.
    """
    problem: Exception = OSError("no address")
    for address in addresses[: limits.addresses]:
        try:
            sock = _connect(
                destination, address, allowed, tls=tls, limits=limits, deadline=deadline
            )
        except (OSError, ssl.SSLError) as error:
            problem = error
            continue
        connection = http.client.HTTPConnection(destination.authority)
        connection.sock = _BoundedSocket(sock, deadline, limits.header_bytes + limits.body_bytes)
        return connection
    raise Unreachable(f"connect: {type(problem).__name__}", sent=False) from None


def _connect(
    destination: Destination,
    address: str,
    allowed: Callable[[str], bool],
    *,
    tls: ssl.SSLContext,
    limits: Limits,
    deadline: Deadline,
) -> socket.socket:
    sock = socket.create_connection(
        (address, destination.port), timeout=deadline.left(limits.connect_seconds)
    )
    try:
        _check_peer(sock, allowed)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if destination.scheme == "https":
            sock.settimeout(deadline.left())
            return tls.wrap_socket(sock, server_hostname=destination.host)
    except BaseException:
        sock.close()
        raise
    return sock


def _check_peer(sock: socket.socket, allowed: Callable[[str], bool]) -> None:
    if not allowed(str(sock.getpeername()[0])):
        raise OSError("connected to another address than was checked")
