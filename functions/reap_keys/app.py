"""Lambda function `reap_keys`: take keys away that no record refers to, a page at a time."""

from signet import wiring
from signet.web.bus_event import REAPING_REQUESTED, BusEvent, event_function, malformed

LEAST_SECONDS = 300
"""What a page may take: with less time than this the next one is a new event's."""


@event_function("reap_keys")
def handler(event: BusEvent) -> None:
    """Look at all keys of the account; what is left when time runs out is asked for by an event.

    A page that is looked at twice does no harm, and the schedule begins anew each day.
    """
    if not event.is_tick() and event.kind != REAPING_REQUESTED:
        raise malformed("a type that this function has no work for")
    position = None if event.is_tick() else event.position()
    while (position := wiring.reaper().run(position)) is not None:
        if event.seconds_left() < LEAST_SECONDS:
            wiring.reaping_requests().go_on(position)
            return
