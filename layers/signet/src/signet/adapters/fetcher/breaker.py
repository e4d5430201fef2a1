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
    def __init__(self) -> None:
        self.running = 0
        self.failures = 0
        self.opened_at: int | None = None


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
        failed = False
        try:
            yield
        except Unreachable:
            failed = True
            raise
        finally:
            self._leave(compartment, failed=failed)

    def _enter(self, key: str) -> _Compartment:
        with self._lock:
            compartment = self._compartments.setdefault(key, _Compartment())
            self._compartments.move_to_end(key)
            while len(self._compartments) > _MAX_KEYS:
                self._compartments.popitem(last=False)
            if compartment.opened_at is not None:
                waited = self._clock.now() - compartment.opened_at
                if 0 <= waited < OPEN_SECONDS:
                    raise Unreachable("the circuit breaker is open", sent=False)
                # One call may look whether the provider is back; others wait for its result.
                compartment.opened_at = self._clock.now()
            if compartment.running >= MAX_CONCURRENT:
                raise Unreachable("too many calls to this provider at once", sent=False)
            compartment.running += 1
            return compartment

    def _leave(self, compartment: _Compartment, *, failed: bool) -> None:
        with self._lock:
            compartment.running -= 1
            if not failed:
                compartment.failures, compartment.opened_at = 0, None
                return
            compartment.failures += 1
            if compartment.failures >= FAILURES_TO_OPEN:
                compartment.opened_at = self._clock.now()
