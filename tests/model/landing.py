"""A conditional write, and what it means for everybody."""

from functools import cache

from signet.broker.rotation import WATCH
from tests.model.rules import LEAST, SILENT, Rules, Scope
from tests.model.transitions import PROMOTE, PROMOTE_AT_ONCE, RETIRE, REVOKE, ROLL_BACK
from tests.model.world import CACHED, NONE, OVERTAKEN, RECORDS, Key, Left, Worker, World, index_of


def can_land(world: World, worker: Worker, rules: Rules) -> bool:
    """Tell whether a write's condition holds."""
    if worker.behind and rules.writes_on_version:
        return False
    return RECORDS[world.record].deleted_at is None or not rules.writes_unless_removed


def landed(world: World, place: int, rules: Rules, scope: Scope) -> tuple[World, Worker]:
    """Return the world with the write in it, and the worker that made it."""
    worker = world.workers[place]
    mine = worker._replace(landed=True, behind=1, base=NONE, after=NONE)
    others = tuple(
        mine if at == place else _behind(other, rules) for at, other in enumerate(world.workers)
    )
    written = world._replace(
        record=worker.after,
        keys=_republished(world, worker.after, worker.step),
        left=_rolled_back(world, worker.step),
        wrong=_wrong(world, worker, scope),
        workers=others,
    )
    return written, mine


def _behind(worker: Worker, rules: Rules) -> Worker:
    behind = min(worker.behind + 1, OVERTAKEN)
    if rules.writes_on_version:
        # Whatever it makes of what it read, it cannot be written.
        return worker._replace(behind=behind, base=NONE, after=NONE)
    return worker._replace(behind=behind)


def _wrong(world: World, worker: Worker, scope: Scope) -> str:
    """Say what this write does that none may do."""
    before, after = RECORDS[world.record], RECORDS[worker.after]
    current = index_of(after.current)
    refused = scope.provider == SILENT and current not in world.known
    if before.deleted_at is not None:
        return "the keys of a removed owner change"
    if worker.step == PROMOTE and world.keys[current].rolled_back and refused:
        return f"{after.current.kid}, which the provider refused, signs again"
    refused_at = before.current.refused_at
    if worker.step == RETIRE and refused_at is not None and refused_at > -LEAST.retention:
        return "a key retires, and logins fell back on it just now"
    if worker.step == ROLL_BACK:
        activated_at = before.current.activated_at or 0
        if world.keys[index_of(before.current)].rolled_back:
            return f"{before.current.kid} is rolled back again: two keys take turns"
        if activated_at < -WATCH:
            return f"{before.current.kid} is rolled back, and signs for hours"
    return ""


def _republished(world: World, after: int, step: str) -> tuple[Key, ...]:
    """Return the keys as a new record leaves them."""
    return tuple(_entered(key, i, world.record, after, step) for i, key in enumerate(world.keys))


@cache
def _entered(key: Key, index: int, before: int, after: int, step: str) -> Key:
    keyring = RECORDS[after]
    if keyring.refers_to(f"k{index}") and not RECORDS[before].refers_to(f"k{index}"):
        key = key._replace(published=0)
    if index_of(keyring.current) == index:
        ordered = step.startswith(REVOKE) or step == PROMOTE_AT_ONCE
        hurried = key.hurried or (ordered and key.published < CACHED)
        return key._replace(signing=0, hurried=hurried)
    if any(index_of(former) == index for former in keyring.revoked):
        # What it signed is to be refused: nobody waits for it.
        return key._replace(signing=NONE, hurried=False)
    if step == ROLL_BACK and keyring.next is not None and index_of(keyring.next) == index:
        return key._replace(rolled_back=True)
    return key


def _rolled_back(world: World, step: str) -> Left:
    spent = 1 if step == ROLL_BACK else 0
    return world.left._replace(roll_backs=max(0, world.left.roll_backs - spent))
