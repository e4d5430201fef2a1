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
from typing import Any, Protocol

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectionClosedError

from signet_local.gateway.functions import Functions

SETTING = "SOAK_FAULTS"
FUNCTIONS = ("RotateKeysFunction", "ReapKeysFunction")
DIES_BEFORE, DIES_AFTER, LOST, THROTTLED = "dies before", "dies after", "answer lost", "throttled"
TWICE = "delivered twice"
"""The same event is delivered again and dealt with, before this request is sent."""
KINDS = (DIES_BEFORE, DIES_AFTER, LOST, THROTTLED, TWICE)


class Died(BaseException):
    """The sandbox is gone: no `except Exception` sees it, and the event is delivered again."""


class Choice(Protocol):
    """Says what happens to a request: one of KINDS, or None."""

    def kind(self, owner: str, operation: str, occurrence: int) -> str | None:
        """Choose for the nth request of an operation, counted over an owner's events."""


@dataclass(frozen=True, slots=True)
class ByChance:
    """Any of the kinds, with a chance of `rate` at each request."""

    rate: float
    chance: random.Random = field(default_factory=lambda: random.Random(4))  # noqa: S311  (no secret)

    def kind(self, owner: str, operation: str, occurrence: int) -> str | None:
        """Throw the dice."""
        del owner, operation, occurrence
        return self.chance.choice(KINDS) if self.chance.random() < self.rate else None


@dataclass(frozen=True, slots=True)
class ByPlan:
    """What a file says by owners: `{owner: [operation, occurrence, kind]}`; it may grow."""

    file: Path

    def kind(self, owner: str, operation: str, occurrence: int) -> str | None:
        """Look it up."""
        if not self.file.exists():
            return None
        planned = json.loads(self.file.read_text(encoding="utf-8")).get(owner)
        return planned[2] if planned and planned[:2] == [operation, occurrence] else None


@dataclass(slots=True)
class _Invocation:
    """What is being invoked in a thread: an event of an owner's, or of nobody's."""

    again: Callable[[], object]
    owner: str


@dataclass(slots=True)
class Faults:
    """Makes faults as chosen; the file at `report` counts them, and every request by its owner."""

    choice: Choice
    report: Path
    made: Counter[str] = field(default_factory=Counter)
    requests: dict[str, Counter[str]] = field(default_factory=dict)
    _thread: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def install(self) -> None:
        """Come between this process's functions and AWS."""
        invoke, send = Functions.invoke, BaseClient._make_api_call  # type: ignore[attr-defined]
        faults = self

        def invoked(
            functions: Functions, name: str, event: dict[str, Any]
        ) -> dict[str, Any] | None:
            return faults.invoke(lambda: invoke(functions, name, event), name, event)

        def sent(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            return faults.send(lambda: send(client, operation, parameters), operation)

        Functions.invoke = invoked  # type: ignore[method-assign]
        BaseClient._make_api_call = sent  # type: ignore[attr-defined]

    def invoke(
        self, invoke: Callable[[], dict[str, Any] | None], name: str, event: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Invoke a function; one that dies is an error to whoever delivers its event."""
        if name not in FUNCTIONS:
            return invoke()
        owner = str(event.get("detail", {}).get("owner", ""))
        self._thread.invocation = _Invocation(again=invoke, owner=owner)
        try:
            return invoke()
        except Died as death:
            raise RuntimeError(f"the sandbox died: {death}") from None
        finally:
            self._thread.invocation = None

    def send(self, send: Callable[[], Any], operation: str) -> Any:
        """Send a request to AWS, or do what else may happen to it."""
        invocation: _Invocation | None = getattr(self._thread, "invocation", None)
        if invocation is None:
            return send()
        kind = self._choose(invocation.owner, operation)
        if kind == DIES_BEFORE:
            raise Died(operation)
        if kind == THROTTLED:
            error = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
            raise ClientError({"Error": error}, operation)
        if kind == TWICE:
            self._deliver_again(invocation)
        answer = send()
        if kind == DIES_AFTER:
            raise Died(operation)
        if kind == LOST:
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1")
        return answer

    def _deliver_again(self, invocation: _Invocation) -> None:
        """Have the same event dealt with to its end, without further faults."""
        self._thread.invocation = None
        try:
            invocation.again()
        finally:
            self._thread.invocation = invocation

    def _choose(self, owner: str, operation: str) -> str | None:
        with self._lock:
            counted = self.requests.setdefault(owner, Counter())
            counted[operation] += 1
            kind = self.choice.kind(owner, operation, counted[operation])
            if kind is not None:
                self.made[f"{operation} {kind}"] += 1
            document = {"made": self.made, "requests": self.requests}
            if kind is not None or owner:
                written = self.report.with_suffix(".new")
                written.write_text(json.dumps(document), encoding="utf-8")
                written.replace(self.report)
            return kind


def install_as_told() -> None:
    """Make faults if SOAK_FAULTS says so: {"report": FILE} with "rate" or "plan"."""
    if text := os.environ.get(SETTING):
        told = json.loads(text)
        choice = ByChance(told["rate"]) if "rate" in told else ByPlan(Path(told["plan"]))
        Faults(choice=choice, report=Path(told["report"])).install()
