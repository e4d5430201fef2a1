"""Sessions of browsers, what was granted in them, and how their providers name them.

`SESSION#<hash of the cookie>` is the record; `SID#<hash of sid>` lists its cookies (`COOKIE#…`) and
grants (`GRANT#…`); `PERSON#…` and `UPSTREAM#…` list the `sid` of sessions that a provider names.

No transaction is at a record that is used: two frames of one page may use it in one moment, and
neither must be refused for the other. Order does what a transaction would: a grant is noted before
the record is used, and the record is gone before the grants are listed.
"""

from collections.abc import Iterator

from signet.adapters.dynamodb import codec
from signet.adapters.dynamodb.client import ConditionFailed, Conflicted, DynamoDb
from signet.adapters.dynamodb.item import Item, document, number, strong_read, text
from signet.broker.record_key import record_key
from signet.broker.session import KEEP_SECONDS, Session, SessionGrant

_RECORD = "SESSION"
_COOKIE = "COOKIE#"
_GRANT = "GRANT#"
_ATTEMPTS = 4
_KEEP_EXPIRED = 3_600


class DynamoDbSessions:
    """The sessions table."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def add(self, session: Session, grant: SessionGrant) -> None:
        """Store a session with its first grant and its names, all or nothing."""
        kept = number(session.expires_at + KEEP_SECONDS)
        of_session = {"pk": text(_partition(session.sid)), "expires_at": kept}
        items = [
            _record(session),
            {**of_session, "sk": text(f"{_COOKIE}{session.key}")},
            _grant(session, grant),
            *(
                {"pk": text(name), "sk": text(session.sid), "expires_at": kept}
                for name in session.upstream
            ),
        ]
        self._put_all([{"Put": {"TableName": self._table, "Item": item}} for item in items])

    def get(self, key: str) -> Session | None:
        """Return the session of a cookie, in a strong read."""
        if not key.startswith(f"{_RECORD}#"):
            return None
        item = strong_read(self._database, self._table, _key(key))
        return codec.session_of(item) if item is not None else None

    def remove(self, key: str) -> None:
        """Take a session away from one browser."""
        self._database.call("delete_item", TableName=self._table, Key=_key(key))

    def note(self, session: Session, grant: SessionGrant) -> None:
        """Note a grant of a session, before the session is used for it."""
        self._database.call("put_item", TableName=self._table, Item=_grant(session, grant))

    def use(self, key: str, *, now: int, idle_until: int) -> bool:
        """Set until when a live session may be idle; False when it is over."""
        try:
            self._database.call(
                "update_item",
                TableName=self._table,
                Key=_key(key),
                UpdateExpression="SET idle_until = :idle",
                ConditionExpression=(
                    "attribute_exists(pk) AND idle_until > :now AND ends_at > :now"
                ),
                ExpressionAttributeValues={":idle": number(idle_until), ":now": number(now)},
            )
        except ConditionFailed:
            return False
        return True

    def end(self, sid: str) -> tuple[SessionGrant, ...]:
        """Delete the records of every browser first, then list what was granted."""
        for item in self._query(_partition(sid), prefix=_COOKIE):
            self.remove(item["sk"]["S"].removeprefix(_COOKIE))
        found = self._query(_partition(sid), prefix=_GRANT)
        return tuple(map(codec.session_grant_of, found))

    def named(self, upstream: str) -> frozenset[str]:
        """Return the `sid` of every session that a provider names so."""
        return frozenset(item["sk"]["S"] for item in self._query(upstream, prefix=""))

    def _put_all(self, puts: list[dict[str, Item]]) -> None:
        """Write a transaction; of two sign-ins of one person at once the later comes again."""
        for _ in range(_ATTEMPTS - 1):
            try:
                self._database.call("transact_write_items", TransactItems=puts)
            except Conflicted:
                continue
            return
        self._database.call("transact_write_items", TransactItems=puts)

    def _query(self, partition: str, *, prefix: str) -> Iterator[Item]:
        begins = {"KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)"}
        start: Item = {}
        while True:
            answer = self._database.call(
                "query",
                TableName=self._table,
                **(begins if prefix else {"KeyConditionExpression": "pk = :pk"}),
                ExpressionAttributeValues={
                    ":pk": text(partition),
                    **({":prefix": text(prefix)} if prefix else {}),
                },
                ConsistentRead=True,
                **start,
            )
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _key(key: str) -> Item:
    return {"pk": text(key), "sk": text(_RECORD)}


def _partition(sid: str) -> str:
    return record_key("SID", sid)


def _record(session: Session) -> Item:
    return {
        **_key(session.key),
        "document": document(session),
        "idle_until": number(session.idle_until),
        "ends_at": number(session.expires_at),
        "expires_at": number(session.expires_at + _KEEP_EXPIRED),
    }


def _grant(session: Session, grant: SessionGrant) -> Item:
    return {
        "pk": text(_partition(session.sid)),
        "sk": text(f"{_GRANT}{grant.grant_id}"),
        "document": document(grant),
        "expires_at": number(session.expires_at + KEEP_SECONDS),
    }
