"""Sealing: any number of sealers, lost answers and tampered heads; and the checkpoints."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.memory import FixedClock, MemoryAuditLog
from tests.support.software_kms import SoftwareKms

from signet.broker.audit_chain import START, Head, Link, Pending, extend, find_break
from signet.broker.checkpoint import (
    EVERY_SECONDS,
    MOST_LINKS,
    Anchor,
    AuditKey,
    Checkpoint,
    read_checkpoint,
)
from signet.broker.event import Event
from signet.broker.sealing import BATCH, Sealer
from signet.errors import Denied, Misconfigured, Unavailable
from signet.jose.algorithms import algorithm

ISSUER = "https://login.example"
NOW = 1_800_000_000


def event(number: int = 0) -> Event:
    return Event(type="SignatureMade", time=NOW + number, actor="app", subject="issuer")


def filled(count: int) -> MemoryAuditLog:
    log = MemoryAuditLog()
    log.record(*(event(number) for number in range(count)))
    return log


def holds(log: MemoryAuditLog, count: int) -> bool:
    links = log.links(1, count)
    whole = find_break(links, after=START, last=count) is None
    return whole and len({link.id for link in links}) == count and log.head().seq == count


@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1, 3 * BATCH, 12 * BATCH + 7])
def test_what_is_pending_gets_its_place_once_and_waits_no_more(count: int) -> None:
    log = filled(count)
    assert Sealer(chain=log).seal() == count
    assert log.waiting == {}
    assert holds(log, count)
    assert Sealer(chain=log).seal() == 0


def test_the_oldest_comes_first() -> None:
    log = MemoryAuditLog()
    log.record(event(3), event(1), event(2))
    Sealer(chain=log).seal()
    times = [link.event["time"] for link in log.links(1, 3)]
    assert times == sorted(times)


def test_one_call_seals_so_many_and_a_next_one_the_rest() -> None:
    log = filled(120)
    sealer = Sealer(chain=log, most=100)
    assert (sealer.seal(), sealer.seal(), sealer.seal()) == (100, 20, 0)
    assert holds(log, 120)


def test_a_call_ends_after_its_seconds_and_a_next_one_goes_on() -> None:
    clock = FixedClock(NOW)

    class Slow(MemoryAuditLog):
        def pending(self, *, limit: int) -> tuple[Pending, ...]:
            clock.time += 8
            return super().pending(limit=limit)

    log = Slow()
    log.record(*(event(number) for number in range(50 * BATCH)))
    sealer = Sealer(chain=log, clock=clock, seconds=20)
    assert sealer.seal() == 3 * 10 * BATCH
    assert sealer.seal() == 2 * 10 * BATCH
    assert holds(log, 50 * BATCH)


# --- several sealers -------------------------------------------------------------------------


class Interrupted(MemoryAuditLog):
    """Something else happens between what a sealer reads and what it writes."""

    def __init__(self) -> None:
        super().__init__()
        self.before_append: list[str] = []
        self.refused = 0

    def append(self, links: Sequence[Link], batch: Sequence[Pending], *, after: Head) -> bool:
        action = self.before_append.pop(0) if self.before_append else "nothing"
        if action == "other sealer":
            other = self.pending(limit=2)
            if other:
                super().append(extend(self.head(), other), other, after=self.head())
        if action == "record":
            self.record(event(7))
        if action == "down":
            raise Unavailable("store_unavailable", "The service is not available now.")
        appended = super().append(links, batch, after=after)
        self.refused += not appended
        if action == "answer lost":
            raise Unavailable("store_unavailable", "The service is not available now.")
        if action == "answer lost, other sealer":
            other = self.pending(limit=2)
            if other:
                super().append(extend(self.head(), other), other, after=self.head())
            raise Unavailable("store_unavailable", "The service is not available now.")
        return appended


def test_whoever_was_not_first_reads_again_and_goes_on() -> None:
    log = Interrupted()
    log.record(*(event(number) for number in range(5)))
    log.before_append = ["other sealer"]
    assert Sealer(chain=log).seal() == 3
    assert log.refused == 1
    assert holds(log, 5)


@pytest.mark.parametrize("action", ["answer lost", "answer lost, other sealer"])
def test_a_batch_whose_answer_was_lost_is_found_in_its_place(action: str) -> None:
    log = Interrupted()
    log.record(*(event(number) for number in range(BATCH + 4)))
    log.before_append = [action]
    Sealer(chain=log).seal()
    assert log.waiting == {}
    assert holds(log, BATCH + 4)


def test_a_store_that_is_down_is_told_and_nothing_is_lost() -> None:
    log = Interrupted()
    log.record(event(1), event(2))
    log.before_append = ["down"]
    with pytest.raises(Unavailable):
        Sealer(chain=log).seal()
    assert len(log.waiting) == 2
    assert Sealer(chain=log).seal() == 2
    assert holds(log, 2)


ACTIONS = [
    "nothing", "other sealer", "record", "down", "answer lost", "answer lost, other sealer",
]  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    count=st.integers(0, 3 * BATCH),
    rounds=st.lists(st.lists(st.sampled_from(ACTIONS), max_size=6), max_size=5),
)
def test_whatever_happens_meanwhile_there_is_no_gap_no_fork_no_loss_and_no_duplicate(
    count: int, rounds: list[list[str]]
) -> None:
    log = Interrupted()
    log.record(*(event(number) for number in range(count)))
    for actions in [*rounds, []]:
        log.before_append = list(actions)
        try:
            Sealer(chain=log).seal()
        except Unavailable:
            continue
    recorded = log._count
    assert log.waiting == {}
    assert holds(log, recorded)
    assert {link.id for link in log.links(1, recorded)} == {
        f"evt_{number:026d}" for number in range(1, recorded + 1)
    }


def test_sealing_ends_where_others_are_always_faster() -> None:
    log = Interrupted()
    log.record(*(event(number) for number in range(40)))
    log.before_append = ["other sealer"] * 8
    assert Sealer(chain=log).seal() == 0
    assert len(log.waiting) == 24


@pytest.mark.parametrize("forged", [START, None])
def test_a_head_that_was_set_back_is_told_and_what_was_recorded_waits(forged: Head | None) -> None:
    log = filled(5)
    Sealer(chain=log).seal()
    log.end = forged or log.sealed[3].head
    log.record(event(9))
    with pytest.raises(Misconfigured) as told:
        Sealer(chain=log).seal()
    assert told.value.code == "audit_chain_broken"
    assert len(log.waiting) == 1


# --- checkpoints -----------------------------------------------------------------------------


class Anchored:
    """A log whose head is signed."""

    def __init__(self, count: int = 5) -> None:
        self.log = filled(count)
        self.clock = FixedClock(NOW)
        self.kms = SoftwareKms()
        key_id = self.kms.create_key(algorithm=algorithm("ES256"), tags={})
        self.key = AuditKey(issuer=ISSUER, key_id=key_id, kms=self.kms)
        anchor = Anchor(chain=self.log, key=self.key, clock=self.clock)
        self.sealer = Sealer(chain=self.log, anchor=anchor)
        self.sealer.seal()

    def last(self) -> Checkpoint:
        jws = self.log.checkpoint()
        assert jws is not None
        return read_checkpoint(jws, jwk=self.key.jwk, issuer=ISSUER)


def test_the_head_is_signed_when_there_is_one() -> None:
    anchored = Anchored()
    head = anchored.log.head()
    assert anchored.last() == Checkpoint(seq=5, hash=head.hash, iat=NOW)


def test_an_empty_chain_is_not_signed() -> None:
    assert Anchored(count=0).log.checkpoints == {}


def test_a_young_checkpoint_is_enough_and_an_old_one_is_not() -> None:
    anchored = Anchored()
    anchored.log.record(event(6))
    anchored.clock.time += EVERY_SECONDS - 1
    anchored.sealer.seal()
    assert anchored.last().seq == 5
    anchored.clock.time += 1
    anchored.sealer.seal()
    assert anchored.last().seq == 6


def test_a_head_that_did_not_move_is_not_signed_again() -> None:
    anchored = Anchored()
    anchored.clock.time += 10 * EVERY_SECONDS
    anchored.sealer.seal()
    assert list(anchored.log.checkpoints) == [5]
    assert anchored.kms.signatures == 1


def test_many_events_are_signed_before_the_hour_is_over_and_in_bounded_steps() -> None:
    anchored = Anchored()
    anchored.log.record(*(event(number) for number in range(MOST_LINKS + 10)))
    for _ in range(4):
        anchored.sealer.seal()
    assert sorted(anchored.log.checkpoints) == [5, 5 + MOST_LINKS]


def rewritten(log: MemoryAuditLog, first: int, last: int) -> None:
    """Write other events from a place on, with hashes that fit."""
    before = log.sealed[first - 1].head if first > 1 else START
    batch = [
        Pending(key="", id=f"evt_f{seq}", event=log.sealed[seq].event)
        for seq in range(first, last + 1)
    ]
    links = extend(before, batch)
    log.sealed.update({link.seq: link for link in links})
    log.end = links[-1].head


@pytest.mark.parametrize("first", [1, 5])
def test_a_chain_that_was_rewritten_is_never_signed(first: int) -> None:
    anchored = Anchored()
    anchored.log.record(event(6))
    Sealer(chain=anchored.log).seal()
    rewritten(anchored.log, first, 6)
    anchored.clock.time += EVERY_SECONDS
    with pytest.raises(Misconfigured) as told:
        anchored.sealer.seal()
    assert told.value.code == "audit_chain_broken"
    assert list(anchored.log.checkpoints) == [5]


def test_a_chain_with_a_gap_is_never_signed() -> None:
    anchored = Anchored()
    anchored.log.record(event(6), event(7), event(8))
    Sealer(chain=anchored.log).seal()
    del anchored.log.sealed[7]
    anchored.clock.time += EVERY_SECONDS
    with pytest.raises(Misconfigured):
        anchored.sealer.seal()


def test_a_checkpoint_of_another_key_or_deployment_is_not_believed() -> None:
    anchored, stranger = Anchored(), Anchored()
    jws = stranger.log.checkpoint()
    assert jws is not None
    with pytest.raises(Denied):
        read_checkpoint(jws, jwk=anchored.key.jwk, issuer=ISSUER)
    with pytest.raises(Denied):
        read_checkpoint(jws, jwk=stranger.key.jwk, issuer="https://other.example")
    assert read_checkpoint(jws, jwk=stranger.key.jwk, issuer=None).seq == 5
    anchored.log.checkpoints[9] = jws
    with pytest.raises(Misconfigured):
        anchored.sealer.seal()


@pytest.mark.parametrize("claims", [{}, {"seq": "5", "hash": "x", "iat": 1}, {"seq": 5, "iat": 1}])
def test_a_checkpoint_that_says_nothing_is_none(claims: dict[str, object]) -> None:
    from signet.broker.checkpoint import TYP  # noqa: PLC0415
    from signet.jose.jws import SigningKey, sign  # noqa: PLC0415

    anchored = Anchored()
    key = SigningKey(
        kid=anchored.key.jwk["kid"], alg="ES256", key_id=anchored.key._key_id, signer=anchored.kms
    )
    with pytest.raises(Denied):
        read_checkpoint(sign(claims, key=key, typ=TYP).compact, jwk=anchored.key.jwk, issuer=None)
