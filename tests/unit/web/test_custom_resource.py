"""CloudFormation hears of every outcome."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import pytest

from signet.errors import Misconfigured, Unavailable
from signet.web.custom_resource import MAX_REASON, custom_resource

EVENT = {"RequestType": "Create", "RequestId": "made-up"}


class Recorder:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self, event: Mapping[str, Any], *, reason: str) -> None:
        self.reasons.append(reason)


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def work() -> NoReturn:
        raise error

    return work


def reason_of(work: Callable[[], None], event: dict[str, Any] = EVENT) -> str:
    answer = Recorder()
    custom_resource("initialize", answer=answer)(work)(event, None)
    (reason,) = answer.reasons
    return reason


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_work_that_is_done_is_a_success(request_type: str) -> None:
    done: list[str] = []
    assert reason_of(lambda: done.append("x"), {**EVENT, "RequestType": request_type}) == ""
    assert done == ["x"]


def test_a_deletion_does_no_work_and_always_succeeds() -> None:
    work = raising(AssertionError("a deletion did something"))
    assert reason_of(work, {**EVENT, "RequestType": "Delete"}) == ""


def test_a_refusal_tells_its_private_reason() -> None:
    work = raising(Misconfigured("settings", "public", private="P >= C fails"))
    assert reason_of(work) == "P >= C fails"


@pytest.mark.parametrize(
    "error", [Unavailable("store_unavailable", ""), Unavailable("store_unavailable", "public")]
)
def test_no_refusal_reads_as_success(error: Unavailable) -> None:
    assert reason_of(raising(error)) != ""


@pytest.mark.parametrize(
    "error", [KeyError("value"), RuntimeError("value"), MemoryError(), AssertionError("value")]
)
def test_what_nobody_foresaw_fails_the_deployment_at_once_and_tells_no_value(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    reason = reason_of(raising(error))
    assert type(error).__name__ in reason
    assert "value" not in reason
    (line,) = (vars(record) for record in caplog.records)
    assert (line["error_type"], line["correlation_id"]) == (type(error).__name__, "made-up")


def test_a_reason_fits_into_cloudformations_answer_of_4_kb() -> None:
    assert len(reason_of(raising(Misconfigured("settings", "x" * 9_000)))) == MAX_REASON
