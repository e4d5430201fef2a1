"""Amazon EventBridge: where what happens to keys is told, and where steps are asked for."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, cast

from signet.adapters.aws import PATIENT, Patience, aws_client
from signet.broker.event import Event
from signet.broker.ports import LogoutNotice, Notices
from signet.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "signet"
STEP_REQUESTED = "KeyRotationRequested"
REAPING_REQUESTED = "KeyReapingRequested"
LOGOUT_REQUESTED = "BackchannelLogoutRequested"
_ENTRIES = 10
"""What one PutEvents takes at most; ten of ours are far below its 256 KB."""
_ATTEMPTS = 2


class EventBridge:
    """One event bus. A batch may fail in part: each entry is judged by its own answer."""

    def __init__(self, *, bus: str, patience: Patience = PATIENT) -> None:
        self._bus = bus
        self._patience = patience

    @cached_property
    def _client(self) -> "EventBridgeClient":
        return cast("EventBridgeClient", aws_client("events", self._patience))

    def put(self, entries: Sequence[tuple[str, dict[str, object]]]) -> None:
        """Put events of a type and a detail each, at least once.

        Raises:
            Unavailable: some of them are not on the bus; all were tried.
        """
        problem: Unavailable | None = None
        for batch in _batches([self._entry(kind, detail) for kind, detail in entries]):
            try:
                self._put_batch(batch)
            except Unavailable as failure:
                # One batch's failure is none of the others', which are other owners' steps.
                problem = problem or failure
        if problem is not None:
            raise problem

    def _put_batch(self, batch: "list[PutEventsRequestEntryTypeDef]") -> None:
        left = batch
        for _ in range(_ATTEMPTS):
            left = self._put(left)
            if not left:
                return
        raise _unavailable(f"{len(left)} of {len(batch)} events were not taken")

    def _put(
        self, entries: "list[PutEventsRequestEntryTypeDef]"
    ) -> "list[PutEventsRequestEntryTypeDef]":
        """Return the entries that failed."""
        client = self._client
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = client.put_events(Entries=entries)
        except ClientError as error:
            raise _unavailable(error.response.get("Error", {}).get("Code", "")) from None
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from None
        outcomes = zip(entries, answer["Entries"], strict=True)
        return [entry for entry, outcome in outcomes if "EventId" not in outcome]

    def _entry(self, kind: str, detail: dict[str, object]) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": kind,
            "Detail": json.dumps(detail, separators=(",", ":"), sort_keys=True),
        }


class EventBridgeAnnouncements:
    """`Announcements` on a bus: a subscriber's rule matches the source `signet` and a type."""

    def __init__(self, bus: EventBridge, *, notices: Notices) -> None:
        self._bus = bus
        self._notices = notices

    def publish(self, *events: Event) -> None:
        """Publish events; what cannot be published is in the audit, and a warning in the log."""
        try:
            self._bus.put([(event.type, _detail(event)) for event in events])
        except Unavailable as problem:
            for event in events:
                self._notices.warn(
                    "event_not_published",
                    connection_id=event.subject,
                    reason=f"{event.type}: {problem.private}",
                )


class EventBridgeRotationRequests:
    """`RotationRequests` on a bus: one event an owner, so that each step is an execution."""

    def __init__(self, bus: EventBridge) -> None:
        self._bus = bus

    def request(self, *owners: str) -> None:
        """Ask for a step of each owner's rotation.

        Raises:
            Unavailable: some of them were not asked for.
        """
        self._bus.put([(STEP_REQUESTED, {"owner": owner}) for owner in owners])


class EventBridgeLogoutNotices:
    """`LogoutNotices` on a bus: one event an application, so that none waits for another."""

    def __init__(self, bus: EventBridge) -> None:
        self._bus = bus

    def request(self, *notices: LogoutNotice) -> None:
        """Ask for a logout token to each application.

        Raises:
            Unavailable: some of them were not asked for.
        """
        self._bus.put([(LOGOUT_REQUESTED, asdict(notice)) for notice in notices])


class EventBridgeReapingRequests:
    """`ReapingRequests` on a bus."""

    def __init__(self, bus: EventBridge) -> None:
        self._bus = bus

    def go_on(self, position: str) -> None:
        """Ask for the keys from a position on.

        Raises:
            Unavailable: it was not asked for.
        """
        self._bus.put([(REAPING_REQUESTED, {"position": position})])


def _detail(event: Event) -> dict[str, object]:
    members: dict[str, object] = {
        "time": event.time,
        "actor": event.actor,
        "subject": event.subject,
        "connection": event.connection,
        "outcome": event.outcome,
        "kid": event.kid,
        "detail": dict(event.detail),
    }
    return {name: value for name, value in members.items() if value is not None}


def _batches(
    entries: "list[PutEventsRequestEntryTypeDef]",
) -> "Iterator[list[PutEventsRequestEntryTypeDef]]":
    for start in range(0, len(entries), _ENTRIES):
        yield entries[start : start + _ENTRIES]


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(
        "events_unavailable",
        "The service is not available now. Please try again.",
        private=f"EventBridge: {reason}",
    )
