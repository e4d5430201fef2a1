"""What EventBridge's schedules and Lambda's asynchronous invocations do, on this machine.

Each event waits in its function's queue until the function has taken it: an event is delivered at
least once, also when this process ended meanwhile and the state is kept.
"""

import functools
import json
import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
)

from signet_local.emulated_aws.events import FAILED
from signet_local.template import Rule, Template

RETRIES = 2
"""How often Lambda tries an event again that failed."""
RETRY_SECONDS = 1
"""Lambda waits for a minute, then for two; nobody who tries something out would."""
RARE = 10
"""A schedule that is rarer than each minute comes at every so many ticks."""
_POLL_SECONDS = 0.2
_AT_ONCE = 4

Invoke = Callable[[str, dict[str, Any]], object]
"""Calls a function by its logical id."""


class Deliveries:
    """Delivers a template's events from `start` to `stop`, in threads of its own.

    Args:
        template: whose rules and functions they are.
        queues: a client of SQS.
        invoke: calls a function; what it raises has the event tried again.
        tick: seconds between two events of a schedule.
    """

    def __init__(self, template: Template, *, queues: Any, invoke: Invoke, tick: float) -> None:
        self._rules = template.rules()
        self._queues = queues
        self._invoke = invoke
        self._tick = tick
        self._addresses: dict[str, str] = {}
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="event")
        functions = sorted({rule.function for rule in self._rules})
        self._threads = [
            threading.Thread(target=self._take, args=(name,), daemon=True) for name in functions
        ]
        self._threads.append(threading.Thread(target=self._send_ticks, daemon=True))

    def start(self) -> None:
        """Begin; the first tick comes after its time."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take nothing more; what a function has not finished is delivered again."""
        self._over.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=_POLL_SECONDS)

    def _send_ticks(self) -> None:
        count = 0
        while not self._over.wait(self._tick):
            count += 1
            self._unless_over(functools.partial(self._send_due, count))

    def _send_due(self, count: int) -> bool:
        for rule in self._rules:
            if rule.is_due(count, rare=RARE):
                self._send(rule.function, _scheduled(rule))
        return True

    def _take(self, function: str) -> None:
        while not self._over.is_set():
            if not self._unless_over(lambda: self._take_some(function)):
                self._over.wait(_POLL_SECONDS)

    def _take_some(self, function: str) -> bool:
        """Deliver what waits for a function, a few at once; False when nothing did."""
        messages = self._queues.receive_message(
            QueueUrl=self._address(function),
            MaxNumberOfMessages=_AT_ONCE,
            AttributeNames=["ApproximateReceiveCount"],
        ).get("Messages", [])
        list(self._pool.map(lambda message: self._deliver(function, message), messages))
        return bool(messages)

    def _deliver(self, function: str, message: dict[str, Any]) -> None:
        try:
            self._invoke(function, json.loads(message["Body"]))
        except Exception:  # noqa: BLE001  (Lambda tries again whatever its function raised)
            if self._over.is_set():
                return
            traceback.print_exc(file=sys.stderr)
            if int(message["Attributes"]["ApproximateReceiveCount"]) <= RETRIES:
                self._try_again(function, message)
                return
            self._send(FAILED, json.loads(message["Body"]))
        self._queues.delete_message(
            QueueUrl=self._address(function), ReceiptHandle=message["ReceiptHandle"]
        )

    def _try_again(self, function: str, message: dict[str, Any]) -> None:
        self._queues.change_message_visibility(
            QueueUrl=self._address(function),
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=RETRY_SECONDS,
        )

    def _send(self, queue: str, event: dict[str, Any]) -> None:
        self._queues.send_message(QueueUrl=self._address(queue), MessageBody=json.dumps(event))

    def _address(self, queue: str) -> str:
        if queue not in self._addresses:
            address = self._queues.get_queue_url(QueueName=queue)["QueueUrl"]
            self._addresses[queue] = str(address)
        return self._addresses[queue]

    def _unless_over(self, work: Callable[[], bool]) -> bool:
        """Do some work; the emulated AWS may be gone, and then so are we, soon."""
        try:
            return work()
        except (EndpointConnectionError, HTTPClientError):
            # It does not answer: whoever started it watches over it, and says so in one line.
            return False
        except (BotoCoreError, CancelledError, ClientError, RuntimeError):
            if not self._over.is_set():
                traceback.print_exc(file=sys.stderr)
            return False


def _scheduled(rule: Rule) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [f"arn:aws:events:us-east-1:123456789012:rule/{rule.logical_id}"],
        "detail": {},
    }
