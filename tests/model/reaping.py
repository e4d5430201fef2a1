"""The reaper: it reads a key, then the record, then acts."""

from collections.abc import Iterator
from functools import cache

from signet.broker.key_creation import CONNECTION_TAG, PURPOSE_CONNECTION, PURPOSE_TAG, STACK_TAG
from signet.broker.key_standing import ENABLED, Standing, owner_of, standing
from signet.broker.ports import KmsKey
from tests.model.rules import TICK, Rules, Scope
from tests.model.world import AGES_AGO, NONE, OWNER, RECORDS, Move, Reaper, World, disabled

STACK = "model"
FOREIGN = -2
"""A key of somebody else in the same account."""
TAGS = {STACK_TAG: STACK, PURPOSE_TAG: PURPOSE_CONNECTION, CONNECTION_TAG: OWNER}


def reap(world: World, rules: Rules, scope: Scope) -> Iterator[Move]:
    """Read a key, then the record, then act; a wrong order is explored when a rule is out.

    What DescribeKey says of a key that is enabled never changes, so that nothing is lost where
    it is read together with the record.
    """
    reaper = world.reaper
    if reaper is None and rules.reaper_reads_record_last:
        for found in _described(world, rules):
            if scope.describes_apart:
                yield f"the reaper describes k{found.key}", world._replace(reaper=found)
            else:
                yield from _judge(world, found, rules)
    elif reaper is None:
        remembers = Reaper("remembers", base=world.record)
        yield "the reaper reads the record", world._replace(reaper=remembers)
    elif reaper.phase == "remembers":
        for found in _described(world, rules):
            yield from _judge(world, found._replace(base=reaper.base), rules)
    elif reaper.phase == "described":
        yield from _judge(world, reaper, rules)
    else:
        yield f"the reaper takes k{reaper.key}", _taken(world, reaper)


def _described(world: World, rules: Rules) -> Iterator[Reaper]:
    """DescribeKey, and its tags. The deletion of what is disabled already changes nothing."""
    indices = [i for i, key in enumerate(world.keys) if key.state == ENABLED]
    for index in (FOREIGN, *indices):
        tagged = index != FOREIGN and world.keys[index].tagged
        if not rules.reaper_reads_tags or _is_ours(tagged=tagged):
            yield Reaper("described", key=index)


def _judge(world: World, reaper: Reaper, rules: Rules) -> Iterator[Move]:
    """Read the record, if it was not yet, and judge; the clock is right or ahead."""
    record = reaper.base
    if record == NONE and not rules.reaper_reads_clock_first:
        paused = reaper._replace(base=world.record)
        yield "the reaper reads the record, and pauses", world._replace(reaper=paused)
        return
    if record == NONE:
        record = world.record
    created = world.keys[reaper.key].created if reaper.key != FOREIGN else AGES_AGO
    for ahead in (0, rules.bounds.skew):
        found = _standing(record, reaper.key, created, ahead, rules)
        label = f"the reaper judges k{reaper.key}: {found}"
        if found is Standing.UNREFERENCED or found is Standing.REVOKED:
            judged = Reaper("judged", key=reaper.key)
            yield label, world._replace(reaper=judged)
        else:
            yield label, world._replace(reaper=None) if world.reaper is not None else world


def _taken(world: World, reaper: Reaper) -> World:
    world = world._replace(reaper=None)
    if reaper.key == FOREIGN:
        return world._replace(wrong="the reaper takes a key of somebody else")
    return world._replace(keys=disabled(world.keys, reaper.key))


@cache
def _is_ours(*, tagged: bool) -> bool:
    return owner_of(_kms_key(TAGS if tagged else {}), stack=STACK) == OWNER


@cache
def _standing(record: int, index: int, created: int, ahead: int, rules: Rules) -> Standing:
    key = _kms_key(TAGS, index=index, created=created)
    return standing(key, RECORDS[record], bounds=rules.bounds, now=ahead)


def _kms_key(tags: dict[str, str], *, index: int = 0, created: int = 0) -> KmsKey:
    return KmsKey(key_id=f"k{index}", created_at=-created * TICK, state=ENABLED, tags=tags)
