"""Record a write of an administrator: that it was begun, before it is made, and how it ended.

What was begun and has no end in the audit may have happened or not. Without the first record, the
write is not made; a write whose end cannot be recorded was made, and is not denied afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from signet.broker.event import Event
from signet.broker.ports import Audit, Clock, Notices
from signet.errors import Unavailable

STARTED = "started"
FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A write that was recorded as begun."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRecords:
    """Both records of every write of the management API."""

    audit: Audit
    notices: Notices
    clock: Clock

    def begin(
        self,
        kind: str,
        *,
        actor: str,
        subject: str,
        connection: str | None = None,
        kid: str | None = None,
        detail: Mapping[str, str],
    ) -> Begun:
        """Record that a write begins.

        Raises:
            Unavailable: it must not be made.
        """
        event = Event(
            type=kind,
            time=self.clock.now(),
            actor=actor,
            subject=subject,
            connection=connection,
            outcome=STARTED,
            kid=kid,
            detail=detail,
        )
        self.audit.record(event)
        return Begun(event=event)

    def end(
        self,
        begun: Begun,
        *,
        outcome: str = "success",
        subject: str | None = None,
        connection: str | None = None,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        """Record how a write ended; that this could not be stored is told to the operators."""
        started = begun.event
        ended = replace(
            started,
            time=self.clock.now(),
            outcome=outcome,
            subject=subject or started.subject,
            connection=connection or started.connection,
            detail={**started.detail, **(detail or {})},
        )
        try:
            self.audit.record(ended)
        except Unavailable as problem:
            self.notices.warn(
                "audit_end_missing", connection_id=ended.subject, reason=problem.private
            )
