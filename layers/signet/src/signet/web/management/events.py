"""Operations on the audit."""

import re

from signet.broker.audit_chain import Link
from signet.broker.audit_log import EventFilter
from signet.broker.connection_id import is_connection_id
from signet.errors import Rejected
from signet.web.management import models
from signet.web.management.answers import limit_of, part
from signet.web.management.operation import Call, Operation, Shown
from signet.web.response import Response, json_response

_TYPE = re.compile(models.EVENT_TYPE)
_TIME = re.compile(models.TIME)
_SEQ = re.compile(models.SEQ)


def list_events(call: Call) -> Response:
    """Answer a part of the audit, newest first."""
    wanted, client_id = _filter(call), call.by.client_id
    # A cursor goes on with what it began with, and with nothing else.
    names = ("type", "connection", "from", "to")
    listing = "&".join(["events", *(f"{name}={call.query.get(name, '')}" for name in names)])
    position = call.api.cursors.position(
        call.query.get("cursor"), listing=listing, client_id=client_id
    )
    page = call.api.events.page(wanted, position=position, limit=limit_of(call))
    cursor = call.api.cursors.issue(page.position, listing=listing, client_id=client_id)
    return part(map(Link.document, page.items), next_cursor=cursor)


def verify_events(call: Call) -> Response:
    """Answer whether the chain holds, from a place on."""
    text = call.query.get("from_seq", "1")
    if not _SEQ.fullmatch(text):
        raise Rejected("invalid_request", "from_seq has to be the number of an event.")
    return json_response(call.api.verify_events(from_seq=int(text)))


def _filter(call: Call) -> EventFilter:
    """Read what is asked for.

    Raises:
        Rejected: `invalid_request`, naming the parameter.
    """
    query = call.query
    if "type" in query and not _TYPE.fullmatch(query["type"]):
        raise Rejected("invalid_request", "type has to be the type of an event.")
    if "connection" in query and not is_connection_id(query["connection"]):
        raise Rejected("invalid_request", "connection has to be the id of a connection.")
    for name in ("from", "to"):
        if name in query and not _TIME.fullmatch(query[name]):
            raise Rejected(
                "invalid_request", f"{name} has to be a time such as 2027-01-15T08:00:00Z."
            )
    return EventFilter(
        type=query.get("type"),
        connection=query.get("connection"),
        since=query.get("from"),
        until=query.get("to"),
    )


OPERATIONS = (
    Operation(
        name="listEvents",
        method="GET",
        path="/events",
        scope="events:read",
        summary="Read the audit, newest first; a part may be short and not the last",
        use=list_events,
        query=("type", "connection", "from", "to", "limit", "cursor"),
        answers={
            200: Shown(
                description="A part of the audit",
                schema=lambda: models.listing(models.Event, order="newest first"),
            )
        },
        codes=("invalid_cursor",),
    ),
    Operation(
        name="verifyEvents",
        method="GET",
        path="/events/verify",
        scope="events:read",
        summary="Verify the audit's chain, its head and its last checkpoint",
        use=verify_events,
        query=("from_seq",),
        answers={
            200: Shown(
                description="Whether it holds, and if not, where first",
                schema=lambda: models.Verification,
            )
        },
        codes=("signing_unavailable", "signing_key"),
    ),
)
