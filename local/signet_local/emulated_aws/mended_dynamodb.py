"""What moto's DynamoDB does otherwise than DynamoDB, mended in this one place.

Moto copies a whole table before each transaction, to have it back if one of the items is refused.
The audit records every signature in a transaction: with each event that is there already, a login
would become slower. Here only the items of the transaction are remembered.

Moto goes through a whole table for each query, too; here through the items of the one partition.
"""

import copy
import inspect
from collections.abc import Iterator
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

_MOTO_TRANSACT = DynamoDBBackend.transact_write_items
_MOTO_QUERY = Table.query
_PARAMETERS = inspect.signature(_MOTO_QUERY)


class _Copies:
    """Stands in the place of `copy`, and copies no table."""

    @staticmethod
    def deepcopy(value: Any) -> Any:
        return value if isinstance(value, Table) else copy.deepcopy(value)


def mend() -> None:
    """Mend moto in this process; doing it twice changes nothing."""
    models.copy = _Copies  # type: ignore[assignment, attr-defined]
    DynamoDBBackend.transact_write_items = _transact  # type: ignore[method-assign, assignment]
    Table.query = _query  # type: ignore[method-assign, assignment]


def _query(table: Table, hash_key: DynamoType | None, *arguments: Any, **named: Any) -> Any:
    """Query one partition; an index has none here, and is looked for in the whole table."""
    given = _PARAMETERS.bind(table, hash_key, *arguments, **named).arguments
    if hash_key is None or given.get("index_name") or table.range_key_attr is None:
        return _MOTO_QUERY(table, hash_key, *arguments, **named)
    partition: Any = table.items.get(hash_key, {})
    table.all_items = lambda: iter(partition.values())  # type: ignore[method-assign]
    try:
        return _MOTO_QUERY(table, hash_key, *arguments, **named)
    finally:
        # One request at a time is let in: nobody else looked at the table meanwhile.
        del table.all_items


def _transact(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Write all of the items or none."""
    before = list(_touched(backend, transact_items))
    try:
        _MOTO_TRANSACT(backend, transact_items)
    except Exception:
        for table, key, item in before:
            _restore(table, key, item)
        raise


def _touched(
    backend: DynamoDBBackend, transact_items: list[dict[str, Any]]
) -> Iterator[tuple[Table, dict[str, Any], Item | None]]:
    """Remember each item as it is before the transaction."""
    for item in transact_items:
        for operation in item.values():
            table = backend.tables.get(operation.get("TableName"))
            if table is not None:
                written = operation.get("Key") or operation.get("Item") or {}
                key = {name: written[name] for name in _names(table) if name in written}
                yield table, key, _read(table, key)


def _names(table: Table) -> list[str]:
    return [name for name in (table.hash_key_attr, table.range_key_attr) if name]


def _read(table: Table, key: dict[str, Any]) -> Item | None:
    places = _place(table, key)
    found: Any = table.items
    for place in places:
        if place not in found:
            return None
        found = found[place]
    remembered: Item = copy.deepcopy(found)
    return remembered


def _restore(table: Table, key: dict[str, Any], item: Item | None) -> None:
    *above, last = _place(table, key)
    found: Any = table.items
    for place in above:
        found = found[place]
    if item is None:
        found.pop(last, None)
    else:
        found[last] = item


def _place(table: Table, key: dict[str, Any]) -> list[Any]:
    """Name an item as moto's tables do: by hash key, then by range key."""
    return [DynamoType(key[name]) for name in _names(table) if name in key]
