"""Run two waits side by side, on a thread of a small pool."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


class ThreadedTogether:
    """Runs the first call on a pool's thread and the second on the caller's."""

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        # Made at the first use, not at import: threads do not survive a snapshot.
        return ThreadPoolExecutor(max_workers=32, thread_name_prefix="together")

    def __call__(self, first: Callable[[], A], second: Callable[[], B], /) -> tuple[A, B]:
        """Return both results; raise the first's error, else the second's, once both ended."""
        future = self._pool.submit(first)
        try:
            second_result = second()
        except BaseException:
            error = future.exception()
            if error is not None:
                raise error from None
            raise
        return future.result(), second_result
