"""The audit's chain: what its hashes cover, and what is found out when something was changed."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signet.broker.audit_chain import (
    GENESIS,
    START,
    Break,
    Link,
    Pending,
    canonical,
    extend,
    find_break,
)
from signet.broker.event import Event, event_document


def pending(number: int, *, time: int = 1_800_000_000) -> Pending:
    event = Event(type="SignatureMade", time=time + number, actor="app", subject="issuer")
    return Pending(key=f"k{number}", id=f"evt_{number}", event=event_document(event))


CHAIN = extend(START, [pending(number) for number in range(1, 6)])


def test_an_event_is_kept_as_it_is_shown() -> None:
    event = Event(type="A", time=1_800_000_000, actor="app", subject="s", detail={"purpose": "x"})
    assert event_document(event) == {
        "type": "A",
        "time": "2027-01-15T08:00:00Z",
        "actor": "app",
        "subject": "s",
        "connection": None,
        "outcome": "success",
        "kid": None,
        "jti": None,
        "kms_request_id": None,
        "detail": {"purpose": "x"},
    }


def test_canonical_json_has_ordered_names_no_spaces_and_utf_8() -> None:
    assert (
        canonical({"b": 1, "a": {"d": "ä€", "c": None}})
        == '{"a":{"c":null,"d":"ä€"},"b":1}'.encode()
    )


def test_the_first_link_continues_32_zero_bytes_by_the_documented_hash() -> None:
    link = CHAIN[0]
    content = canonical({"seq": 1, "id": "evt_1", "event": link.event})
    assert link.prev_hash == GENESIS == "00" * 32
    assert link.hash == hashlib.sha256(bytes(32) + content).hexdigest()


def test_every_further_link_continues_the_one_before() -> None:
    assert [link.seq for link in CHAIN] == [1, 2, 3, 4, 5]
    for before, link in pairwise(CHAIN):
        content = canonical({"seq": link.seq, "id": link.id, "event": link.event})
        assert link.prev_hash == before.hash
        made = hashlib.sha256(bytes.fromhex(before.hash) + content).hexdigest()
        assert link.hash == made


def test_a_chain_holds_whole_and_in_parts() -> None:
    assert find_break(CHAIN, after=START, last=5) is None
    assert find_break(CHAIN[2:], after=CHAIN[1].head, last=5) is None
    assert find_break((), after=START, last=0) is None


def test_a_batch_may_be_cut_anywhere() -> None:
    first = extend(START, [pending(1), pending(2)])
    assert (*first, *extend(first[-1].head, [pending(n) for n in (3, 4, 5)])) == CHAIN


@pytest.mark.parametrize(
    ("seq", "change", "reason"),
    [
        (3, lambda link: replace(link, event={**link.event, "actor": "other"}), "not what was"),
        (3, lambda link: replace(link, id="evt_9"), "not what was recorded"),
        (3, lambda link: replace(link, hash="00" * 32), "not what was recorded"),
        (3, lambda link: replace(link, prev_hash="00" * 32), "does not continue"),
        (3, lambda link: replace(link, seq=4), "missing"),
        (3, lambda link: replace(link, latest="2000-01-01T00:00:00Z"), "index by time"),
    ],
)
def test_a_changed_event_is_found(seq: int, change: Callable[[Link], Link], reason: str) -> None:
    links = [change(link) if link.seq == seq else link for link in CHAIN]
    found = find_break(links, after=START, last=5)
    assert found is not None
    assert found.seq == seq
    assert reason in found.reason


@pytest.mark.parametrize("missing", range(1, 6))
def test_a_removed_event_is_found(missing: int) -> None:
    links = [link for link in CHAIN if link.seq != missing]
    assert find_break(links, after=START, last=5) == Break(
        seq=missing, reason="the event is missing"
    )


def test_a_chain_that_was_made_again_does_not_continue_an_older_head() -> None:
    forged = extend(START, [pending(number + 50) for number in range(1, 6)])
    found = find_break(forged[3:], after=CHAIN[2].head, last=5)
    assert found == Break(seq=4, reason="the event does not continue the one before")


def test_an_older_event_that_comes_late_is_still_found_by_time() -> None:
    links = extend(START, [pending(100), pending(1), pending(200)])
    times = [str(link.event["time"]) for link in links]
    assert [link.latest for link in links] == [times[0], times[0], times[2]]


@given(
    seq=st.integers(0, 4),
    member=st.sampled_from(["type", "actor", "subject", "outcome", "time"]),
    value=st.text(max_size=8),
)
def test_no_text_in_the_place_of_another_holds(seq: int, member: str, value: str) -> None:
    link = CHAIN[seq]
    if link.event[member] != value:
        links = list(CHAIN)
        links[seq] = replace(link, event={**link.event, member: value})
        assert find_break(links, after=START, last=5) == Break(
            seq=seq + 1, reason="the event is not what was recorded"
        )
