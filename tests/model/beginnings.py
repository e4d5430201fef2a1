"""How somebody who changes the record begins: with a read of it.

A worker is held to the guards alone and not to the plan, so that more is explored than the rotator
does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from signet.broker.keyring import ACCEPTED, PublishedKey
from signet.broker.rotation import REFUSED, ROLL_BACK_AFTER, UNKNOWN
from tests.model.rules import FICKLE, SILENT, TIMELY, Rules, Scope
from tests.model.transitions import (
    APPROVE,
    CREATE,
    PROBE,
    PROMOTE,
    PROMOTE_AT_ONCE,
    REFUSE,
    RETIRE,
    REVOKE,
    ROLL_BACK,
    Change,
    changed,
    may_begin,
)
from tests.model.world import NONE, RECORDS, Move, Worker, World, added, index_of

_ANSWERS = {FICKLE: (ACCEPTED, REFUSED), SILENT: (UNKNOWN,)}


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Every first move of a worker, under these rules and within this scope."""

    rules: Rules
    scope: Scope

    def __call__(self, world: World) -> Iterator[Move]:
        """Somebody reads the record, and finds a step that the guards let through."""
        if len(world.workers) == self.scope.workers:
            return
        if may_begin(world.record, self.rules, self.scope.evidence):
            reader = Worker(CREATE, "read", base=world.record)
            yield "a worker reads, to make a key", added(world, reader)
        if world.left.orders:
            yield from self._orders(world)
        for change in self._changes(world):
            after = changed(world.record, change, self.rules, self.scope.evidence)
            if after not in (NONE, world.record):
                writer = Worker(change.step, "sent", base=world.record, after=after)
                yield f"a worker reads and sends: {change.told()}", added(world, writer)

    def _changes(self, world: World) -> Iterator[Change]:
        keyring = RECORDS[world.record]
        yield Change(PROMOTE)
        yield Change(RETIRE)
        if keyring.next is not None and self.scope.evidence.probe:
            for answer in self._answers(world, index_of(keyring.next)):
                yield Change(PROBE, keyring.next.kid, answers=answer)
        if keyring.next is not None and self._has_a_word(world, keyring.next):
            yield Change(APPROVE, keyring.next.kid)
        current = keyring.current
        if world.left.roll_backs and self._is_refused(world, index_of(current)):
            counted = self.scope.provider == TIMELY or current.refusals >= ROLL_BACK_AFTER
            yield Change(ROLL_BACK if counted else REFUSE, current.kid)

    def _has_a_word(self, world: World, key: PublishedKey) -> bool:
        """Tell whether an administrator says that the provider knows a key, and is right."""
        needed = self.scope.evidence.word or key.rolled_back_at is not None
        right = self.scope.provider == TIMELY or index_of(key) in world.known
        return needed and right and key.approved_at is None

    def _answers(self, world: World, key: int) -> tuple[str, ...]:
        honest = ACCEPTED if key in world.known else REFUSED
        return _ANSWERS.get(self.scope.provider, (honest,))

    def _is_refused(self, world: World, key: int) -> bool:
        """Tell whether a login may be refused: a timely provider's refusal is a false alarm."""
        return self.scope.provider in {TIMELY, FICKLE} or key not in world.known

    def _orders(self, world: World) -> Iterator[Move]:
        """Read for an administrator, who orders what waits for nothing: logins may fail then."""
        keyring = RECORDS[world.record]
        left = world.left._replace(orders=world.left.orders - 1)
        ordered = world._replace(left=left)
        for change in (
            Change(PROMOTE_AT_ONCE),
            *(Change(REVOKE, key.kid) for key in keyring.published()),
        ):
            after = changed(world.record, change, self.rules, self.scope.evidence)
            step = f"{change.step} {change.kid[1:]}".rstrip()
            if after != NONE:
                sent = Worker(step, "sent", base=world.record, after=after)
                yield f"an administrator orders and sends: {change.told()}", added(ordered, sent)
            elif change.kid == keyring.current.kid and keyring.deleted_at is None:
                reader = Worker(step, "read", base=world.record)
                yield f"an administrator orders: {change.told()}", added(ordered, reader)
