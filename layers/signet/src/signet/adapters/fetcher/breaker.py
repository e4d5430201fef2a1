"""A bulkhead and a circuit breaker for each provider: a slow one cannot starve the others."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from signet.broker.ports import Clock
from signet.oauth.http_message import Unreachable

MAX_CONCURRENT = 8
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 10
_MAX_KEYS = 2_000


class _Compartment:
    """The state of one key; used under the lock alone."""

    def __init__(self) -> None:
        self.running = 0
        self._failures = 0
        self._opened_at: int | None = None

    def admit(self, now: int) -> None:
        if self._opened_at is None:
            return
        if 0 <= now - self._opened_at < OPEN_SECONDS:
            raise Unreachable("the circuit breaker is open", sent=False)
        # One call may look whether the provider is back; others wait for its result.
        self._opened_at = now

    def succeeded(self, now: int) -> None:
        del now
        self._failures, self._opened_at = 0, None

    def failed(self, now: int) -> None:
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN:
            self._opened_at = now

    def interrupted(self, now: int) -> None:
        """Learn nothing about the provider from an error of ours."""


class Bulkheads:
    """Bounds what one key (a connection, a client) can hold at once; safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._compartments: OrderedDict[str, _Compartment] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def entered(self, key: str) -> Iterator[None]:
        """Hold a place while a call runs, counting transport failures in a row.

        Raises:
            Unreachable: the breaker is open or every place is taken; nothing was sent.
        """
        compartment = self._enter(key)
        outcome = compartment.interrupted
        try:
            yield
            outcome = compartment.succeeded
        except Unreachable:
            outcome = compartment.failed
            raise
        finally:
            with self._lock:
                compartment.running -= 1
                outcome(self._clock.now())

    def _enter(self, key: str) -> _Compartment:
        with self._lock:
            compartment = self._compartments.setdefault(key, _Compartment())
            self._compartments.move_to_end(key)
            if compartment.running >= MAX_CONCURRENT:
                raise Unreachable("too many calls to this provider at once", sent=False)
            compartment.admit(self._clock.now())
            compartment.running += 1
            self._forget_the_oldest()
            return compartment

    def _forget_the_oldest(self) -> None:
        idle = (key for key, kept in self._compartments.items() if not kept.running)
        if len(self._compartments) > _MAX_KEYS and (oldest := next(idle, None)) is not None:
            del self._compartments[oldest]
