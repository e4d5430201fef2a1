"""The one handler with a router: find the operation, let the caller in, read, use, answer.

The table of operations is the router, the rule of who may call what, and the description, so that
none of the three can say something else than the others (docs/adr/0007).
"""

from collections.abc import Mapping

from signet.broker.management import LoadManagement, Management
from signet.broker.management_access import Principal
from signet.errors import Rejected, SignetError
from signet.oauth.parameters import parse
from signet.web.endpoint import Handler, endpoint
from signet.web.management import clients, connections, events, keys
from signet.web.management.body import check_members, read_document
from signet.web.management.openapi import describe
from signet.web.management.operation import PUBLIC, Call, Operation, Shown
from signet.web.management.problems import problem
from signet.web.management.recorded import recorded
from signet.web.request import Request
from signet.web.response import Response, json_response

_NOBODY = Principal(client_id="")


def get_description(call: Call) -> Response:
    """Answer the description of this API."""
    return json_response(describe(OPERATIONS, issuer=call.api.issuer))


OPERATIONS: tuple[Operation, ...] = (
    *connections.OPERATIONS,
    *keys.OPERATIONS,
    *clients.OPERATIONS,
    *events.OPERATIONS,
    Operation(
        name="getDescription",
        method="GET",
        path="/openapi.json",
        scope=PUBLIC,
        summary="Read this description",
        use=get_description,
        answers={200: Shown(description="OpenAPI 3.1", schema={"type": "object"})},
    ),
)


def management_handler(load: LoadManagement) -> Handler:
    """Make the handler of the management API; `load` gives its use cases."""

    @endpoint("manage", methods=None, on_error=_on_error)
    def handler(request: Request) -> Response:
        return answer(load(), request)

    return handler


def answer(api: Management, request: Request) -> Response:
    """Answer one request.

    Nothing of it is read before its caller is known and may do this.

    Raises:
        Rejected, Denied, Unavailable, Misconfigured: each with a code of the problems' table.
    """
    operation, parameters = find(request)
    by = _NOBODY
    if operation.scope != PUBLIC:
        by = api.access(
            request.headers.get("authorization"),
            scope=operation.scope,
            dpop=request.headers.get("dpop"),
            method=request.method,
            path=request.path,
        )
    call = Call(
        api=api,
        by=by,
        parameters=parameters,
        query=_query(operation, request),
        document=_document(operation, request),
        request=request,
    )
    return recorded(operation, call)


def find(request: Request) -> tuple[Operation, Mapping[str, str]]:
    """Return the operation of a method and a path, and the values of the path's variables.

    HEAD is GET, whose body is left out at the end.

    Raises:
        Rejected: `not_found` or `method_not_allowed`.
    """
    method = "GET" if request.method == "HEAD" else request.method
    matching = _matching(request.path)
    for operation, parameters in matching:
        if operation.method == method:
            return operation, parameters
    if matching:
        raise Rejected("method_not_allowed", "This method is not allowed here.")
    raise Rejected("not_found", "There is nothing here.")


def _matching(path: str) -> list[tuple[Operation, Mapping[str, str]]]:
    found = ((operation, operation.pattern.fullmatch(path)) for operation in OPERATIONS)
    return [(operation, match.groupdict()) for operation, match in found if match is not None]


def _query(operation: Operation, request: Request) -> Mapping[str, str]:
    """Read the parameters; an empty one is refused, because an empty cursor would begin again."""
    query = parse(request.query)
    if any(not piece.partition("=")[2] for piece in request.query.split("&") if piece):
        raise Rejected("invalid_request", "There is a query parameter without a value.")
    for name in query:
        if name not in operation.query:
            raise Rejected("invalid_request", "There is a query parameter that is not known.")
    return query


def _document(operation: Operation, request: Request) -> Mapping[str, object]:
    body = operation.body
    if body is None or (body.optional and not request.body):
        return {}
    document = read_document(request, media_types=body.media_types)
    check_members(document, body.model(), read_only=body.read_only, code=body.code)
    return document


def _on_error(error: SignetError, request: Request) -> Response:
    shown = problem(error, request)
    if error.code != "method_not_allowed":
        return shown
    methods = {operation.method for operation, _ in _matching(request.path)}
    allowed = sorted({*methods, "HEAD"} if "GET" in methods else methods)
    return Response(
        status=shown.status,
        headers={**shown.headers, "allow": ", ".join(allowed)},
        body=shown.body,
        problem=error,
    )
