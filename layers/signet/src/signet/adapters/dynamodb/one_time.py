"""Login records, pushed requests, grants and used values: each used up by one conditional write.

Never read, then write: between the two another request does the same. `expires_at` is DynamoDB's
TTL, which deletes days late, so no rule depends on it.
"""

from signet.adapters.dynamodb import codec
from signet.adapters.dynamodb.client import ConditionFailed, DynamoDb
from signet.adapters.dynamodb.item import Item, document, number, strong_read, text
from signet.adapters.random import SystemEntropy
from signet.broker.grant import Grant, RefreshFamily
from signet.broker.login_record import LoginRecord, hashed
from signet.broker.pushed_request import PushedRequest

_KEEP_EXPIRED = 3_600
_LONGEST_LOGIN = 3_600  # the bound of SIGNET_LOGIN_TTL_SECONDS


class DynamoDbLogins:
    """The logins table: `LOGIN#<hash of the state>`."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def add(self, record: LoginRecord) -> None:
        """Store a record until its TTL."""
        item = {
            "pk": text(f"LOGIN#{record.state_hash}"),
            "document": document(record),
            "expires_at": number(record.expires_at + _KEEP_EXPIRED),
        }
        self._database.call("put_item", TableName=self._table, Item=item)

    def take(self, state: str) -> LoginRecord | None:
        """Delete the record and return what was deleted: one caller gets it, ever."""
        answer = self._database.call(
            "delete_item",
            TableName=self._table,
            Key={"pk": text(f"LOGIN#{hashed(state)}")},
            ReturnValues="ALL_OLD",
        )
        item = answer.get("Attributes")
        return codec.login_of(item) if item else None


class DynamoDbPushedRequests:
    """The logins table: `PAR#<hash of issuer, client and reference>`."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def add(self, pushed: PushedRequest) -> None:
        """Store a request until the last login that can have begun with it is over."""
        item = {
            "pk": text(pushed.id),
            "document": document(pushed),
            "expires_at": number(pushed.expires_at + _LONGEST_LOGIN + _KEEP_EXPIRED),
        }
        self._database.call("put_item", TableName=self._table, Item=item)

    def get(self, request_id: str) -> PushedRequest | None:
        """Return a request by its id, in a strong read."""
        if not request_id.startswith("PAR#"):
            return None
        item = strong_read(self._database, self._table, {"pk": text(request_id)})
        return codec.pushed_request_of(item) if item else None

    def use(self, request_id: str, *, login: str) -> bool:
        """Mark a request as used; at most one `login` ever gets True.

        The same `login` gets it again, so that the SDK's retry after a lost answer succeeds.
        """
        try:
            self._database.call(
                "update_item",
                TableName=self._table,
                Key={"pk": text(request_id)},
                UpdateExpression="SET used_by = :me",
                ConditionExpression=(
                    "attribute_exists(pk) AND (attribute_not_exists(used_by) OR used_by = :me)"
                ),
                ExpressionAttributeValues={":me": text(login)},
            )
        except ConditionFailed:
            return False
        return True


