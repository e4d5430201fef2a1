"""What can happen next in a world: workers' steps, faults, the reaper, the provider and time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from signet.broker.rotation import WATCH, WORKER_DEADLINE
from tests.model.beginnings import Beginnings
from tests.model.reaping import reap
from tests.model.rules import SILENT, SLOW, TICK, Rules, Scope
from tests.model.transitions import aged, removed
from tests.model.work import Work
from tests.model.world import CACHED, NONE, RECORDS, STILL_VALID, Key, Move, World, index_of, older

_DEADLINE = WORKER_DEADLINE // TICK
_HOUR = WATCH + TICK


@dataclass(frozen=True, slots=True)
class Moves:
    """Everything that can happen under these rules, within this scope."""

    rules: Rules
    scope: Scope

    def __call__(self, world: World) -> Iterator[Move]:
        """Yield what can happen next: what it is, and the world after it."""
        yield from Beginnings(self.rules, self.scope)(world)
        work = Work(self.rules, self.scope)
        for place, worker in enumerate(world.workers):
            yield from work(world, place, worker)
        if self.scope.reaper:
            yield from reap(world, self.rules, self.scope)
        yield from self._surroundings(world)
        yield "time passes", self._later(world, TICK)
        if self.scope.hours and not world.workers:
            yield "an hour passes", self._later(world, _HOUR)

    def _surroundings(self, world: World) -> Iterator[Move]:
        keyring = RECORDS[world.record]
        if self.scope.provider in {SLOW, SILENT}:
            known = tuple(sorted(index_of(key) for key in keyring.published()))
            if known != world.known:
                yield "the provider fetches the JWKS", world._replace(known=known)
        if world.left.removals and keyring.deleted_at is None:
            left = world.left._replace(removals=world.left.removals - 1)
            yield "the owner is removed", world._replace(record=removed(world.record), left=left)

    def _later(self, world: World, seconds: int) -> World:
        keyring = RECORDS[world.record]
        current = index_of(keyring.current) if keyring.deleted_at is None else NONE
        ticks = min(seconds // TICK, 5)
        keys = world.keys
        for _ in range(ticks):
            keys = tuple(_older_key(key, is_current=i == current) for i, key in enumerate(keys))
        workers = tuple(
            worker._replace(
                age=worker.age + 1, base=aged(worker.base, TICK), after=aged(worker.after, TICK)
            )
            for worker in world.workers
            if worker.age < _DEADLINE
        )
        reaper = world.reaper
        if reaper is not None:
            reaper = reaper._replace(base=aged(reaper.base, seconds))
        return world._replace(
            record=aged(world.record, seconds), keys=keys, workers=workers, reaper=reaper
        )


@cache
def _older_key(key: Key, *, is_current: bool) -> Key:
    published = older(key.published, CACHED)
    signing = key.signing if is_current else older(key.signing)
    return key._replace(
        created=older(key.created),
        published=published,
        signing=NONE if signing >= STILL_VALID else signing,
        hurried=key.hurried and published < CACHED,
    )
