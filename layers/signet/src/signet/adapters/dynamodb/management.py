"""The management table: claims on Idempotency-Keys, positions behind cursors, and turns.

All keys are hashes of what a caller sends. `expires_at` is DynamoDB's TTL too, which deletes days
late: the conditions here and the broker judge expiry by value.
"""

import json
from dataclasses import asdict

from signet.adapters.dynamodb.client import ConditionFailed, DynamoDb
from signet.adapters.dynamodb.item import Item, number, strong_read, text
from signet.broker.claim import Answer, Claim
from signet.broker.ports import KeptPosition
from signet.errors import Unavailable

_ATTEMPTS = 3


class DynamoDbClaims:
    """`IDEMPOTENCY#<hash>`: who runs the request of a key, and its answer."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def claim(self, claim: Claim, *, now: int) -> Claim | None:
        """Store a claim and return None, or return the standing one; one write decides."""
        for _ in range(_ATTEMPTS):
            if self._put(claim, now=now):
                return None
            standing = self._read(claim.key)
            if standing is not None:
                return standing
            # It was released between the two: nobody stands in the way any more.
        raise Unavailable("busy", "It is asked for by many at once. Please try again.")

    def complete(self, claim: Claim, answer: Answer) -> None:
        """Store the answer, unless somebody else holds the claim now."""
        members = {**asdict(answer), "headers": dict(answer.headers)}
        self._of_holder(
            claim,
            "update_item",
            UpdateExpression="SET answer = :answer",
            values={":answer": text(json.dumps(members, separators=(",", ":")))},
        )

    def release(self, claim: Claim) -> None:
        """Remove the claim, unless somebody else holds it now."""
        self._of_holder(claim, "delete_item", values={})

    def _put(self, claim: Claim, *, now: int) -> bool:
        item = {
            "pk": text(claim.key),
            "fingerprint": text(claim.fingerprint),
            "holder": text(claim.holder),
            "claimed_until": number(claim.claimed_until),
            "expires_at": number(claim.expires_at),
        }
        try:
            self._database.call(
                "put_item",
                TableName=self._table,
                Item=item,
                ConditionExpression=(
                    "attribute_not_exists(pk) OR expires_at <= :now OR (claimed_until <= :now"
                    " AND attribute_not_exists(answer) AND fingerprint = :fingerprint)"
                ),
                ExpressionAttributeValues={
                    ":now": number(now),
                    ":fingerprint": text(claim.fingerprint),
                },
            )
        except ConditionFailed:
            return False
        return True

    def _read(self, key: str) -> Claim | None:
        item = strong_read(self._database, self._table, {"pk": text(key)})
        return _claim_of(item) if item is not None else None

    def _of_holder(
        self, claim: Claim, operation: str, *, values: Item, **arguments: object
    ) -> None:
        try:
            self._database.call(
                operation,
                TableName=self._table,
                Key={"pk": text(claim.key)},
                ConditionExpression="holder = :me",
                ExpressionAttributeValues={":me": text(claim.holder), **values},
                **arguments,
            )
        except ConditionFailed:
            return


class DynamoDbRateLimits:
    """`TEST#<hash>` and others: whose turn it is, and until when; or how many turns are taken."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def take(self, key: str, *, now: int, until: int) -> bool:
        """Take a turn, by one conditional write."""
        try:
            self._database.call(
                "put_item",
                TableName=self._table,
                Item={"pk": text(key), "expires_at": number(until)},
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues={":now": number(now)},
            )
        except ConditionFailed:
            return False
        return True

    def take_one_of(self, key: str, *, limit: int, until: int) -> bool:
        """Take one of so many turns, by one conditional write."""
        try:
            self._database.call(
                "update_item",
                TableName=self._table,
                Key={"pk": text(key)},
                UpdateExpression="SET expires_at = :until ADD taken :one",
                ConditionExpression="attribute_not_exists(taken) OR taken < :limit",
                ExpressionAttributeValues={
                    ":one": number(1),
                    ":limit": number(limit),
                    ":until": number(until),
                },
            )
        except ConditionFailed:
            return False
        return True

    def give_back(self, key: str) -> None:
        """Give one turn back; an item whose time is over stays as it is, or gone."""
        try:
            self._database.call(
                "update_item",
                TableName=self._table,
                Key={"pk": text(key)},
                UpdateExpression="ADD taken :back",
                ConditionExpression="taken > :none",
                ExpressionAttributeValues={":back": number(-1), ":none": number(0)},
            )
        except ConditionFailed:
            return


class DynamoDbPositions:
    """`CURSOR#<hash>`: where in which list the next part begins."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def keep(self, key: str, position: str, *, expires_at: int) -> None:
        """Store a position until its TTL; its key is the hash of a fresh random cursor."""
        item = {
            "pk": text(key),
            "position": text(position),
            "expires_at": number(expires_at),
        }
        self._database.call("put_item", TableName=self._table, Item=item)

    def find(self, key: str) -> KeptPosition | None:
        """Return a position."""
        item = strong_read(self._database, self._table, {"pk": text(key)})
        if item is None:
            return None
        return KeptPosition(position=item["position"]["S"], expires_at=int(item["expires_at"]["N"]))


def _claim_of(item: Item) -> Claim:
    answer = item.get("answer")
    return Claim(
        key=item["pk"]["S"],
        fingerprint=item["fingerprint"]["S"],
        holder=item["holder"]["S"],
        claimed_until=int(item["claimed_until"]["N"]),
        expires_at=int(item["expires_at"]["N"]),
        answer=Answer(**json.loads(answer["S"])) if answer is not None else None,
    )
