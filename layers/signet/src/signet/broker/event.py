"""What happened: the audit's event, which operators may also subscribe to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from signet.broker.resource_version import rfc3339

SYSTEM = "signet"
"""The actor of what nobody asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened; no member may hold what a person or a provider sent.

    `type` is such as `KeyPromoted` or `SignatureMade`; `time` unix seconds; `actor` a client id or
    `signet`; `subject` what it happened to: a connection's id, a client's id, or `issuer`;
    `connection` the connection's id where there is one; `detail` further facts in texts.
    """

    type: str
    time: int
    actor: str
    subject: str
    connection: str | None = None
    outcome: str = "success"
    kid: str | None = None
    jti: str | None = None
    kms_request_id: str | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


def event_document(event: Event) -> dict[str, object]:
    """Write an event as the audit keeps, hashes and shows it: nothing is converted afterwards."""
    return {**asdict(event), "detail": dict(event.detail), "time": rfc3339(event.time)}
