"""What reaches the event bus, and what becomes of what does not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (  # noqa: TID251  (what the client raises)
    ClientError,
    ConnectTimeoutError,
)

from signet.adapters.eventbridge import (
    EventBridge,
    EventBridgeAnnouncements,
    EventBridgeRotationRequests,
)
from signet.broker.event import Event
from signet.errors import Unavailable

OWNERS = tuple(f"con_{number}" for number in range(23))
REFUSED = Event(
    type="KeyRefused",
    time=1_700_000_000,
    actor="signet",
    subject="con_a",
    connection="con_a",
    outcome="failure",
    kid="kid-1",
)


class Events:
    """The client: `fails` says of each entry, by its number among all, whether it fails."""

    def __init__(self, fails: Callable[[int], bool] = lambda _: False) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self._fails = fails
        self._count = 0

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.batches.append(Entries)
        outcomes = []
        for _ in Entries:
            failed = self._fails(self._count)
            self._count += 1
            outcomes.append({"ErrorCode": "ThrottlingException"} if failed else {"EventId": "x"})
        failures = sum("ErrorCode" in outcome for outcome in outcomes)
        return {"FailedEntryCount": failures, "Entries": outcomes}


class Broken:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def put_events(self, **_: object) -> dict[str, Any]:
        raise self._error


class Warnings:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []

    def warn(self, code: str, *, connection_id: str, reason: str) -> None:
        self.seen.append((code, connection_id, reason))


def bus_of(client: object) -> EventBridge:
    bus = EventBridge(bus="ours")
    bus.__dict__["_client"] = client
    return bus


def test_a_step_is_asked_for_by_one_event_an_owner_ten_at_a_time() -> None:
    events = Events()
    EventBridgeRotationRequests(bus_of(events)).request(*OWNERS)
    assert [len(batch) for batch in events.batches] == [10, 10, 3]
    entries = [entry for batch in events.batches for entry in batch]
    assert [json.loads(entry["Detail"]) for entry in entries] == [{"owner": o} for o in OWNERS]
    assert {(e["EventBusName"], e["Source"], e["DetailType"]) for e in entries} == {
        ("ours", "signet", "KeyRotationRequested")
    }


def test_nobody_to_ask_for_is_no_request() -> None:
    events = Events()
    EventBridgeRotationRequests(bus_of(events)).request()
    assert events.batches == []


def test_what_failed_alone_is_sent_once_more() -> None:
    events = Events(fails=lambda number: number in {1, 4})
    EventBridgeRotationRequests(bus_of(events)).request(*OWNERS[:5])
    again = [json.loads(entry["Detail"])["owner"] for entry in events.batches[1]]
    assert [len(batch) for batch in events.batches] == [5, 2]
    assert again == ["con_1", "con_4"]


def test_what_fails_twice_was_not_asked_for() -> None:
    events = Events(fails=lambda number: number in {0, 2})  # 2 is the second attempt of 0
    with pytest.raises(Unavailable, match="1 of 2"):
        EventBridgeRotationRequests(bus_of(events)).request("con_0", "con_1")
    assert [len(batch) for batch in events.batches] == [2, 1]


def test_one_batch_that_fails_keeps_no_other_back() -> None:
    events = Events(fails=lambda number: number in {0, 10})  # 10 is the second attempt of 0
    with pytest.raises(Unavailable, match="1 of 10"):
        EventBridgeRotationRequests(bus_of(events)).request(*OWNERS)
    asked = {json.loads(entry["Detail"])["owner"] for batch in events.batches for entry in batch}
    assert asked == set(OWNERS)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ClientError({"Error": {"Code": "AccessDenied"}}, "PutEvents"), "AccessDenied"),
        (ConnectTimeoutError(endpoint_url="https://x"), "ConnectTimeoutError"),
    ],
)
def test_nothing_of_botocores_escapes(error: Exception, told: str) -> None:
    with pytest.raises(Unavailable, match=told) as caught:
        EventBridgeRotationRequests(bus_of(Broken(error))).request("con_a")
    assert caught.value.code == "events_unavailable"


def test_an_announcement_carries_the_events_members_and_no_empty_one() -> None:
    events, warnings = Events(), Warnings()
    EventBridgeAnnouncements(bus_of(events), notices=warnings).publish(REFUSED)
    ((entry,),) = events.batches
    assert entry["DetailType"] == "KeyRefused"
    assert json.loads(entry["Detail"]) == {
        "time": 1_700_000_000,
        "actor": "signet",
        "subject": "con_a",
        "connection": "con_a",
        "outcome": "failure",
        "kid": "kid-1",
        "detail": {},
    }
    assert warnings.seen == []


def test_an_announcement_that_fails_is_a_warning_and_never_an_error() -> None:
    warnings = Warnings()
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "PutEvents")
    EventBridgeAnnouncements(bus_of(Broken(denied)), notices=warnings).publish(REFUSED)
    ((code, connection_id, reason),) = warnings.seen
    assert (code, connection_id) == ("event_not_published", "con_a")
    assert "KeyRefused" in reason
    assert "AccessDenied" in reason


def test_ten_of_the_largest_events_are_far_below_what_one_request_may_hold() -> None:
    events = Events()
    large = Event(
        type="RotationStuck",
        time=1,
        actor="signet",
        subject="con_a",
        detail={"reason": "x" * 1_000},
    )
    EventBridgeAnnouncements(bus_of(events), notices=Warnings()).publish(*[large] * 10)
    (batch,) = events.batches
    assert sum(len(json.dumps(entry)) for entry in batch) < 256 * 1024 / 8
