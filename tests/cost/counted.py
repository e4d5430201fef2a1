"""Count the calls that functions make to AWS, in the units that AWS bills."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from signet.adapters import aws

READ, WRITE = "DynamoDB read unit", "DynamoDB write unit"
RSA, ECC, KMS = "KMS signature, RSA", "KMS signature, ECC", "KMS request"
EVENT = "EventBridge event"
_READ_BYTES, _WRITE_BYTES = 4_096, 1_024
_ASKED = "signet_asked"

Item = Mapping[str, Any]


@dataclass(slots=True)
class Count:
    """Calls by (function, operation), and what they are billed as by (function, unit)."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    units: Counter[tuple[str, str]] = field(default_factory=Counter)

    def of(self, unit: str) -> int:
        """Return how many of a unit all functions used."""
        return sum(number for (_, name), number in self.units.items() if name == unit)

    def of_function(self, function: str) -> "Count":
        """Return one function's share."""
        return Count(
            calls=Counter({k: n for k, n in self.calls.items() if k[0] == function}),
            units=Counter({k: n for k, n in self.units.items() if k[0] == function}),
        )

    def without(self, other: "Count") -> "Count":
        """Return what is here beyond another count."""
        return Count(calls=self.calls - other.calls, units=self.units - other.units)


class Meter:
    """Listens to every client that is made from now on; `stored` reads an item, uncounted."""

    def __init__(self, stored: Any) -> None:
        self._stored = stored
        self._count = Count()
        self._function = ""
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()
        session: Any = aws._session()[0]
        session.register("before-parameter-build", self._remember)
        session.register("after-call", self._add)

    def take(self) -> Count:
        """Return what was counted since the last time."""
        taken, self._count = self._count, Count()
        return taken

    @contextmanager
    def function(self, name: str) -> Iterator[None]:
        """Count what is called in the block as a function's."""
        self._function = name
        yield
        self._function = ""

    def _remember(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context[_ASKED] = params

    def _add(
        self, model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: object
    ) -> None:
        service = model.service_model.service_name
        with self._lock:
            self._count.calls[self._function, f"{service}:{model.name}"] += 1
            billed = getattr(self, f"_{service}")(model.name, context[_ASKED], parsed)
            for unit, number in billed.items():
                self._count.units[self._function, unit] += number

    def _kms(self, operation: str, asked: dict[str, Any], parsed: Item) -> dict[str, int]:
        if operation != "Sign":
            return {KMS: 1}
        return {RSA if asked["SigningAlgorithm"].startswith("RSA") else ECC: 1}

    def _events(self, operation: str, asked: dict[str, Any], parsed: Item) -> dict[str, int]:
        return {EVENT: len(asked["Entries"])}

    def _dynamodb(self, operation: str, asked: dict[str, Any], parsed: Item) -> dict[str, int]:
        match operation:
            case "GetItem":
                return {READ: self._read([parsed.get("Item", {})], asked)}
            case "Query":
                return {READ: self._read(parsed["Items"], asked)}
            case "TransactWriteItems":
                # A transaction prepares and commits: each item counts twice.
                parts = [part.popitem() for part in map(dict, asked["TransactItems"])]
                return {WRITE: 2 * sum(self._written(kind, part, {}) for kind, part in parts)}
        return {WRITE: self._written(operation.removesuffix("Item"), asked, parsed)}

    def _read(self, items: list[Item], asked: Item) -> int:
        units = max(1, ceil(sum(map(size_of, items)) / _READ_BYTES))
        # Every eventual read is half a unit; none is made, and one would be counted too dear.
        return units if asked.get("ConsistentRead") else max(1, ceil(units / 2))

    def _written(self, kind: str, asked: dict[str, Any], parsed: Item) -> int:
        if kind == "Put":
            size = size_of(asked["Item"])
            self._sizes[self._name(asked["TableName"], asked["Item"])] = size
        elif kind == "Delete":
            name = self._name(asked["TableName"], asked["Key"])
            size = size_of(parsed.get("Attributes", {})) or self._sizes.get(name, 0)
        else:
            answer = self._stored.get_item(
                TableName=asked["TableName"], Key=asked["Key"], ConsistentRead=True
            )
            size = size_of(answer.get("Item", {}))
        return max(1, ceil(size / _WRITE_BYTES))

    def _name(self, table: str, item: Item) -> str:
        keys = {name: item[name] for name in ("pk", "sk", "owner", "client_id") if name in item}
        return json.dumps([table, keys], sort_keys=True)


def size_of(item: Item) -> int:
    """Return an item's bytes as DynamoDB bills them."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: Item) -> int:
    ((kind, inner),) = value.items()
    match kind:
        case "S":
            return len(inner.encode())
        case "N":
            return len(inner) // 2 + 2
        case "M":
            return 3 + size_of(inner) + len(inner)
        case "L":
            return 3 + sum(1 + _value(part) for part in inner)
        case "SS":
            return sum(len(part.encode()) for part in inner)
    return 1
