"""Let several threads do the same thing at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
CONTENDERS = 6


def race(act: Callable[[int], T]) -> list[T]:
    """Call `act` once for each contender, all behind one barrier; return every result."""
    barrier = threading.Barrier(CONTENDERS)

    def run(contender: int) -> T:
        barrier.wait(timeout=30)
        return act(contender)

    with ThreadPoolExecutor(max_workers=CONTENDERS) as pool:
        return list(pool.map(run, range(CONTENDERS)))
