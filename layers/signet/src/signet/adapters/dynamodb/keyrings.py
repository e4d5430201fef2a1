"""The keyrings table, apart from the other stores: publishing keys needs no JWT library."""

from collections.abc import Mapping
from typing import Any

from signet.adapters.dynamodb.client import ConditionFailed, DynamoDb
from signet.adapters.dynamodb.item import (
    Item,
    document,
    new,
    number,
    read_document,
    strong_read,
    text,
)
from signet.broker.keyring import Keyring, PublishedKey


class DynamoDbKeyrings:
    """The keyrings table, by `owner`; reads are strong, because the signer acts on them."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def get(self, owner: str) -> Keyring | None:
        """Return the keyring of that owner."""
        item = strong_read(self._database, self._table, {"owner": text(owner)})
        return keyring_of(item) if item is not None else None

    def add(self, keyring: Keyring) -> bool:
        """Store a keyring unless its owner has one; at most one caller gets True."""
        try:
            self._database.call(
                "put_item", **new(self._table, keyring_item(keyring), key="owner")["Put"]
            )
        except ConditionFailed:
            return False
        return True


def keyring_of(item: Mapping[str, Any]) -> Keyring:
    """Read a keyring."""
    members = read_document(item)
    keys = {
        name: PublishedKey(**members[name]) if members[name] is not None else None
        for name in ("current", "next", "previous")
    }
    return Keyring(**{**members, **keys})


def keyring_item(keyring: Keyring) -> Item:
    """Write a keyring."""
    return {
        "owner": text(keyring.owner),
        "version": number(keyring.version),
        "document": document(keyring),
    }
