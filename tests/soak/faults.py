"""Faults at the AWS calls of the functions that events run: deaths, lost answers, throttling.

They are made where the AWS SDK sends a request, in the stack's own process, and only within an
invocation of a function that rotates or reaps: the functions that answer people are left alone.
"""

# ruff: noqa: TID251  (faults are made between Signet and AWS, and by chance)

import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectionClosedError

from signet_local.gateway.functions import Functions

SETTING = "SOAK_FAULTS"
FUNCTIONS = ("RotateKeysFunction", "ReapKeysFunction")
DIES_BEFORE, DIES_AFTER, LOST, THROTTLED = "dies before", "dies after", "answer lost", "throttled"
TWICE = "delivered twice"
KINDS = (DIES_BEFORE, DIES_AFTER, LOST, THROTTLED)

Invoke = Callable[[Functions, str, dict[str, Any]], dict[str, Any] | None]
Send = Callable[[BaseClient, str, dict[str, Any]], Any]


class Died(BaseException):
    """The sandbox is gone: no `except Exception` sees it, and the event is delivered again."""


@dataclass(slots=True)
class Faults:
    """Makes faults with a chance of `rate` at each call, and counts them in a file at `report`."""

    rate: float
    report: Path
    chance: random.Random = field(default_factory=lambda: random.Random(4))  # noqa: S311  (no secret)
    made: Counter[str] = field(default_factory=Counter)
    _inside: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def install(self) -> None:
        """Come between this process's functions and AWS."""
        invoke, send = Functions.invoke, BaseClient._make_api_call  # type: ignore[attr-defined]
        faults = self

        def invoked(
            functions: Functions, name: str, event: dict[str, Any]
        ) -> dict[str, Any] | None:
            return faults.invoke(invoke, functions, name, event)

        def sent(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            return faults.send(send, client, operation, parameters)

        Functions.invoke = invoked  # type: ignore[method-assign]
        BaseClient._make_api_call = sent  # type: ignore[attr-defined]

    def invoke(
        self, invoke: Invoke, functions: Functions, name: str, event: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Invoke a function; one that dies is an error to whoever delivers its event."""
        if name not in FUNCTIONS:
            return invoke(functions, name, event)
        self._inside.on = True
        try:
            if self._falls():
                self._count(TWICE)
                invoke(functions, name, event)
            return invoke(functions, name, event)
        except Died as death:
            raise RuntimeError(f"the sandbox died: {death}") from None
        finally:
            self._inside.on = False

    def send(
        self, send: Send, client: BaseClient, operation: str, parameters: dict[str, Any]
    ) -> Any:
        """Send a request to AWS, or do what else may happen to it."""
        if not getattr(self._inside, "on", False) or not self._falls():
            return send(client, operation, parameters)
        kind = self.chance.choice(KINDS)
        self._count(f"{operation} {kind}")
        if kind == DIES_BEFORE:
            raise Died(operation)
        if kind == THROTTLED:
            raise ClientError(
                {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation
            )
        send(client, operation, parameters)
        if kind == DIES_AFTER:
            raise Died(operation)
        raise ConnectionClosedError(endpoint_url=client.meta.endpoint_url)

    def _falls(self) -> bool:
        return self.chance.random() < self.rate

    def _count(self, what: str) -> None:
        with self._lock:
            self.made[what] += 1
            self.report.write_text(json.dumps(self.made), encoding="utf-8")


def install_as_told() -> None:
    """Make faults if SOAK_FAULTS says so: a rate, and the file of the report."""
    if told := os.environ.get(SETTING):
        rate, report = told.split(" ", 1)
        Faults(rate=float(rate), report=Path(report)).install()
