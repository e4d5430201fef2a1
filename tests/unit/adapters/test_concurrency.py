"""Two calls side by side: results, errors, and calls inside of calls."""

import threading
from collections.abc import Callable

import pytest

from signet.adapters.concurrency import ThreadedTogether


def fail(text: str) -> Callable[[], None]:
    def call() -> None:
        raise ValueError(text)

    return call


def test_both_results_come_back() -> None:
    assert ThreadedTogether()(lambda: 1, lambda: 2) == (1, 2)


def test_the_firsts_error_comes_before_the_seconds_and_alone() -> None:
    together = ThreadedTogether()
    with pytest.raises(ValueError, match="first") as raised:
        together(fail("first"), fail("second"))
    assert raised.value.__suppress_context__
    with pytest.raises(ValueError, match="first"):
        together(fail("first"), lambda: 2)
    with pytest.raises(ValueError, match="second"):
        together(lambda: 1, fail("second"))


def test_calls_inside_of_calls_never_wait_for_threads_that_wait_themselves() -> None:
    """More outer calls at once than there are threads, each with a call inside."""
    together, at_once = ThreadedTogether(), 80
    begin = threading.Barrier(at_once, timeout=30)
    done: list[object] = []

    def inside() -> tuple[int, int]:
        return together(lambda: 1, lambda: 2)

    def outside() -> None:
        begin.wait()
        done.append(together(inside, inside))

    threads = [threading.Thread(target=outside, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert done == [((1, 2), (1, 2))] * at_once
