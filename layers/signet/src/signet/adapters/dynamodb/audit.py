"""The events table, as whoever records sees it: one write, and nobody in its way.

Apart from the chain, so that a login loads no more than this.
"""

import zlib

from signet.adapters.dynamodb.client import DynamoDb
from signet.adapters.dynamodb.item import Item, text
from signet.broker.audit_chain import canonical
from signet.broker.event import Event, event_document
from signet.broker.ports import Entropy

SHARDS = 8
"""Partitions that recording is spread over: one takes 1,000 units a second, of any table."""


class DynamoDbAudit:
    """Records events: `PENDING#<shard>`, `<time>#<id>`."""

    def __init__(self, database: DynamoDb, *, table: str, entropy: Entropy) -> None:
        self._database = database
        self._table = table
        self._entropy = entropy

    def record(self, *events: Event) -> None:
        """Store events in one transaction, even a single one.

        A transaction carries a token, so that an attempt that arrives late is nothing. A plain put
        would come back after its event was sealed, and stand in the chain twice.
        """
        self._database.call("transact_write_items", TransactItems=self.puts(*events))

    def puts(self, *events: Event) -> list[Item]:
        """Return what a transaction has to write, so that events are stored with what they tell."""
        return [{"Put": {"TableName": self._table, "Item": self._item(event)}} for event in events]

    def _item(self, event: Event) -> Item:
        identifier = f"evt_{self._entropy.identifier()}"
        shard = zlib.crc32(identifier.encode("ascii")) % SHARDS
        return {
            "pk": text(f"PENDING#{shard}"),
            "sk": text(f"{event.time:012d}#{identifier}"),
            "event": text(canonical(event_document(event)).decode("utf-8")),
        }