class DynamoDbGrants:
    """The grants table: `CODE#<hash of issuer, client and code>`."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def add(self, grant: Grant) -> None:
        """Store a grant that nobody redeemed yet; its key is the hash of a fresh random code."""
        item = {
            "pk": text(grant.id),
            "document": document(grant),
            "code_expires_at": number(grant.code_expires_at),
            "expires_at": number(grant.code_expires_at + _KEEP_EXPIRED),
        }
        self._database.call("put_item", TableName=self._table, Item=item)

    def get(self, grant_id: str) -> Grant | None:
        """Return a grant by its id, in a strong read."""
        if not grant_id.startswith("CODE#"):
            return None
        answer = self._database.call(
            "get_item", TableName=self._table, Key={"pk": text(grant_id)}, ConsistentRead=True
        )
        item = answer.get("Item")
        return codec.grant_of(item) if item else None

    def redeem(
        self,
        grant_id: str,
        *,
        redemption: str,
        now: int,
        keep_until: int,
        dpop_jkt: str | None = None,
        refresh: RefreshFamily | None = None,
    ) -> bool:
        """Mark a grant as redeemed; at most one `redemption` ever gets True.

        The same `redemption` gets it again, so that the SDK's retry after a lost answer succeeds.
        """
        key = {":jkt": text(dpop_jkt)} if dpop_jkt is not None else {}
        family, begun = _begun(refresh)
        return self._update(
            grant_id,
            UpdateExpression="SET redeemed_by = :me, expires_at = :keep"
            + (", dpop_jkt = :jkt" if key else "")
            + family,
            ConditionExpression=(
                "attribute_exists(pk) AND code_expires_at > :now AND attribute_not_exists(revoked)"
                " AND (attribute_not_exists(redeemed_by) OR redeemed_by = :me)"
            ),
            ExpressionAttributeValues={
                ":me": text(redemption),
                ":keep": number(keep_until),
                ":now": number(now),
                **key,
                **begun,
            },
        )

    def release(self, grant_id: str, *, redemption: str) -> None:
        """Undo one's own redemption, after no token was made."""
        self._update(
            grant_id,
            UpdateExpression=(
                "REMOVE redeemed_by, dpop_jkt, refresh_family, refresh_current,"
                " refresh_expires_at, refresh_idle_until"
            ),
            ConditionExpression="redeemed_by = :me",
            ExpressionAttributeValues={":me": text(redemption)},
        )

    def rotate(
        self, grant_id: str, *, used: str, successor: str, now: int, idle_until: int
    ) -> bool:
        """Put a successor in a refresh token's place; at most one ever gets True.

        The same successor gets it again, so that the SDK's retry after a lost answer succeeds.
        """
        return self._update(
            grant_id,
            UpdateExpression="SET refresh_current = :successor, refresh_idle_until = :idle",
            ConditionExpression=(
                "attribute_exists(redeemed_by) AND attribute_not_exists(revoked)"
                " AND refresh_expires_at > :now AND refresh_idle_until > :now"
                " AND (refresh_current = :used OR refresh_current = :successor)"
            ),
            ExpressionAttributeValues={
                ":used": text(used),
                ":successor": text(successor),
                ":now": number(now),
                ":idle": number(idle_until),
            },
        )

    def restore(self, grant_id: str, *, used: str, successor: str) -> None:
        """Undo one's own rotation, after no token was made."""
        self._update(
            grant_id,
            UpdateExpression="SET refresh_current = :used",
            ConditionExpression="refresh_current = :successor",
            ExpressionAttributeValues={":used": text(used), ":successor": text(successor)},
        )

    def revoke(self, grant_id: str) -> None:
        """End a grant and every token of it; idempotent."""
        self._update(
            grant_id,
            UpdateExpression="SET revoked = :true",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":true": {"BOOL": True}},
        )

    def _update(self, grant_id: str, **arguments: object) -> bool:
        try:
            self._database.call(
                "update_item", TableName=self._table, Key={"pk": text(grant_id)}, **arguments
            )
        except ConditionFailed:
            return False
        return True


def _begun(refresh: RefreshFamily | None) -> tuple[str, Item]:
    """Write the assignments that begin a family, and their values."""
    if refresh is None:
        return "", {}
    values = {
        "refresh_family": text(refresh.family),
        "refresh_current": text(refresh.current),
        "refresh_expires_at": number(refresh.expires_at),
        "refresh_idle_until": number(refresh.idle_until),
    }
    assignments = "".join(f", {name} = :{name}" for name in values)
    return assignments, {f":{name}": value for name, value in values.items()}


class DynamoDbReplay:
    """The replay table: one item for each value that was used."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table
        self._entropy = SystemEntropy()

    def use(self, key: str, *, expires_at: int) -> bool:
        """Use a value up; at most one caller ever gets True.

        Each call has a name, so that the SDK's retry after a lost answer is not somebody else's
        use: an honest client would be refused for a slow answer of DynamoDB's.
        """
        use = text(self._entropy.token())
        try:
            self._database.call(
                "put_item",
                TableName=self._table,
                Item={"pk": text(key), "used_by": use, "expires_at": number(expires_at)},
                ConditionExpression="attribute_not_exists(pk) OR used_by = :me",
                ExpressionAttributeValues={":me": use},
            )
        except ConditionFailed:
            return False
        return True
