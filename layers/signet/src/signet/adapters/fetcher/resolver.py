"""Resolve names within a bound: getaddrinfo itself knows none."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any

from signet.adapters.fetcher.connection import Deadline
from signet.oauth.http_message import Unreachable

MAX_LOOKUPS = 256
"""Lookups that may hang at once, over all names."""


class Resolver:
    """Asks the system's resolver; one lookup a name at a time, on a thread that nobody waits for.

    A lookup whose name servers are silent goes on for many seconds after its call has ended. In a
    pool of threads a few such names would take every thread from all others, and keep the process
    from ending.
    """

    def __init__(self, getaddrinfo: Callable[..., Any] = socket.getaddrinfo) -> None:
        """Take the system's resolver; another is for tests."""
        self._getaddrinfo = getaddrinfo
        self._running: dict[tuple[str, int], Future[list[str]]] = {}
        self._lock = threading.Lock()

    def __call__(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """Return every address of a name, in the resolver's order.

        Raises:
            Unreachable: none in time; nothing was sent.
        """
        try:
            return self._lookup((host, port)).result(timeout=deadline.left())
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"resolve: {type(error).__name__}", sent=False) from None

    def _lookup(self, key: tuple[str, int]) -> Future[list[str]]:
        with self._lock:
            running = self._running.get(key)
            if running is not None:
                return running
            if len(self._running) >= MAX_LOOKUPS:
                raise Unreachable("resolve: too many lookups hang", sent=False)
            future = self._running[key] = Future()
        thread = threading.Thread(
            target=self._run, args=(key, future), name="resolver", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # no thread can be had
            self._forget(key)
            raise Unreachable("resolve: no thread", sent=False) from None
        return future

    def _run(self, key: tuple[str, int], future: Future[list[str]]) -> None:
        host, port = key
        try:
            answers = self._getaddrinfo(
                _absolute(host), port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )
            outcome = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except BaseException as error:  # noqa: BLE001  (whoever waits gets it)
            self._forget(key)
            future.set_exception(error)
        else:
            # Forgotten before it is told: nobody who asks later shares an old answer.
            self._forget(key)
            future.set_result(outcome)

    def _forget(self, key: tuple[str, int]) -> None:
        with self._lock:
            del self._running[key]


def _absolute(host: str) -> str:
    """End a DNS name with its dot, so that the machine's search list makes no other name of it."""
    if "." not in host:
        return host
    try:
        ip_address(host)
    except ValueError:
        return f"{host}."
    return host
