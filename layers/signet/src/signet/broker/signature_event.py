"""The event of a signature: which key made it, for what, and by which request to KMS."""

from collections.abc import Mapping

from signet.broker.event import SYSTEM, Event
from signet.jose.jws import SignedToken

UNUSED = "unused"
"""The outcome of a signature that nothing was done with: what it is in went nowhere."""


def signature_made(
    token: SignedToken,
    *,
    purpose: str,
    time: int,
    subject: str,
    connection: str | None = None,
    actor: str = SYSTEM,
    jti: str | None = None,
    outcome: str = "success",
    detail: Mapping[str, str] | None = None,
) -> Event:
    """Write the event of a token that was signed; nothing of the token itself is in it."""
    return Event(
        type="SignatureMade",
        time=time,
        actor=actor,
        subject=subject,
        connection=connection,
        outcome=outcome,
        kid=token.kid,
        jti=jti,
        kms_request_id=token.request_id,
        detail={"purpose": purpose, **(detail or {})},
    )
