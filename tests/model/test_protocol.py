"""The rotation protocol in every interleaving: all of it holds, and no rule of it can be spared."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from signet.broker import rotation
from signet.broker.rotation import Guard
from tests.model.rules import LEAST, PROTOCOL, TICK, Rules, Scope
from tests.model.scopes import APART, BY_HAND, LATE, REMOVED, SCOPES, TORN, UNASKED, UNTOLD, WHOLE
from tests.model.search import OLD_SIGNER, OLD_VERIFIER, REAPING, TOGETHER, Found, search

FEW = Scope(faults=0, roll_backs=1, reaper=False)
QUIET = replace(FEW, roll_backs=0)
REMOVED_AT_WORK = replace(REMOVED, workers=1, faults=0)

DANGERS = (
    TOGETHER,
    OLD_SIGNER,
    OLD_VERIFIER,
    REAPING,
    "CreateKey, its answer lost",
    "a key cannot be proved",
    "a worker crashes",
    "a worker crashes; its write is on the way",
    "a late write lands, and nobody waits: create",
    "a late write lands, and nobody waits: promote",
    "the write lands, its answer lost: revoke 0",
    "read again: as before; the write may come yet",
    "read again: it was mine",
    "read again: it is another's",
    "read again: my key is in a later version",
    "a worker loses the race",
    "a worker gives k2 up",
    "the write lands: promote",
    "the write lands: retire",
    "the write lands: roll back",
    "the write lands: approve",
    "the write lands: promote at once",
    "the write lands: revoke 0",
    "the write lands: revoke 1",
    "the revoked k0 is disabled",
    "the reaper judges k1: within_grace",
    "the reaper judges k1: revoked",
    "the reaper takes k0",
    "the reaper takes k2",
)

Recorded = Callable[[str, object], None]

explored = cache(search)


def without(guards: tuple[Guard, ...], *left_out: Guard) -> tuple[Guard, ...]:
    assert set(left_out) <= set(guards)
    return tuple(guard for guard in guards if guard not in left_out)


def holds(found: Found) -> bool:
    """Show the way to what is broken, where something is."""
    assert found.broken is None, f"\n{found}"
    return True


@pytest.mark.parametrize("name", SCOPES)
def test_everything_holds_in_every_state(name: str, record_property: Recorded) -> None:
    found = explored(PROTOCOL, SCOPES[name])
    record_property("states", found.states)
    assert holds(found)


def test_what_is_dangerous_really_happens() -> None:
    happened = explored(PROTOCOL, WHOLE).happened
    assert not [danger for danger in DANGERS if happened[danger] == 0]


@pytest.mark.parametrize(
    ("rules", "scope", "broken"),
    [
        pytest.param(
            Rules(announce=without(rotation.ANNOUNCE, rotation.has_no_next)),
            FEW,
            "left the JWKS, and was neither retired nor revoked",
            id="announce: has_no_next",
        ),
        pytest.param(
            Rules(announce=without(rotation.ANNOUNCE, rotation.has_no_previous)),
            FEW,
            "left the JWKS, and was neither retired nor revoked",
            id="announce: has_no_previous",
        ),
        pytest.param(
            Rules(promote=without(rotation.PROMOTE, rotation.is_propagated)),
            FEW,
            "I2",
            id="promote: is_propagated",
        ),
        pytest.param(
            Rules(promote=without(rotation.PROMOTE, rotation.is_evidenced)),
            LATE,
            "the provider never said that it knows it",
            id="promote: is_evidenced, by a probe",
        ),
        pytest.param(
            Rules(promote=without(rotation.PROMOTE, rotation.is_evidenced)),
            BY_HAND,
            "nobody said that the provider knows it",
            id="promote: is_evidenced, by a word",
        ),
        pytest.param(
            Rules(promote=without(rotation.PROMOTE, rotation.is_evidenced)),
            UNTOLD,
            "which the provider refused, signs again",
            id="promote: is_evidenced, after a roll-back",
        ),
        pytest.param(
            Rules(promote=without(rotation.PROMOTE, rotation.is_evidenced)),
            UNASKED,
            "which the provider refused, signs again",
            id="promote: is_evidenced, after a roll-back and without a probe",
        ),
        pytest.param(
            Rules(roll_back=without(rotation.ROLL_BACK, rotation.is_watched)),
            TORN,
            "and signs for hours",
            id="roll back: is_watched",
        ),
        pytest.param(
            Rules(roll_back=without(rotation.ROLL_BACK, rotation.is_first_roll_back)),
            TORN,
            "two keys take turns",
            id="roll back: is_first_roll_back",
        ),
        pytest.param(
            Rules(retire=without(rotation.RETIRE, rotation.is_unneeded)),
            FEW,
            "I1",
            id="retire: is_unneeded",
        ),
        pytest.param(
            Rules(retire=without(rotation.RETIRE, rotation.carries_no_login)),
            UNASKED,
            "logins fell back on it just now",
            id="retire: carries_no_login",
        ),
        pytest.param(
            Rules(writes_on_version=False),
            FEW,
            "left the JWKS, and was neither retired nor revoked",
            id="the condition on the version",
        ),
        pytest.param(
            Rules(writes_unless_removed=False),
            REMOVED,
            "the keys of a removed owner change",
            id="the condition that the owner is there",
        ),
        pytest.param(
            Rules(reads_again=False), WHOLE, "I5", id="the second read after a lost answer"
        ),
        pytest.param(
            Rules(knows_its_key=False), WHOLE, "in KMS", id="the fresh key in a later version"
        ),
        pytest.param(
            Rules(proves=False), WHOLE, "KMS cannot sign with it", id="the proof before all"
        ),
        pytest.param(
            Rules(tags_at_birth=False), WHOLE, "nobody will ever find it", id="tags in CreateKey"
        ),
        pytest.param(
            Rules(reaper_reads_tags=False), WHOLE, "of somebody else", id="the reaper's tags"
        ),
        pytest.param(
            Rules(reaper_reads_record_last=False), APART, "I5", id="the record after the key"
        ),
        pytest.param(
            Rules(reaper_reads_clock_first=False), APART, "I5", id="the clock before the record"
        ),
    ],
)
def test_no_rule_can_be_left_out(rules: Rules, scope: Scope, broken: str) -> None:
    assert broken in str(search(rules, scope).broken)


@pytest.mark.parametrize(
    ("bound", "broken"), [("propagation", "I2"), ("retention", "I3"), ("grace", "I5")]
)
def test_the_least_bounds_hold_and_none_can_be_smaller(bound: str, broken: str) -> None:
    smaller = replace(LEAST, **{bound: getattr(LEAST, bound) - TICK})
    assert LEAST.broken() is None
    assert smaller.broken() is not None
    assert broken in str(search(Rules(bounds=smaller), WHOLE).broken)


@pytest.mark.parametrize(("bound", "broken"), [("propagation", "I2"), ("retention", "I3")])
def test_the_skew_pays_for_a_write_that_lands_late_too(bound: str, broken: str) -> None:
    """All clocks agree here: that a write takes a tick is enough, where the bounds leave nothing.

    `SIGNET_CLOCK_SKEW_SECONDS` has to be as long as a worker may run, also on one machine.
    """
    unskewed = replace(LEAST, **{bound: getattr(LEAST, bound) - TICK}, skew=0)
    assert unskewed.broken() is None
    assert broken in str(search(Rules(bounds=unskewed), WHOLE).broken)


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(
            Rules(promote=without(rotation.PROMOTE, rotation.has_next)), id="promote: has_next"
        ),
        pytest.param(
            Rules(roll_back=without(rotation.ROLL_BACK, rotation.has_previous)),
            id="roll back: has_previous",
        ),
        pytest.param(
            Rules(retire=without(rotation.RETIRE, rotation.has_previous)),
            id="retire: has_previous",
        ),
    ],
)
def test_a_guard_that_gives_the_reason_alone_changes_nothing(rules: Rules) -> None:
    """The transition cannot be made without that key: the guard is there to say so first."""
    found = search(rules, FEW)
    assert holds(found)
    assert found.states == explored(PROTOCOL, FEW).states


def test_a_next_and_a_previous_key_are_kept_apart_at_both_ends() -> None:
    """`has_no_previous` of a promotion matters where a next key came in beside a previous one."""
    announced = without(rotation.ANNOUNCE, rotation.has_no_previous)
    promoted = without(rotation.PROMOTE, rotation.has_no_previous)
    assert holds(search(Rules(announce=announced), QUIET))
    assert holds(search(Rules(promote=promoted), QUIET))
    neither = search(Rules(announce=announced, promote=promoted), QUIET)
    assert "left the JWKS, and was neither retired nor revoked" in str(neither.broken)


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(Rules(announce=without(rotation.ANNOUNCE, rotation.is_alive)), id="announce"),
        pytest.param(Rules(promote=without(rotation.PROMOTE, rotation.is_alive)), id="promote"),
        pytest.param(
            Rules(roll_back=without(rotation.ROLL_BACK, rotation.is_alive)), id="roll back"
        ),
        pytest.param(Rules(retire=without(rotation.RETIRE, rotation.is_alive)), id="retire"),
    ],
)
def test_the_condition_of_the_write_stands_behind_is_alive(rules: Rules) -> None:
    """A removal can come after the read, so that the write is refused whatever the guard saw."""
    assert holds(search(rules, REMOVED_AT_WORK))
    unconditional = search(replace(rules, writes_unless_removed=False), REMOVED_AT_WORK)
    assert "the keys of a removed owner change" in str(unconditional.broken)


def test_the_way_to_what_is_broken_is_the_shortest_and_can_be_read() -> None:
    found = search(Rules(proves=False), WHOLE)
    assert found.trace == (
        "a worker reads, to make a key",
        "CreateKey: a key that cannot sign",
        "a worker proves k1 and sends: create",
        "the write lands: create",
    )
    assert str(found).endswith("  4. the write lands: create")
