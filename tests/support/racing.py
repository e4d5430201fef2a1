"""Let several threads do the same thing at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

T = TypeVar("T")
CONTENDERS = 6


def race(act: Callable[[int], T]) -> list[T]:
    """Call `act` once for each contender, all behind one barrier; return every result."""
    return at_once([partial(act, contender) for contender in range(CONTENDERS)])


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Do several things at the same moment, behind one barrier; return every result."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        return act()

    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        return list(pool.map(run, acts))
