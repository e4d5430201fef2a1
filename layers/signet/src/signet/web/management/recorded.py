"""The one place where writes are recorded: whoever has an operation cannot leave it out."""

import re
from collections.abc import Callable, Mapping

from signet.broker.client import ID
from signet.broker.connection_id import is_connection_id
from signet.broker.keyring import ISSUER
from signet.broker.recorded_write import FAILURE
from signet.errors import SignetError
from signet.web.management.operation import Call, Operation
from signet.web.response import Response

_KID = re.compile(r"[A-Za-z0-9_-]{43}")
_FORMS: Mapping[str, Callable[[str], object]] = {
    "connection_id": is_connection_id,
    "client_id": ID.fullmatch,
    "kid": _KID.fullmatch,
}
NEW = "new"
"""The subject of what does not have its id yet."""


def recorded(operation: Operation, call: Call) -> Response:
    """Use an operation; a write is recorded before it is made, and how it ended afterwards.

    Raises:
        Unavailable: it was not made, because it could not be recorded.
    """
    if operation.event is None:
        return operation.use(call)
    connection = _known(call, "connection_id")
    subject = connection or _known(call, "client_id") or _without_id(operation)
    records = call.api.writes
    begun = records.begin(
        operation.event,
        actor=call.by.client_id,
        subject=subject,
        connection=connection,
        kid=_known(call, "kid"),
        detail=_detail(call),
    )
    try:
        response = operation.use(call)
    except SignetError as problem:
        records.end(begun, outcome=FAILURE, detail={"code": problem.code})
        raise
    made = response.headers.get("location", "").rpartition("/")[2] or subject
    replayed = "idempotency-replayed" in response.headers
    records.end(
        begun,
        subject=made,
        connection=made if is_connection_id(made) else connection,
        detail={"replayed": "true"} if replayed else {},
    )
    return response


def _known(call: Call, name: str) -> str | None:
    """Return a variable of the path, if it has the form that only ours have."""
    value = call.parameters.get(name, "")
    return value if _FORMS[name](value) else None


def _without_id(operation: Operation) -> str:
    """Return the subject of a path that names none."""
    return ISSUER if operation.path.startswith("/issuer/") else NEW


def _detail(call: Call) -> dict[str, str]:
    """Tell which members were sent and never what is in them; their names were checked before."""
    members = ",".join(sorted(call.document))
    sent = {"members": members} if members else {}
    # Who only asked what would happen did not do it.
    preview = {"preview": "true"} if call.query.get("preview") == "true" else {}
    return {"request": call.request.correlation_id, **sent, **preview}
