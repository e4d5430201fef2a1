"""Visit every world that can be reached, the nearest first."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from signet.broker.keyring import Keyring
from tests.model.invariants import broken
from tests.model.moves import Moves
from tests.model.rules import SILENT, SLOW, Rules, Scope
from tests.model.world import CACHED, OWNER, RECORDS, Key, Left, World, fresh_key, index_of, later

TOGETHER = "two workers are under way at once"
OLD_SIGNER = "a signer has a copy of the record in which another key is the current one"
OLD_VERIFIER = "a verifier has a copy of the JWKS that lacks a published key"
REAPING = "the reaper is about to act in the middle of a rotation"
_MOST = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to: `broken` with the shortest way there, or None and all the states.

    `happened` counts moves by what they are, and states by what is dangerous in them.
    """

    states: int
    broken: str | None
    trace: tuple[str, ...]
    happened: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Tell the way to what is broken, a line for each move."""
        if self.broken is None:
            return f"{self.states} states, and everything holds in each"
        lines = (f"{number:3}. {move}" for number, move in enumerate(self.trace, start=1))
        return "\n".join((f"after {self.states} states: {self.broken}", *lines))


def search(rules: Rules, scope: Scope) -> Found:
    """Look at every world within a scope until an invariant breaks or none is left."""
    moves = Moves(rules, scope)
    first = _first(scope)
    came_from: dict[World, tuple[World, str] | None] = {first: None}
    happened: Counter[str] = Counter()
    waiting = deque([first])
    while waiting:
        world = waiting.popleft()
        happened.update(_situations(world))
        for label, following in moves(world):
            happened[label] += 1
            if following in came_from:
                continue
            came_from[following] = (world, label)
            reason = broken(following, rules, scope)
            if reason is not None:
                trace = tuple(_way(came_from, following))[::-1]
                return Found(states=len(came_from), broken=reason, trace=trace, happened=happened)
            waiting.append(following)
        if len(came_from) > _MOST:
            raise AssertionError(f"more than {_MOST} states: the scope is too wide to be finished")
    return Found(states=len(came_from), broken=None, trace=(), happened=happened)


def _first(scope: Scope) -> World:
    """One key, which everybody knows."""
    keyring = later(Keyring(owner=OWNER, version=0, current=fresh_key(0)), 3_600)
    return World(
        record=RECORDS.number(keyring),
        keys=(Key(created=4, published=1, signing=0),),
        workers=(),
        reaper=None,
        known=(0,) if scope.provider in {SLOW, SILENT} else (),
        left=Left(
            faults=scope.faults,
            orders=scope.orders,
            roll_backs=scope.roll_backs,
            removals=scope.removals,
        ),
    )


def _situations(world: World) -> Iterator[str]:
    """Name what is dangerous in a state."""
    keyring = RECORDS[world.record]
    if len(world.workers) > 1:
        yield TOGETHER
    for index, key in enumerate(world.keys):
        if key.signing == 0 and index_of(keyring.current) != index:
            yield OLD_SIGNER
        if keyring.refers_to(f"k{index}") and key.published < CACHED:
            yield OLD_VERIFIER
    if world.reaper is not None and keyring.next is not None:
        yield REAPING


def _way(came_from: dict[World, tuple[World, str] | None], world: World) -> Iterator[str]:
    step = came_from[world]
    while step is not None:
        world, label = step
        yield label
        step = came_from[world]
