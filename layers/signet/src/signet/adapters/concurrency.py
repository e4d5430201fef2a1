"""Run two waits side by side, on a thread of a small pool."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
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
            self._end(future, first)
            raise
        return self._result(future, first), second_result

    def _end(self, future: "Future[A]", first: Callable[[], A]) -> None:
        """Raise the first call's error, if it has one, without the second's behind it."""
        try:
            self._result(future, first)
        except BaseException as error:
            raise error from None

    @staticmethod
    def _result(future: "Future[A]", first: Callable[[], A]) -> A:
        """Return the first call's result; what no thread began yet is run here.

        Calls inside of calls could otherwise wait for threads that all wait for others.
        """
        return first() if future.cancel() else future.result()
