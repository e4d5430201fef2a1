"""Lambda function `rotate_keys`: what is due at each tick, and one owner's step at a time."""

from signet import wiring
from signet.web.bus_event import KEY_REFUSED, STEP_REQUESTED, BusEvent, event_function, malformed


@event_function("rotate_keys")
def handler(event: BusEvent) -> None:
    """Sweep and seal the audit at a tick; make a step that was asked for; count a refusal.

    Nothing that comes over the bus can begin a rotation before its time, or skip a wait: the
    protocol's guards decide, and only the management API can override one.
    """
    if event.is_tick():
        wiring.rotator().sweep()
        wiring.audit_sealer().seal()
    elif event.kind == STEP_REQUESTED:
        wiring.rotator().step(event.requested_owner())
    elif event.kind == KEY_REFUSED:
        wiring.rotator().refused(*event.refused_key())
    else:
        raise malformed("a type that this function has no work for")
