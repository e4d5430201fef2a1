"""Resolve names within a bound: getaddrinfo itself knows none."""

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime

from signet.adapters.fetcher.connection import Deadline
from signet.oauth.http_message import Unreachable


class Resolver:
    """Asks the system's resolver on a thread of its own."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """Return every address of a name, in the resolver's order.

        Raises:
            Unreachable: none in time; nothing was sent.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolver")
        future = self._pool.submit(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
        try:
            answers = future.result(timeout=deadline.left())
        except (OSError, NotInTime, UnicodeError) as error:
            raise Unreachable(f"resolve: {type(error).__name__}", sent=False) from None
        return list(dict.fromkeys(str(answer[4][0]) for answer in answers))
