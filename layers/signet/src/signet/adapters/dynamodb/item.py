"""DynamoDB items: a record is a JSON document in one attribute, beside what conditions need."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from signet.adapters.dynamodb.client import DynamoDb

Item = dict[str, Any]


def text(value: str) -> dict[str, str]:
    """Return a DynamoDB string."""
    return {"S": value}


def number(value: int) -> dict[str, str]:
    """Return a DynamoDB number."""
    return {"N": str(value)}


def document(record: Any) -> dict[str, str]:
    """Return a record as a JSON text attribute."""
    return text(json.dumps(asdict(record), separators=(",", ":")))


def read_document(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of an item's document."""
    members: dict[str, Any] = json.loads(item["document"]["S"])
    return members


def strong_read(database: DynamoDb, table: str, key: Item) -> Item | None:
    """Read an item as it is now."""
    answer = database.call("get_item", TableName=table, Key=key, ConsistentRead=True)
    item: Item | None = answer.get("Item")
    return item


def new(table: str, item: Item, *, key: str) -> dict[str, Item]:
    """Write the part of a transaction that stores an item if there is none of its key."""
    put = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": key},
    }
    return {"Put": put}
