"""Make a Lambda handler of work that an event asks for: a schedule's, or one of our own bus.

Lambda tries an event again that failed, and keeps it when that was in vain. So what may succeed
later fails here too, and what never will is dropped, with a line in the log.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from signet.adapters.eventbridge import LOGOUT_REQUESTED as LOGOUT_REQUESTED  # noqa: PLC0414
from signet.adapters.eventbridge import REAPING_REQUESTED as REAPING_REQUESTED  # noqa: PLC0414
from signet.adapters.eventbridge import SOURCE
from signet.adapters.eventbridge import STEP_REQUESTED as STEP_REQUESTED  # noqa: PLC0414
from signet.broker.connection_id import is_connection_id
from signet.broker.keyring import ISSUER
from signet.broker.ports import LogoutNotice
from signet.errors import Rejected, SignetError
from signet.web.log import log_dropped_event, log_failed_event

KEY_REFUSED = "KeyRefused"
"""A login was refused with the current key, and went on with the previous one."""
_TICK = ("aws.events", "Scheduled Event")
_KID = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_POSITION = 1_024
MAX_NAME = 255

Use = Callable[["BusEvent"], None]
Handler = Callable[[dict[str, Any], object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusEvent:
    """An event as EventBridge hands it over; whoever may put events on the bus wrote its detail.

    `kind` is its detail-type; `seconds_left` tells how long its function may still run.
    """

    source: str
    kind: str
    detail: Mapping[str, object]
    seconds_left: Callable[[], float]

    @classmethod
    def read(cls, event: Mapping[str, Any], *, seconds_left: Callable[[], float]) -> "BusEvent":
        """Read an event of a schedule or of our own.

        Raises:
            Rejected: `malformed_event`.
        """
        source, kind, detail = (event.get(name) for name in ("source", "detail-type", "detail"))
        if not (isinstance(source, str) and isinstance(kind, str) and isinstance(detail, dict)):
            raise malformed("no source, type and detail")
        if source != SOURCE and (source, kind) != _TICK:
            raise malformed("a source that is not ours")
        return cls(source=source, kind=kind, detail=detail, seconds_left=seconds_left)

    def is_tick(self) -> bool:
        """Tell whether a schedule sent it."""
        return (self.source, self.kind) == _TICK

    def requested_owner(self) -> str:
        """Return whose step `KeyRotationRequested` asks for: a connection's id, or `issuer`.

        Raises:
            Rejected: `malformed_event`: also for any other member, which could only ask for more.
        """
        if set(self.detail) != {"owner"}:
            raise malformed("members other than an owner")
        return _owner(self.detail["owner"])

    def refused_key(self) -> tuple[str, str]:
        """Return the owner and the kid of `KeyRefused`, whose other members are for subscribers.

        Raises:
            Rejected: `malformed_event`.
        """
        kid = self.detail.get("kid")
        if not (isinstance(kid, str) and _KID.fullmatch(kid)):
            raise malformed("a kid that is no thumbprint")
        return _owner(self.detail.get("subject")), kid

    def logout_notice(self) -> LogoutNotice:
        """Return whom `BackchannelLogoutRequested` wants an application to be told of.

        Raises:
            Rejected: `malformed_event`.
        """
        members = dict(self.detail)
        texts = {name: value for name, value in members.items() if isinstance(value, str) and value}
        if texts != members or set(texts) != {"client_id", "subject", "sid"}:
            raise malformed("members other than a client, a subject and a session")
        if any(len(value) > MAX_NAME for value in texts.values()):
            raise malformed("a name that is too long")
        return LogoutNotice(**texts)

    def position(self) -> str:
        """Return where `KeyReapingRequested` goes on in the list of keys.

        Raises:
            Rejected: `malformed_event`.
        """
        position = self.detail.get("position")
        if set(self.detail) != {"position"} or not isinstance(position, str):
            raise malformed("members other than a position")
        if not 0 < len(position) <= MAX_POSITION:
            raise malformed("a position that no list of keys has")
        return position


def event_function(name: str) -> Callable[[Use], Handler]:
    """Decorate the work of one event.

    An event that is malformed or asks for what may not be done is dropped. All else that goes
    wrong is raised, for Lambda to try it again: what nobody foresaw without its message, which may
    hold values and would be kept with the event.

    Args:
        name: of the function, for the log.
    """

    def decorate(use: Use) -> Handler:
        def handler(event: dict[str, Any], context: object) -> None:
            event_id = str(event.get("id", ""))
            try:
                use(BusEvent.read(event, seconds_left=_seconds_left(context)))
            except Rejected as problem:
                log_dropped_event(name, event_id, problem)
            except SignetError as problem:
                log_failed_event(name, event_id, problem)
                raise
            except Exception as error:  # noqa: BLE001  (the last line of defence: nothing leaks)
                log_failed_event(name, event_id, error)
                raise RuntimeError(f"a defect: {type(error).__name__}") from None

        return handler

    return decorate


def malformed(what: str) -> Rejected:
    """Return the error of an event that cannot be meant for us as it is."""
    return Rejected("malformed_event", f"The event has {what}.")


def _owner(value: object) -> str:
    if isinstance(value, str) and (value == ISSUER or is_connection_id(value)):
        return value
    raise malformed("an owner that is neither a connection nor the issuer")


def _seconds_left(context: object) -> Callable[[], float]:
    """Read Lambda's context; without one, as in a test, time never runs out."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: remaining() / 1_000) if remaining is not None else (lambda: float("inf"))
