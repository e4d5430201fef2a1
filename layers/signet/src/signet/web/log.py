"""One structured line for each request: what, how it ended, and never what was carried.

No parameter, header, cookie, token, code, assertion or state is ever handed to the logger.
"""

import traceback
from functools import cache
from typing import TYPE_CHECKING

from signet.broker.connection_id import is_connection_id
from signet.errors import SignetError
from signet.web.request import Request

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@cache
def _logger() -> "Logger":
    # Imported at the first line that is written: the functions that write none start faster.
    from aws_lambda_powertools import Logger  # noqa: PLC0415

    return Logger(service="signet")


def log_request(
    function: str, request: Request, *, status: int, problem: SignetError | None
) -> None:
    """Write the line of one request; a request without a problem is the access log's."""
    if problem is None:
        return
    write = _logger().error if problem.status >= 500 else _logger().warning  # noqa: PLR2004
    write(
        "request refused",
        extra={
            "function_route": function,
            "method": request.method,
            "status": status,
            "code": problem.code,
            "reason": problem.private or problem.public,
            "correlation_id": request.correlation_id,
            **_connection_of(request),
        },
    )


def _connection_of(request: Request) -> dict[str, str]:
    """Name the connection whose address was called, so that failures are counted by it."""
    connection_id = request.path_parameters.get("connection_id", "")
    # A path says what whoever wrote it wants: only what can be an id stands in the log.
    return {"connection_id": connection_id} if is_connection_id(connection_id) else {}


class LogNotices:
    """The `Notices` port: a warning in the log, which an alarm can count by its `code`."""

    def warn(self, code: str, *, connection_id: str, reason: str) -> None:
        """Write a line."""
        extra = {"code": code, "connection_id": connection_id, "reason": reason}
        _logger().warning("notice", extra=extra)


def log_dropped_event(function: str, event_id: str, problem: SignetError) -> None:
    """Write the line of an event that is not tried again."""
    _logger().error("event dropped", extra=_of_event(function, event_id, problem))


def log_failed_event(function: str, event_id: str, error: Exception) -> None:
    """Write the line of an event that failed, and is tried again."""
    if not isinstance(error, SignetError):
        log_defect(function, event_id, error)
        return
    _logger().error("event failed", extra=_of_event(function, event_id, error))


def _of_event(function: str, event_id: str, problem: SignetError) -> dict[str, str]:
    return {
        "function_route": function,
        "code": problem.code,
        "reason": problem.private or problem.public,
        "correlation_id": event_id,
    }


def log_defect(function: str, correlation_id: str, error: Exception) -> None:
    """Write where an unexpected error arose; its message may hold values and is left out."""
    frames = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    _logger().error(
        "defect",
        extra={
            "function_route": function,
            "error_type": type(error).__name__,
            "frames": frames[-12:],
            "correlation_id": correlation_id,
        },
    )
