"""Lambda function `send_logout`: tell one application that a person is signed out."""

from signet import wiring
from signet.web.bus_event import LOGOUT_REQUESTED, BusEvent, event_function, malformed


@event_function("send_logout")
def handler(event: BusEvent) -> None:
    """Send a logout token; what the application did not take is tried again with another one."""
    if event.kind != LOGOUT_REQUESTED:
        raise malformed("a type that this function has no work for")
    wiring.send_logout()(event.logout_notice())
