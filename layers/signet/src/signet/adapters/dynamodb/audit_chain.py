"""The events table, as whoever seals and reads it sees it.

`CHAIN#<seq // 1000>`, `<seq>`: a link; `HEAD`, `HEAD`: the chain's end; `CHECKPOINT`, `<seq>`: a
signed end. Links of a thousand places share a partition, so that none grows without a bound.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from signet.adapters.dynamodb.audit import SHARDS
from signet.adapters.dynamodb.client import ConditionFailed, Conflicted, DynamoDb
from signet.adapters.dynamodb.item import Item, new, number, strong_read, text
from signet.broker.audit_chain import START, Head, Link, Pending, canonical
from signet.errors import Rejected
from signet.jose import strict_json

PER_PARTITION = 1_000
_HEAD = {"pk": text("HEAD"), "sk": text("HEAD")}


class DynamoDbAuditChain:
    """The `AuditChain` port on the events table; every read is strong."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def head(self) -> Head:
        """Return the end of the chain."""
        item = strong_read(self._database, self._table, _HEAD)
        if item is None:
            return START
        return Head(seq=int(item["seq"]["N"]), hash=item["hash"]["S"], latest=item["latest"]["S"])

    def pending(self, *, limit: int) -> tuple[Pending, ...]:
        """Return events without a place, the oldest of all shards first."""
        items = [
            item
            for shard in range(SHARDS)
            for item in self._query(f"PENDING#{shard}", "", "~", limit=limit)["Items"]
        ]
        keyed = sorted(((item["sk"]["S"], item) for item in items), key=itemgetter(0))
        return tuple(_pending_of(item) for _, item in keyed[:limit])

    def append(self, links: Sequence[Link], batch: Sequence[Pending], *, after: Head) -> bool:
        """Put links, delete what waited and move the head, in one transaction."""
        puts = [new(self._table, _link_item(link), key="pk") for link in links]
        removals = [self._removal(pending) for pending in batch]
        try:
            self._database.call(
                "transact_write_items",
                TransactItems=[self._move(links[-1].head, after=after), *puts, *removals],
            )
        except (ConditionFailed, Conflicted):
            return False
        return True

    def links(self, first: int, last: int) -> tuple[Link, ...]:
        """Return the links from `first` to `last`, partition after partition."""
        found: list[Link] = []
        for partition in range(first // PER_PARTITION, last // PER_PARTITION + 1):
            start: Item = {}
            while True:
                answer = self._query(
                    _partition(partition * PER_PARTITION), _place(first), _place(last), **start
                )
                found += map(_link_of, answer["Items"])
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return tuple(found)

    def checkpoint(self) -> str | None:
        """Return the checkpoint of the highest place."""
        answer = self._query("CHECKPOINT", "", "~", limit=1, ScanIndexForward=False)
        return next((str(item["jws"]["S"]) for item in answer["Items"]), None)

    def keep_checkpoint(self, seq: int, jws: str) -> None:
        """Store a checkpoint, unless another sealer stored one of that head."""
        item = {"pk": text("CHECKPOINT"), "sk": text(_place(seq)), "jws": text(jws)}
        try:
            self._database.call("put_item", **new(self._table, item, key="pk")["Put"])
        except ConditionFailed:
            return

    def _query(
        self, partition: str, first: str, last: str, *, limit: int | None = None, **more: Any
    ) -> dict[str, Any]:
        arguments = {**more, **({"Limit": limit} if limit is not None else {})}
        return self._database.call(
            "query",
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": text(partition),
                # A key is never empty; a space sorts before every key that there is.
                ":first": text(first or " "),
                ":last": text(last),
            },
            ConsistentRead=True,
            **arguments,
        )

    def _removal(self, pending: Pending) -> dict[str, Item]:
        partition, _, place = pending.key.partition(" ")
        removal = {
            "TableName": self._table,
            "Key": {"pk": text(partition), "sk": text(place)},
            "ConditionExpression": "attribute_exists(pk)",
        }
        return {"Delete": removal}

    def _move(self, head: Head, *, after: Head) -> dict[str, Item]:
        """Move the head from where it was read: this is what keeps the chain from forking."""
        item = {
            **_HEAD,
            "seq": number(head.seq),
            "hash": text(head.hash),
            "latest": text(head.latest),
        }
        if after == START:
            return new(self._table, item, key="pk")
        put = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "seq = :seq AND #hash = :hash",
            "ExpressionAttributeNames": {"#hash": "hash"},
            "ExpressionAttributeValues": {":seq": number(after.seq), ":hash": text(after.hash)},
        }
        return {"Put": put}


def _partition(seq: int) -> str:
    return f"CHAIN#{seq // PER_PARTITION:09d}"


def _place(seq: int) -> str:
    return f"{seq:012d}"


def _link_item(link: Link) -> Item:
    return {
        "pk": text(_partition(link.seq)),
        "sk": text(_place(link.seq)),
        "id": text(link.id),
        "event": text(canonical(dict(link.event)).decode("utf-8")),
        "prev_hash": text(link.prev_hash),
        "hash": text(link.hash),
        "latest": text(link.latest),
    }


def _link_of(item: Mapping[str, Any]) -> Link:
    """Read a link; one that somebody made unreadable is a link that does not hold."""
    names = ("id", "event", "prev_hash", "hash", "latest")
    found = {name: str(item.get(name, {}).get("S", "")) for name in names}
    try:
        event = strict_json.loads_object(found["event"])
    except Rejected:
        event = {}
    return Link(
        seq=int(item["sk"]["S"]),
        id=found["id"],
        event=event,
        prev_hash=found["prev_hash"],
        hash=found["hash"],
        latest=found["latest"],
    )


def _pending_of(item: Mapping[str, Any]) -> Pending:
    """Read what waits; members that a later version records are sealed as they are."""
    place = item["sk"]["S"]
    return Pending(
        key=f"{item['pk']['S']} {place}",
        id=place.partition("#")[2],
        event=strict_json.loads_object(item["event"]["S"]),
    )
