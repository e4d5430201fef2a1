"""How a worker goes on: CreateKey, the proof, the conditional write, its answer; and how it fails.

Who was overtaken and made nothing is left out at once: its write can only be refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.model.landing import can_land, landed
from tests.model.rules import Rules, Scope
from tests.model.transitions import CREATE, REVOKE, Change, changed
from tests.model.world import (
    NONE,
    OVERTAKEN,
    RECORDS,
    Key,
    Move,
    Worker,
    World,
    disabled,
    index_of,
    put,
    replaced,
)


@dataclass(frozen=True, slots=True)
class Work:
    """Every next move of a worker, under these rules and within this scope."""

    rules: Rules
    scope: Scope

    def __call__(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        """Yield what that worker does next, and how it crashes instead."""
        yield from _PHASES[worker.phase](self, world, place, worker)
        if world.left.faults and worker.phase != "on the way":
            faulty = _spend(world)
            if worker.phase == "sent" and can_land(world, worker, self.rules):
                ghost = worker._replace(phase="on the way")
                yield "a worker crashes; its write is on the way", put(faulty, place, ghost)
            elif worker.phase != "sent":
                yield "a worker crashes", put(faulty, place)

    def _make(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        """CreateKey; its tags are in the very call."""
        if len(world.keys) == self.scope.keys:
            return
        born = self.rules.tags_at_birth
        made = worker._replace(phase="made" if born else "untagged", key=len(world.keys))

        def created(key: Key, worker: Worker, world: World) -> World:
            return put(world, place, worker)._replace(keys=(*world.keys, key))

        yield "CreateKey", created(Key(tagged=born), made, world)
        if world.left.faults:
            faulty = _spend(world)
            if len(world.keys) + 1 < self.scope.keys:
                yield "CreateKey, its answer lost", created(Key(tagged=born), worker, faulty)
            yield (
                "CreateKey: a key that cannot sign",
                created(Key(tagged=born, sound=False), made, faulty),
            )

    def _tag(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        tagged = world.keys[worker.key]._replace(tagged=True)
        done = put(world, place, worker._replace(phase="made"))
        yield "the key is tagged", done._replace(keys=replaced(world.keys, worker.key, tagged))

    def _prove_and_send(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        """Prove the key, and send the record with it in, as of now."""
        if self.rules.proves and not world.keys[worker.key].sound:
            yield "a key cannot be proved", put(world, place)
            return
        if worker.base == NONE:
            yield "a worker loses the race", self._overtaken(world, place, worker)
            return
        step, _, kid = worker.step.partition(" ")
        change = Change(step, f"k{kid}" if kid else "", fresh=worker.key)
        after = changed(worker.base, change, self.rules, self.scope.evidence)
        if after == NONE:
            yield "the guards refuse a key", put(world, place)
            return
        sent = worker._replace(phase="sent", after=after)
        yield f"a worker proves k{worker.key} and sends: {change.told()}", put(world, place, sent)

    def _send(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        """The write lands or is refused, and its answer comes or not."""
        if not can_land(world, worker, self.rules):
            yield "a worker loses the race", self._overtaken(world, place, worker)
            return
        written, mine = landed(world, place, self.rules, self.scope)
        yield f"the write lands: {worker.step}", self._done(written, place, mine)
        if world.left.faults:
            yield (
                f"the write lands, its answer lost: {worker.step}",
                self._unsure(_spend(written), place, mine),
            )
            yield (
                f"no answer, the write is on the way: {worker.step}",
                self._unsure(_spend(world), place, worker),
            )

    def _read_again(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        """As `Rotator._stored`: the version, the operation, and then the key itself."""
        if not worker.landed and worker.behind == 0:
            ghost = worker._replace(phase="on the way")
            yield "read again: as before; the write may come yet", put(world, place, ghost)
            if can_land(world, worker, self.rules):
                written, mine = landed(world, place, self.rules, self.scope)
                yield f"the late write lands: {worker.step}", put(written, place, mine)
        elif self.scope.clumsy and worker.step == CREATE:
            again = Worker(CREATE, "made", age=worker.age, base=world.record, key=worker.key)
            yield "a worker begins again, with the same key", put(world, place, again)
        elif worker.landed and worker.behind < OVERTAKEN:
            yield "read again: it was mine", self._done(world, place, worker)
        elif worker.landed and self.rules.knows_its_key and _is_known(world, worker.key):
            yield "read again: my key is in a later version", self._done(world, place, worker)
        else:
            yield "read again: it is another's", self._overtaken(world, place, worker)

    def _arrive(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        """A write arrives whose worker is gone."""
        if not can_land(world, worker, self.rules):
            return
        written, _ = landed(world, place, self.rules, self.scope)
        yield f"a late write lands, and nobody waits: {worker.step}", put(written, place)

    def _discard(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        keys = disabled(world.keys, worker.key)
        yield f"a worker gives k{worker.key} up", put(world, place)._replace(keys=keys)

    def _disable_revoked(self, world: World, place: int, worker: Worker) -> Iterator[Move]:
        index = int(worker.step.partition(" ")[2])
        keys = disabled(world.keys, index)
        yield f"the revoked k{index} is disabled", put(world, place)._replace(keys=keys)

    def _done(self, world: World, place: int, worker: Worker) -> World:
        if worker.step.startswith(REVOKE):
            return put(world, place, Worker(worker.step, "written", age=worker.age))
        return put(world, place)

    def _unsure(self, world: World, place: int, worker: Worker) -> World:
        if not self.rules.reads_again:
            return self._overtaken(world, place, worker)
        return put(world, place, worker._replace(phase="unsure"))

    def _overtaken(self, world: World, place: int, worker: Worker) -> World:
        """Who made a key gives it up; who did not has nothing left to do.

        A clumsy worker does not know whether its key is published, and leaves it to the reaper.
        """
        if worker.key == NONE or self.scope.clumsy:
            return put(world, place)
        loser = Worker(worker.step, "lost", age=worker.age, key=worker.key)
        return put(world, place, loser)


_PHASES = {
    "read": Work._make,
    "untagged": Work._tag,
    "made": Work._prove_and_send,
    "sent": Work._send,
    "unsure": Work._read_again,
    "on the way": Work._arrive,
    "lost": Work._discard,
    "written": Work._disable_revoked,
}


def _is_known(world: World, index: int) -> bool:
    keyring = RECORDS[world.record]
    former = (*keyring.retired, *keyring.revoked)
    return keyring.refers_to(f"k{index}") or any(index_of(key) == index for key in former)


def _spend(world: World) -> World:
    return world._replace(left=world.left._replace(faults=world.left.faults - 1))
