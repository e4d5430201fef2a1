"""The event of a login that was ended because something of it was used twice: a sign of theft."""

from signet.broker.event import Event
from signet.broker.grant import Grant


def login_ended(grant: Grant, *, time: int, reason: str) -> Event:
    """Write the event; `reason` is a text of ours, and nothing of the token is in it."""
    return Event(
        type="LoginEnded",
        time=time,
        actor=grant.client_id,
        subject=grant.client_id,
        connection=grant.connection_id,
        detail={"reason": reason},
    )
