"""What a rotation costs: its steps and AWS calls, and 10,000 of them against KMS's own quota.

The calls are counted on the real adapters over the emulated AWS, by a clock that jumps from one
step's time to the next. The 10,000 connections are rotated by the real rotator over memory, with
software keys, by a clock of its own: so many workers, each of which is busy for `STEP_SECONDS`.
"""

# ruff: noqa: TID251  (counts between Signet and AWS)

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from botocore.client import BaseClient

from signet import wiring
from signet.broker.key_creation import CREATIONS_A_SECOND, KeyCreation
from signet.broker.keyring import Keyring
from signet.broker.rotation import ACCEPTED, Bounds
from signet.broker.rotator import Rotator
from tests.bench.figures import table
from tests.bench.surroundings import Surroundings
from tests.soak.clock import RunClock
from tests.support.broker import Broker
from tests.support.memory import MemoryRateLimits

TICK = 60
STEP_SECONDS = 1.5
"""How long a worker is taken to be busy with one step: about ten AWS calls, and a cold start now
and then. The measured processor time of a step is a hundredth of it."""
DAY = 86_400
DEPLOYED = Bounds(
    propagation=2 * DAY,
    retention=2 * DAY,
    rotation=90 * DAY,
    verifier_cache=DAY,
    signer_cache=60,
    grace=DAY,
    skew=600,
)
WORKERS = 10
"""The template's RotationConcurrency."""
ALG = "ES256"
Progress = Callable[[str], None]


def measure(around: Surroundings, *, connections: int, progress: Progress) -> str:
    """Count and rotate; return the report."""
    progress("counting AWS calls of one rotation")
    calls = _calls_of_a_rotation(around)
    progress(f"rotating {connections} connections by an emulated clock")
    return f"{calls}\n\n{_fleet(connections)}\n"


# --------------------------------------------------------------------- the calls of one rotation


def _calls_of_a_rotation(around: Surroundings) -> str:
    owner = around.connections[ALG].id
    clock = RunClock(speed=1)
    bounds = wiring.settings().bounds
    rows, total = [], Counter[str]()
    for name, wait, requested in (
        ("create, prove, announce", 0, True),
        ("probe, promote", bounds.propagation, False),
        ("retire", bounds.retention, False),
    ):
        clock.go_ahead(wait)
        with _counted() as counted:
            wiring.rotator().step(owner, requested=requested)
        total.update(counted)
        rows.append((name, str(sum(counted.values())), _listed(counted)))
    rows.append(("a rotation", str(sum(total.values())), _listed(total)))
    return (
        "AWS calls of one rotation, by the invocations of rotate_keys that it takes (sealing the\n"
        f"audit and finding what is due are shared by all)\n\n"
        f"{table(('invocation', 'calls', 'of which'), rows)}"
    )


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Count the calls of the AWS SDK within a block."""
    counted: Counter[str] = Counter()
    send = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        counted[operation] += 1
        return send(client, operation, parameters)

    BaseClient._make_api_call = counting  # type: ignore[attr-defined]
    try:
        yield counted
    finally:
        BaseClient._make_api_call = send  # type: ignore[attr-defined]


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counted.most_common())


# ------------------------------------------------------------------------------------- a fleet


@dataclass(slots=True)
class _WorkersClock:
    """The time of the worker whose turn it is."""

    time: float = 1_800_000_000.0

    def now(self) -> int:
        return int(self.time)

    def pause(self, seconds: float) -> None:
        self.time += seconds


@dataclass(slots=True)
class _Queue:
    """Where the rotator asks for steps."""

    owners: deque[str] = field(default_factory=deque)

    def request(self, *owners: str) -> None:
        self.owners.extend(owners)


def _fleet(connections: int) -> str:
    """Rotate so many connections whose keys are due at the same moment."""
    clock, queue = _WorkersClock(), _Queue()
    broker = Broker()
    rotator, keyrings = _rotator_of(broker, clock, queue), broker.keyrings
    keyrings.items = dict(_due(broker, connections, clock.now()))
    took = []
    for has, wait in (
        (_is_announced, DEPLOYED.propagation),
        (_is_promoted, DEPLOYED.retention),
        (_is_retired, 0),
    ):
        took.append(_run(rotator, clock, queue, partial(_all, keyrings.items, has)))
        clock.time += wait
    announced, promoted, retired = took
    least = connections / CREATIONS_A_SECOND
    made = len(broker.kms.keys)
    rows = [
        ("all announced, from the first being due", f"{announced:.0f} s"),
        ("KMS's quota alone (5 CreateKey a second)", f"{least:.0f} s"),
        ("ratio", f"{announced / least:.2f}"),
        ("then all promoted, P after the last was announced", f"{promoted:.0f} s"),
        ("then all retired, R after the last was promoted", f"{retired:.0f} s"),
        ("keys made for each rotation", f"{(made - 1) / connections:.3f}"),
    ]
    return (
        f"{connections} connections due at once, {WORKERS} workers (RotationConcurrency), "
        f"{STEP_SECONDS} s a step,\na sweep each {TICK} s, by an emulated clock\n\n"
        f"{table(('what', 'how long'), rows)}"
    )


def _rotator_of(broker: Broker, clock: _WorkersClock, queue: _Queue) -> Rotator:
    limits = MemoryRateLimits()
    creation = KeyCreation(
        stack="bench",
        kms=broker.kms,
        limits=limits,
        clock=clock,
        entropy=broker.entropy,
        pause=clock.pause,
    )
    return replace(
        broker.rotator,
        bounds=DEPLOYED,
        creation=creation,
        probe=lambda *_: ACCEPTED,
        limits=limits,
        requests=queue,
        clock=clock,
    )


def _due(broker: Broker, connections: int, now: int) -> Iterator[tuple[str, Keyring]]:
    """Make keyrings whose rotation is due now, over one connection of the broker's."""
    connection = broker.connect(token_endpoint_auth_signing_alg=ALG)
    keyring = broker.keyrings.items[connection.id]
    for number in range(connections):
        owner = f"{connection.id[:-5]}{number:05d}"
        broker.connections.items[owner] = replace(connection, id=owner, name=f"acme-{number}")
        since = now - DEPLOYED.rotation
        current = replace(
            keyring.current, published_at=since, activated_at=since, key_id=f"first-{number}"
        )
        yield owner, replace(keyring, owner=owner, current=current)


def _run(
    rotator: Rotator,
    clock: _WorkersClock,
    queue: _Queue,
    is_over: Callable[[], bool],
) -> float:
    """Sweep each minute and let the workers work; return how many seconds it took them."""
    free = [clock.time] * WORKERS
    began = ended = tick = clock.time
    while not is_over():
        clock.time = tick
        rotator.sweep()
        while queue.owners:
            clock.time = max(heapq.heappop(free), tick)
            rotator.step(queue.owners.popleft())
            clock.pause(STEP_SECONDS)
            ended = max(ended, clock.time)
            heapq.heappush(free, clock.time)
        tick += TICK
    clock.time = ended
    return ended - began


def _all(keyrings: dict[str, Keyring], has: Callable[[Keyring], bool]) -> bool:
    return all(has(keyring) for keyring in keyrings.values())


def _is_announced(keyring: Keyring) -> bool:
    return keyring.next is not None


def _is_promoted(keyring: Keyring) -> bool:
    return keyring.previous is not None


def _is_retired(keyring: Keyring) -> bool:
    return keyring.previous is None and keyring.next is None
