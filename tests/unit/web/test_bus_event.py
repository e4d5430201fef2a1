"""What a function takes from an event, what it drops, and what Lambda hears of a failure."""

import json
import subprocess
import sys
from typing import Any

import pytest

from signet.errors import Rejected
from signet.web.bus_event import MAX_POSITION, BusEvent, event_function

CONNECTION = "con_" + "a" * 26
KID = "k" * 43
TICK = {"id": "1", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


def ours(kind: str, detail: object) -> dict[str, Any]:
    return {"id": "1", "source": "signet", "detail-type": kind, "detail": detail}


def read(event: dict[str, Any]) -> BusEvent:
    return BusEvent.read(event, seconds_left=lambda: 1.0)


def test_a_schedules_event_is_a_tick_and_none_of_ours_is() -> None:
    assert read(TICK).is_tick()
    assert not read(ours("Scheduled Event", {})).is_tick()


@pytest.mark.parametrize(
    "event",
    [
        {},
        {**TICK, "source": None},
        {**TICK, "source": "aws.ec2"},
        {**TICK, "detail-type": "EC2 Instance State-change Notification"},
        {**TICK, "detail-type": 1},
        {**TICK, "detail": "{}"},
        ours("KeyRefused", None),
        {**ours("KeyRefused", {}), "source": "somebody.else"},
    ],
)
def test_what_is_neither_a_tick_nor_ours_is_malformed(event: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="malformed_event"):
        read(event)


@pytest.mark.parametrize("owner", [CONNECTION, "issuer"])
def test_a_step_is_asked_for_an_owner(owner: str) -> None:
    assert read(ours("KeyRotationRequested", {"owner": owner})).requested_owner() == owner


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"owner": None},
        {"owner": ""},
        {"owner": "con_short"},
        {"owner": [CONNECTION]},
        {"owner": f"{CONNECTION}\n"},
        {"owner": CONNECTION, "immediate": True},
        {"owner": CONNECTION, "requested": True},
        {"connection": CONNECTION},
    ],
)
def test_a_step_is_asked_for_an_owner_and_for_nothing_more(detail: dict[str, object]) -> None:
    with pytest.raises(Rejected, match="malformed_event"):
        read(ours("KeyRotationRequested", detail)).requested_owner()


def test_a_refused_key_is_read_from_an_announcement() -> None:
    announced = {"subject": CONNECTION, "kid": KID, "time": 1, "outcome": "failure", "more": 1}
    assert read(ours("KeyRefused", announced)).refused_key() == (CONNECTION, KID)


@pytest.mark.parametrize(
    "detail",
    [
        {"subject": CONNECTION},
        {"subject": CONNECTION, "kid": "short"},
        {"subject": CONNECTION, "kid": 1},
        {"subject": CONNECTION, "kid": KID + "\n"},
        {"kid": KID},
        {"subject": "../issuer", "kid": KID},
    ],
)
def test_a_refused_key_needs_its_owner_and_its_kid(detail: dict[str, object]) -> None:
    with pytest.raises(Rejected, match="malformed_event"):
        read(ours("KeyRefused", detail)).refused_key()


def test_a_position_is_what_kms_gave() -> None:
    assert read(ours("KeyReapingRequested", {"position": "p"})).position() == "p"


@pytest.mark.parametrize(
    "detail",
    [{}, {"position": ""}, {"position": None}, {"position": "p" * (MAX_POSITION + 1)},
     {"position": "p", "more": 1}],
)  # fmt: skip
def test_a_position_is_all_that_a_reaping_can_be_asked_for(detail: dict[str, object]) -> None:
    with pytest.raises(Rejected, match="malformed_event"):
        read(ours("KeyReapingRequested", detail)).position()


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 1_500


def test_a_function_knows_how_long_it_may_run() -> None:
    seen: list[float] = []
    handler = event_function("x")(lambda event: seen.append(event.seconds_left()))
    handler(TICK, Context())
    handler(TICK, None)
    assert seen == [1.5, float("inf")]


SCRIPT = """
import sys
from signet.errors import *
from signet.web.bus_event import event_function
@event_function("rotate_keys")
def handler(event):
    raise {error}
try:
    handler({event!r}, None)
except Exception as error:
    print(f"raised {{error!r}}", file=sys.stderr)
"""


def outcome(error: str, event: dict[str, Any] = TICK) -> tuple[dict[str, Any], str]:
    """Return the line in the log, and what Lambda would see."""
    # In a process of its own: the logger takes standard output as it finds it, once.
    done = subprocess.run(  # noqa: S603  (our own code)
        [sys.executable, "-c", SCRIPT.format(error=error, event=event)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout), done.stderr.strip()


def test_what_may_not_be_done_is_dropped_with_a_line_and_not_tried_for_ever() -> None:
    line, raised = outcome("Rejected('rotation_refused', 'Not now.')")
    assert raised == ""
    assert (line["level"], line["message"]) == ("ERROR", "event dropped")
    assert (line["code"], line["reason"]) == ("rotation_refused", "Not now.")
    assert (line["function_route"], line["correlation_id"]) == ("rotate_keys", "1")


def test_a_malformed_event_is_dropped_too() -> None:
    line, raised = outcome("AssertionError", {"id": "2"})
    assert (line["message"], line["code"]) == ("event dropped", "malformed_event")
    assert (line["correlation_id"], raised) == ("2", "")


@pytest.mark.parametrize("kind", ["Unavailable", "Misconfigured", "Denied"])
def test_what_failed_is_raised_so_that_lambda_tries_it_again(kind: str) -> None:
    line, raised = outcome(f"{kind}('code', 'public', private='private')")
    assert (line["level"], line["message"], line["reason"]) == ("ERROR", "event failed", "private")
    assert raised == f"raised {kind}('code: private')"


def test_a_defect_fails_too_but_nothing_that_it_holds_is_kept_anywhere() -> None:
    line, raised = outcome("ValueError('a-value-of-somebodys')")
    assert (line["message"], line["error_type"]) == ("defect", "ValueError")
    assert raised == "raised RuntimeError('a defect: ValueError')"
    assert "a-value-of-somebodys" not in json.dumps(line)
