"""Make a CloudFormation custom resource's handler of what it has to do."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from signet.errors import SignetError
from signet.web.log import log_defect

Work = Callable[[], None]
Handler = Callable[[dict[str, Any], object], None]
MAX_REASON = 1_000


class Answer(Protocol):
    """Sends CloudFormation the outcome of one event."""

    def __call__(self, event: Mapping[str, Any], *, reason: str) -> None:
        """Send it; an empty `reason` means success."""
        ...


def custom_resource(name: str, *, answer: Answer) -> Callable[[Work], Handler]:
    """Decorate the work of a creation or an update; a deletion does nothing.

    CloudFormation hears of every outcome, also of one that nobody foresaw: without an answer a
    deployment stands still until its time-out.

    Args:
        name: of the function, for the log.
        answer: how CloudFormation hears of it.
    """

    def decorate(work: Work) -> Handler:
        def handler(event: dict[str, Any], context: object) -> None:
            del context
            deletion = event.get("RequestType") == "Delete"
            reason = "" if deletion else _failure(name, work, str(event.get("RequestId", "")))
            answer(event, reason=reason[:MAX_REASON])

        return handler

    return decorate


def _failure(name: str, work: Work, correlation_id: str) -> str:
    """Do the work; return why it failed, or nothing."""
    try:
        work()
    except SignetError as problem:
        return problem.private or problem.public or problem.code
    except Exception as error:  # noqa: BLE001  (the last line of defence: nobody is kept waiting)
        log_defect(name, correlation_id, error)
        # Its message may hold values, and stack events are read by many.
        return f"A defect ({type(error).__name__}): the log of the function {name} says where."
    return ""
