"""What /events and /events/verify are told, over a log that somebody may have tampered with."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support.memory import FixedClock, MemoryAuditLog
from tests.support.software_kms import SoftwareKms

from signet.broker.audit_chain import START, Head, Link, Pending, extend
from signet.broker.audit_log import WALK, AuditLog, EventFilter
from signet.broker.audit_verification import AuditVerification
from signet.broker.checkpoint import Anchor, AuditKey
from signet.broker.event import Event
from signet.broker.resource_version import rfc3339
from signet.broker.sealing import Sealer
from signet.errors import Unavailable
from signet.jose.algorithms import algorithm

ISSUER = "https://login.example"
NOW = 1_800_000_000
ACME, OTHER = (f"con_{letter * 26}" for letter in "ab")


class Auditor:
    """A log, and both ways to read it."""

    def __init__(self, count: int = 0, *, most: int = 10_000) -> None:
        self.log = MemoryAuditLog()
        self.clock = FixedClock(NOW)
        self.kms = SoftwareKms()
        key_id = self.kms.create_key(algorithm=algorithm("ES256"), tags={})
        self.key = AuditKey(issuer=ISSUER, key_id=key_id, kms=self.kms)
        self.sealer = Sealer(chain=self.log)
        self.events = AuditLog(sealer=self.sealer, chain=self.log)
        self.verify = AuditVerification(sealer=self.sealer, chain=self.log, key=self.key, most=most)
        self.record(*(event(number) for number in range(count)))

    def record(self, *events: Event) -> None:
        self.log.record(*events)
        self.sealer.seal()

    def sign(self) -> None:
        Anchor(chain=self.log, key=self.key, clock=self.clock)()

    def pages(self, limit: int = 100, **wanted: str) -> list[list[Link]]:
        """Read every part, in a bounded number of them."""
        parts: list[list[Link]] = []
        position = None
        while True:
            page = self.events.page(EventFilter(**wanted), position=position, limit=limit)
            parts.append(list(page.items))
            position = page.position
            if position is None:
                return parts
            assert len(parts) < 100

    def found(self, **wanted: str) -> list[int]:
        return [link.seq for part in self.pages(**wanted) for link in part]


def event(number: int = 0, *, type: str = "SignatureMade", connection: str = ACME) -> Event:  # noqa: A002
    return Event(
        type=type, time=NOW + number, actor="app", subject=connection, connection=connection
    )


# --- reading ---------------------------------------------------------------------------------


def test_an_empty_audit_is_one_empty_part() -> None:
    assert Auditor().pages() == [[]]


def test_what_was_just_recorded_is_read_and_the_newest_comes_first() -> None:
    auditor = Auditor(3)
    auditor.log.record(event(9))
    assert auditor.found() == [4, 3, 2, 1]


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
def test_every_event_comes_once_over_the_parts(count: int) -> None:
    parts = Auditor(count).pages(limit=3)
    assert [link.seq for part in parts for link in part] == list(range(count, 0, -1))
    assert all(0 < len(part) <= 3 for part in parts)


def test_events_are_found_by_type_connection_and_time() -> None:
    auditor = Auditor()
    auditor.record(
        event(1),
        event(2, type="ConnectionChanged"),
        event(3, connection=OTHER),
        event(4, type="ConnectionChanged", connection=OTHER),
    )
    assert auditor.found(type="ConnectionChanged") == [4, 2]
    assert auditor.found(connection=OTHER) == [4, 3]
    assert auditor.found(connection=OTHER, type="SignatureMade") == [3]
    assert auditor.found(since=rfc3339(NOW + 3)) == [4, 3]
    assert auditor.found(until=rfc3339(NOW + 3)) == [2, 1]
    assert auditor.found(since=rfc3339(NOW + 2), until=rfc3339(NOW + 4)) == [3, 2]


def test_an_event_that_found_its_place_late_is_found_by_its_time() -> None:
    auditor = Auditor()
    for number in (5, 1, 6):
        auditor.record(event(number))
    assert auditor.found(until=rfc3339(NOW + 3)) == [2]
    assert auditor.found(since=rfc3339(NOW + 6)) == [3]
    assert auditor.found(since=rfc3339(NOW + 5)) == [3, 1]


class Counting(MemoryAuditLog):
    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def links(self, first: int, last: int) -> tuple[Link, ...]:
        found = super().links(first, last)
        self.read += len(found)
        return found


def test_a_part_looks_at_so_many_events_however_few_were_asked_for() -> None:
    auditor = Auditor()
    auditor.record(event(0, type="ConnectionChanged"))
    auditor.record(*(event(number) for number in range(1, 2 * WALK)))
    auditor.log.__class__ = Counting
    counting: Any = auditor.log
    counting.read = 0
    page = auditor.events.page(EventFilter(type="ConnectionChanged"), position=None, limit=5)
    assert (page.items, page.position) == ((), str(WALK))
    assert counting.read == WALK
    assert auditor.found(type="ConnectionChanged") == [1]


def test_a_search_ends_where_nothing_older_can_be_meant() -> None:
    auditor = Auditor()
    auditor.record(*(event(number) for number in range(2 * WALK)))
    parts = auditor.pages(since=rfc3339(NOW + 2 * WALK - 5))
    assert [len(part) for part in parts] == [5]


# --- verifying -------------------------------------------------------------------------------


def test_an_empty_audit_holds() -> None:
    assert Auditor().verify(from_seq=1) == {
        "holds": True,
        "events": 0,
        "from_seq": 1,
        "next_seq": None,
        "head": {"seq": 0, "hash": "00" * 32},
        "checkpoint": None,
        "broken_at": None,
        "reason": None,
    }


def test_a_chain_holds_with_what_was_just_recorded_and_its_checkpoint() -> None:
    auditor = Auditor(5)
    auditor.sign()
    auditor.log.record(event(9))
    told = auditor.verify(from_seq=1)
    assert (told["holds"], told["events"], told["next_seq"]) == (True, 6, None)
    assert told["head"] == {"seq": 6, "hash": auditor.log.sealed[6].hash}
    checkpoint: Any = told["checkpoint"]
    assert checkpoint["seq"] == 5
    assert checkpoint["hash"] == auditor.log.sealed[5].hash
    assert checkpoint["time"] == rfc3339(NOW)
    assert checkpoint["jws"] == auditor.log.checkpoint()
    assert checkpoint["jwk"] == auditor.key.jwk


def test_a_long_chain_is_verified_in_bounded_calls() -> None:
    auditor = Auditor(10, most=4)
    calls = []
    following: Any = 1
    while following is not None:
        told = auditor.verify(from_seq=following)
        assert told["holds"], told
        calls.append((told["from_seq"], told["events"]))
        following = told["next_seq"]
    assert calls == [(1, 4), (5, 4), (9, 2)]


@pytest.mark.parametrize("from_seq", [6, 7, 100])
def test_there_is_nothing_to_verify_after_the_end(from_seq: int) -> None:
    told = Auditor(5).verify(from_seq=from_seq)
    assert (told["holds"], told["events"], told["next_seq"]) == (True, 0, None)


def change(log: MemoryAuditLog, seq: int, **members: Any) -> None:
    log.sealed[seq] = replace(log.sealed[seq], **members)


def rewrite(log: MemoryAuditLog, first: int) -> None:
    """Write other events from a place on, with hashes and a head that fit."""
    before = log.sealed[first - 1].head if first > 1 else START
    batch = [
        Pending(key="", id=f"evt_forged{seq}", event=log.sealed[seq].event)
        for seq in range(first, log.end.seq + 1)
    ]
    links = extend(before, batch)
    log.sealed.update({link.seq: link for link in links})
    log.end = links[-1].head


def set_back(log: MemoryAuditLog, seq: int) -> None:
    log.end = log.sealed[seq].head


def cut_off(log: MemoryAuditLog, seq: int) -> None:
    set_back(log, seq)
    for later in [place for place in log.sealed if place > seq]:
        del log.sealed[later]


def forge_head(log: MemoryAuditLog) -> None:
    log.end = replace(log.end, hash="ab" * 32)


TAMPERING: dict[str, tuple[Callable[[MemoryAuditLog], object], int]] = {
    "an event was changed": (lambda log: change(log, 3, event={"type": "Nothing"}), 3),
    "an event was removed": (lambda log: log.sealed.pop(4), 4),
    "the last event was removed": (lambda log: log.sealed.pop(6), 6),
    "the index by time was changed": (lambda log: change(log, 2, latest=""), 2),
    "the head is of another chain": (forge_head, 6),
    "the head was set back": (lambda log: set_back(log, 5), 6),
    "the chain was rewritten from the middle": (lambda log: rewrite(log, 2), 5),
    "the chain was rewritten whole": (lambda log: rewrite(log, 1), 5),
    "the chain was cut off before the checkpoint": (lambda log: cut_off(log, 3), 4),
}


@pytest.mark.parametrize("tampering", TAMPERING)
def test_tampering_is_told_with_its_place(tampering: str) -> None:
    auditor = Auditor(5)
    auditor.sign()
    auditor.record(event(6))
    tamper, place = TAMPERING[tampering]
    tamper(auditor.log)
    told = auditor.verify(from_seq=1)
    assert (told["holds"], told["broken_at"]) == (False, place), told
    assert told["reason"]


def test_a_checkpoint_of_somebody_else_is_told() -> None:
    auditor, stranger = Auditor(5), Auditor(5)
    stranger.sign()
    auditor.log.checkpoints = stranger.log.checkpoints
    told = auditor.verify(from_seq=1)
    assert not told["holds"]
    assert "not signed" in str(told["reason"])
    checkpoint: Any = told["checkpoint"]
    assert (checkpoint["seq"], checkpoint["hash"], checkpoint["time"]) == (None, None, None)
    assert checkpoint["jwk"] == auditor.key.jwk


def test_a_later_part_takes_the_event_before_it_as_it_stands() -> None:
    auditor = Auditor(6)
    auditor.log.sealed.pop(2)
    assert auditor.verify(from_seq=4)["holds"]
    assert auditor.verify(from_seq=3)["broken_at"] == 2


def test_a_head_that_moves_while_it_is_verified_is_not_taken_for_tampering() -> None:
    class Moving(MemoryAuditLog):
        def head(self) -> Head:
            head = super().head()
            if head.seq == 3:
                self.record(event(9))
                batch = self.pending(limit=1)
                self.append(extend(head, batch), batch, after=head)
            return head

    auditor = Auditor(3)
    auditor.log.__class__ = Moving
    told = auditor.verify(from_seq=1)
    assert told["holds"], told


def test_what_cannot_be_sealed_any_more_is_still_read_and_verified() -> None:
    auditor = Auditor(5)
    set_back(auditor.log, 3)
    auditor.log.record(event(9))
    assert [link.seq for link in auditor.events.page(EventFilter(), position=None, limit=9).items]
    assert auditor.verify(from_seq=1)["broken_at"] == 4


def test_a_store_that_is_down_is_told() -> None:
    class Down(MemoryAuditLog):
        def pending(self, *, limit: int) -> tuple[Pending, ...]:
            raise Unavailable("store_unavailable", f"The service is not available now: {limit}.")

    auditor = Auditor(3)
    auditor.log.__class__ = Down
    with pytest.raises(Unavailable):
        auditor.verify(from_seq=1)
    with pytest.raises(Unavailable):
        auditor.events.page(EventFilter(), position=None, limit=5)
