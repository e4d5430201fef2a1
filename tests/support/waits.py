"""Waits for the network, as they follow each other: a trace instead of a clock.

Two calls of one `Together` stand beside each other, whatever a scheduler makes of them; all else
stands in a row. The longest row is what a user waits for.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from signet.broker.ports import Fetcher
from signet.oauth.http_message import HttpAnswer, HttpRequest

A = TypeVar("A")
B = TypeVar("B")


@dataclass
class Row:
    """Steps one after the other; a step is one wait, or rows beside each other."""

    steps: list["str | tuple[Row, Row]"] = field(default_factory=list)

    def depth(self) -> int:
        """Count the waits of the longest way through."""
        return sum(
            1 if isinstance(step, str) else max(step[0].depth(), step[1].depth())
            for step in self.steps
        )

    def __str__(self) -> str:
        return " → ".join(filter(None, map(_shown, self.steps)))


class Waits:
    """Collects the waits of one use case; it is a `Together` too, without threads."""

    def __init__(self) -> None:
        self._row = Row()

    def add(self, wait: str) -> None:
        self._row.steps.append(wait)

    def together(self, first: Callable[[], A], second: Callable[[], B], /) -> tuple[A, B]:
        """Run both, each on a row of its own."""
        rows = Row(), Row()
        self._row.steps.append(rows)
        with self._on(rows[0]):
            first_result = first()
        with self._on(rows[1]):
            second_result = second()
        return first_result, second_result

    @contextmanager
    def trace(self) -> Iterator[Row]:
        """Collect what is waited for inside the block."""
        row = Row()
        with self._on(row):
            yield row

    @contextmanager
    def _on(self, row: Row) -> Iterator[None]:
        outer, self._row = self._row, row
        try:
            yield
        finally:
            self._row = outer

    def watch_aws(self, client: Any) -> None:
        """Add every request that a client of AWS sends, each attempt of it."""
        client.meta.events.register("before-send", self._add_aws)

    def _add_aws(self, event_name: str, request: Any, **_: object) -> None:
        body = json.loads(request.body)
        table = body.get("TableName") or "+".join(_tables(body.get("TransactItems", ())))
        self.add(" ".join(filter(None, (event_name.rpartition(".")[2], table))))


class WatchedFetcher:
    """A `Fetcher` whose attempts are added to the waits."""

    def __init__(self, inner: Fetcher, waits: Waits) -> None:
        self._inner = inner
        self._waits = waits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        self._waits.add(f"{request.method} {urlsplit(request.url).path}")
        return self._inner.fetch(request, bulkhead=bulkhead)


def _tables(items: Iterable[dict[str, Any]]) -> list[str]:
    """Name the tables of a transaction."""
    return sorted({part["TableName"] for item in items for part in item.values()})


def _shown(step: str | tuple[Row, Row]) -> str:
    if isinstance(step, str):
        return step
    sides = [str(row) for row in step if str(row)]
    return sides[0] if len(sides) == 1 else f"({' ∥ '.join(sides)})" if sides else ""
