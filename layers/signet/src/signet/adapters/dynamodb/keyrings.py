"""The keyrings table, apart from the other stores: publishing keys needs no JWT library."""

from collections.abc import Callable, Mapping
from dataclasses import fields
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
from signet.broker.event import Event
from signet.broker.keyring import FormerKey, Keyring, Probe, PublishedKey
from signet.broker.page import Page

Recording = Callable[..., list[Item]]
"""Returns what a transaction writes for events, so that no change of keys goes unrecorded."""


class DynamoDbKeyrings:
    """The keyrings table, by `owner`; reads are strong, because the signer acts on them.

    Without `recording` events are not stored: that is for whoever only reads, or adds.
    """

    def __init__(
        self, database: DynamoDb, *, table: str, recording: Recording | None = None
    ) -> None:
        self._database = database
        self._table = table
        self._recording = recording

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

    def replace(self, keyring: Keyring, *events: Event) -> bool:
        """Store the version after the stored one, with its events; at most one caller gets True."""
        put = {
            "TableName": self._table,
            "Item": keyring_item(keyring),
            "ConditionExpression": "version = :version AND attribute_not_exists(deleted_at)",
            "ExpressionAttributeValues": {":version": number(keyring.version - 1)},
        }
        recorded = self._recording(*events) if self._recording is not None else []
        try:
            self._database.call("transact_write_items", TransactItems=[{"Put": put}, *recorded])
        except ConditionFailed:
            return False
        return True

    def since(self, phase: str, *, until: int, position: str | None, limit: int) -> Page[str]:
        """Return owners whose keyrings are in a phase since `until` or longer, longest first."""
        start: Item = {}
        if position is not None:
            since, _, owner = position.partition(" ")
            key = {"phase": text(phase), "since": number(int(since)), "owner": text(owner)}
            start = {"ExclusiveStartKey": key}
        answer = self._database.call(
            "query",
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="phase = :phase AND since <= :until",
            ExpressionAttributeValues={":phase": text(phase), ":until": number(until)},
            Limit=limit,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        following = f"{last['since']['N']} {last['owner']['S']}" if last else None
        owners = tuple(item["owner"]["S"] for item in answer["Items"])
        return Page(items=owners, position=following)


def keyring_of(item: Mapping[str, Any]) -> Keyring:
    """Read a keyring; members that a later version added are left out, ones it lacks are empty."""
    members = _known(Keyring, read_document(item))
    for name in ("current", "next", "previous"):
        members[name] = _key_of(members[name]) if members.get(name) is not None else None
    for name in ("retired", "revoked"):
        members[name] = tuple(FormerKey(**_known(FormerKey, key)) for key in members.get(name, ()))
    deleted_at = item.get("deleted_at", {}).get("N")
    deleted = {"deleted_at": int(deleted_at)} if deleted_at is not None else {}
    return Keyring(**{**members, **deleted})


def _key_of(members: Mapping[str, Any]) -> PublishedKey:
    probe = members.get("probe")
    known = _known(PublishedKey, members)
    return PublishedKey(**{**known, "probe": Probe(**probe) if probe is not None else None})


def _known(record: type[Any], members: Mapping[str, Any]) -> dict[str, Any]:
    names = {member.name for member in fields(record)}
    return {name: value for name, value in members.items() if name in names}


def keyring_item(keyring: Keyring) -> Item:
    """Write a keyring; `phase` and `since` are what the index of due steps is made of."""
    phase, since = keyring.phase()
    return {
        "owner": text(keyring.owner),
        "version": number(keyring.version),
        "phase": text(phase),
        "since": number(since),
        "document": document(keyring),
    }
