"""Make a Lambda handler of a function from request to response."""

from collections.abc import Callable
from typing import Any

from signet.errors import Rejected, SignetError
from signet.web.log import log_defect, log_request
from signet.web.request import Request
from signet.web.response import Response, json_response

Use = Callable[[Request], Response]
Handler = Callable[[dict[str, Any], object], dict[str, Any]]
RenderError = Callable[[SignetError, Request], Response]


def endpoint(
    name: str, *, methods: tuple[str, ...] | None, on_error: RenderError
) -> Callable[[Use], Handler]:
    """Decorate a function of a request.

    HEAD is served like GET, without the body. Every error becomes an answer, and its line in the
    log; what nobody foresaw becomes a 500 that tells nothing.

    Args:
        name: of the function, for the log.
        methods: that are allowed; others get 405 and `Allow`. None leaves that to the function.
        on_error: how this endpoint's callers understand errors.
    """
    allowed = (*methods, "HEAD") if methods is not None and "GET" in methods else methods

    def decorate(use: Use) -> Handler:
        def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
            del context
            request = Request.from_event(event)
            response = _respond(name, use, request, allowed=allowed, on_error=on_error)
            log_request(name, request, status=response.status, problem=response.problem)
            if request.method == "HEAD":
                response = response.without_body()
            return response.event()

        return handler

    return decorate


def _respond(
    name: str,
    use: Use,
    request: Request,
    *,
    allowed: tuple[str, ...] | None,
    on_error: RenderError,
) -> Response:
    if allowed is not None and request.method not in allowed:
        return json_response(
            {"error": "invalid_request", "error_description": "This method is not allowed here."},
            status=405,
            headers={"allow": ", ".join(allowed)},
        )
    try:
        return use(request)
    except SignetError as problem:
        return on_error(problem, request)
    except Exception as error:  # noqa: BLE001  (the last line of defence: nothing leaks)
        log_defect(name, request.correlation_id, error)
        shown = on_error(Rejected("server_error", "Something went wrong on our side."), request)
        return Response(status=500, headers=shown.headers, body=shown.body)
