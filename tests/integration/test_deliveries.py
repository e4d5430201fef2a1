"""Events on this machine: what is put on the bus reaches its function, at least once."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from signet_local.deliveries import RARE, Deliveries
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.events import FAILED
from signet_local.emulated_aws.process import EmulatedAws
from signet_local.emulated_aws.resources import create_resources, emulated_client
from signet_local.template import Template

TEMPLATE = Template.read()
ROTATE, REAP = "RotateKeysFunction", "ReapKeysFunction"
LONG = 3_600


class Functions:
    """Remembers its invocations; `fails` says of each, by its number, whether it fails."""

    def __init__(self, fails: Callable[[int], bool] = lambda _: False) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self._fails = fails
        self._lock = threading.Lock()

    def __call__(self, logical_id: str, event: dict[str, Any]) -> None:
        with self._lock:
            self.seen.append((logical_id, event))
            number = len(self.seen)
        if self._fails(number):
            raise RuntimeError("as the test wants it")

    def wait_for(self, count: int, *, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while len(self.seen) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.seen) >= count, self.seen


class Account:
    """An emulated AWS of this test's own, and what a test does in it."""

    def __init__(self, endpoint: str) -> None:
        self._events, self._queues = (
            emulated_client(service, endpoint=endpoint, region=REGION)
            for service in ("events", "sqs")
        )

    def put(self, kind: str, *, source: str = "signet", **detail: object) -> None:
        entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
        self._events.put_events(Entries=[{"EventBusName": "SignetBus", **entry}])

    @contextmanager
    def deliveries(self, invoke: Functions, *, tick: float = LONG) -> Iterator[Deliveries]:
        running = Deliveries(TEMPLATE, queues=self._queues, invoke=invoke, tick=tick)
        running.start()
        try:
            yield running
        finally:
            running.stop()

    def waiting(self, queue: str) -> int:
        """Count what a queue holds, taken up or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        address = self._queues.get_queue_url(QueueName=queue)["QueueUrl"]
        answer = self._queues.get_queue_attributes(QueueUrl=address, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def wait_until_empty(self, queue: str) -> None:
        deadline = time.monotonic() + 10
        while self.waiting(queue) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self.waiting(queue) == 0

    def close(self) -> None:
        self._events.close()
        self._queues.close()


@pytest.fixture
def account() -> Iterator[Account]:
    aws = EmulatedAws()
    aws.start()
    try:
        create_resources(TEMPLATE, endpoint=aws.endpoint, region=REGION)
        account = Account(aws.endpoint)
        yield account
        account.close()
    finally:
        aws.stop()


def test_an_event_reaches_the_function_of_its_rule_and_no_other(account: Account) -> None:
    functions = Functions()
    account.put("KeyRotationRequested", owner="issuer")
    account.put("KeyPromoted", subject="issuer")
    account.put("KeyRotationRequested", source="somebody.else", owner="issuer")
    account.put("KeyReapingRequested", position="p")
    with account.deliveries(functions):
        functions.wait_for(2)
        account.wait_until_empty(ROTATE)
        account.wait_until_empty(REAP)
    seen = sorted((name, e["source"], e["detail-type"], e["detail"]) for name, e in functions.seen)
    assert seen == [
        (REAP, "signet", "KeyReapingRequested", {"position": "p"}),
        (ROTATE, "signet", "KeyRotationRequested", {"owner": "issuer"}),
    ]


def test_an_event_that_fails_is_tried_twice_more(account: Account) -> None:
    functions = Functions(fails=lambda number: number < 3)
    with account.deliveries(functions):
        account.put("KeyRefused", subject="issuer")
        functions.wait_for(3)
        account.wait_until_empty(ROTATE)
    assert len(functions.seen) == 3
    assert account.waiting(FAILED) == 0


def test_an_event_that_always_fails_is_kept_and_not_tried_for_ever(account: Account) -> None:
    functions = Functions(fails=lambda _: True)
    with account.deliveries(functions):
        account.put("KeyRefused", subject="issuer")
        functions.wait_for(3)
        account.wait_until_empty(ROTATE)
    assert len(functions.seen) == 3
    assert account.waiting(FAILED) == 1


def test_a_schedule_comes_at_each_tick_and_a_rare_one_at_every_tenth(account: Account) -> None:
    functions = Functions()
    with account.deliveries(functions, tick=0.05):
        functions.wait_for(RARE + 4)
    names = [name for name, _ in functions.seen]
    assert names.count(ROTATE) >= RARE
    assert names.count(REAP) == names.count(ROTATE) // RARE
    _, tick = functions.seen[0]
    assert (tick["source"], tick["detail-type"]) == ("aws.events", "Scheduled Event")


def test_what_no_function_finished_is_delivered_after_a_restart(tmp_path: Path) -> None:
    snapshot = tmp_path / "aws.json"
    aws = EmulatedAws(snapshot=snapshot)
    aws.start()
    create_resources(TEMPLATE, endpoint=aws.endpoint, region=REGION)
    first = Account(aws.endpoint)
    blocked = threading.Event()
    stopping = Functions(fails=lambda _: blocked.wait(5))
    with first.deliveries(stopping):
        first.put("KeyRotationRequested", owner="issuer")
        stopping.wait_for(1)
    first.close()
    aws.stop()
    blocked.set()
    again = EmulatedAws(snapshot=snapshot)
    again.start()
    try:
        create_resources(TEMPLATE, endpoint=again.endpoint, region=REGION)
        second, functions = Account(again.endpoint), Functions()
        second.put("KeyRefused", subject="issuer")  # the bus and its rules are there again
        with second.deliveries(functions):
            functions.wait_for(2)
            second.wait_until_empty(ROTATE)
        second.close()
    finally:
        again.stop()
    assert {event["detail-type"] for _, event in functions.seen} == {
        "KeyRotationRequested",
        "KeyRefused",
    }
