"""Connections and clients: what administrators write, and logins read."""

from signet.adapters.dynamodb import codec
from signet.adapters.dynamodb.client import ConditionFailed, DynamoDb
from signet.adapters.dynamodb.item import Item, document, new, number, strong_read, text
from signet.adapters.dynamodb.keyrings import keyring_item
from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.keyring import Keyring
from signet.broker.ports import Page
from signet.errors import Rejected

RECORD = "record"
"""The one value of `kind`, the hash key of the index `listing`; only records have it."""


class DynamoDbConnections:
    """The connections table.

    `CONNECTION#<id>` is the record, `NAME#<name>` and `DOMAIN#<domain>` the id of their owner.
    Reads are strong: a stale answer could start a login on a disabled connection.
    """

    def __init__(self, database: DynamoDb, *, table: str, keyrings_table: str) -> None:
        self._database = database
        self._table = table
        self._keyrings_table = keyrings_table

    def get(self, connection_id: str) -> Connection | None:
        """Return the connection of that id."""
        item = self._read(f"CONNECTION#{connection_id}")
        return codec.connection_of(item) if item is not None else None

    def find(self, name: str) -> Connection | None:
        """Return the connection of that name."""
        return self._owner_of(f"NAME#{name}")

    def find_by_domain(self, domain: str) -> Connection | None:
        """Return the connection that has that email domain."""
        return self._owner_of(f"DOMAIN#{domain}")

    def page(self, *, position: str | None, limit: int) -> Page[Connection]:
        """Return connections in the order in which they were created."""
        items, following = query_page(
            self._database, self._table, key="pk", position=position, limit=limit
        )
        return Page(items=tuple(map(codec.connection_of, items)), position=following)

    def add(self, connection: Connection, keyring: Keyring) -> None:
        """Store a new connection, its name, its domains and its keyring in one transaction.

        Raises:
            Rejected: `name_taken` or `domain_taken`.
        """
        self._write([
            new(self._table, connection_item(connection), key="pk"),
            new(self._keyrings_table, keyring_item(keyring), key="owner"),
            *(self._claim(pointer, connection) for pointer in _pointers(connection)),
        ])  # fmt: skip

    def replace(self, connection: Connection, *, previous: Connection) -> None:
        """Store a changed connection and what became of its name and domains.

        Raises:
            Rejected: `version_mismatch`, `name_taken` or `domain_taken`.
        """
        before, after = _pointers(previous), _pointers(connection)
        self._write([
            _replacement(self._table, connection_item(connection), version=previous.version),
            *(self._claim(pointer, connection) for pointer in after if pointer not in before),
            *(self._release(pointer, connection) for pointer in before if pointer not in after),
        ])  # fmt: skip

    def remove(self, connection: Connection, *, now: int) -> None:
        """Remove a connection, its name and its domains; mark its keyring as deleted.

        Raises:
            Rejected: `version_mismatch`.
        """
        key = {"pk": text(f"CONNECTION#{connection.id}")}
        self._write([
            _removal(self._table, key, version=connection.version),
            {
                "Update": {
                    "TableName": self._keyrings_table,
                    "Key": {"owner": text(connection.id)},
                    # Without its phase it leaves the index: nothing of it is ever due again.
                    "UpdateExpression": "SET deleted_at = :now REMOVE phase",
                    "ConditionExpression": "attribute_exists(#key)",
                    "ExpressionAttributeNames": {"#key": "owner"},
                    "ExpressionAttributeValues": {":now": number(now)},
                }
            },
            *(self._release(pointer, connection) for pointer in _pointers(connection)),
        ])  # fmt: skip

    def _write(self, items: list[Item]) -> None:
        """Write all or nothing; tell by its pointer whose condition failed."""
        try:
            self._database.call("transact_write_items", TransactItems=items)
        except ConditionFailed as problem:
            raise _refusal([items[index] for index in sorted(problem.failed)]) from None

    def _claim(self, pointer: str, connection: Connection) -> Item:
        item = {"pk": text(pointer), "connection_id": text(connection.id)}
        return new(self._table, item, key="pk")

    def _release(self, pointer: str, connection: Connection) -> Item:
        return {
            "Delete": {
                "TableName": self._table,
                "Key": {"pk": text(pointer)},
                "ConditionExpression": "connection_id = :me",
                "ExpressionAttributeValues": {":me": text(connection.id)},
            }
        }

    def _owner_of(self, pointer: str) -> Connection | None:
        item = self._read(pointer)
        return self.get(item["connection_id"]["S"]) if item is not None else None

    def _read(self, key: str) -> Item | None:
        return strong_read(self._database, self._table, {"pk": text(key)})


class DynamoDbClients:
    """The clients table, by `client_id`; reads are strong."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def get(self, client_id: str) -> Client | None:
        """Return the client of that id; what cannot be an id is not asked for."""
        if not 0 < len(client_id.encode("utf-8", "replace")) <= 128:  # noqa: PLR2004
            return None
        item = strong_read(self._database, self._table, {"client_id": text(client_id)})
        return codec.client_of(item) if item is not None else None

    def page(self, *, position: str | None, limit: int) -> Page[Client]:
        """Return clients in the order in which they were created."""
        items, following = query_page(
            self._database, self._table, key="client_id", position=position, limit=limit
        )
        return Page(items=tuple(map(codec.client_of, items)), position=following)

    def add(self, client: Client) -> None:
        """Store a new client.

        Raises:
            Rejected: `client_id_taken`.
        """
        put = new(self._table, _client_item(client), key="client_id")["Put"]
        try:
            self._database.call("put_item", **put)
        except ConditionFailed:
            raise Rejected("client_id_taken", "There is a client of this id already.") from None

    def put(self, client: Client) -> None:
        """Store a client, in the place of an older one of the same id."""
        self._database.call("put_item", TableName=self._table, Item=_client_item(client))

    def replace(self, client: Client, *, previous: Client) -> None:
        """Store a changed client.

        Raises:
            Rejected: `version_mismatch`.
        """
        put = _replacement(self._table, _client_item(client), version=previous.version)["Put"]
        self._conditional("put_item", put)

    def remove(self, client: Client) -> None:
        """Remove a client.

        Raises:
            Rejected: `version_mismatch`.
        """
        key = {"client_id": text(client.client_id)}
        removal = _removal(self._table, key, version=client.version)["Delete"]
        self._conditional("delete_item", removal)

    def _conditional(self, operation: str, arguments: Item) -> None:
        try:
            self._database.call(operation, **arguments)
        except ConditionFailed:
            raise _version_mismatch() from None


def query_page(
    database: DynamoDb, table: str, *, key: str, position: str | None, limit: int
) -> tuple[list[Item], str | None]:
    """Read a part of a table's index `listing`: all records of its kind, oldest first.

    A position is `<listed_at> <key>`; it comes from an earlier answer, through a cursor.
    """
    arguments: Item = {}
    if position is not None:
        listed_at, _, value = position.partition(" ")
        arguments["ExclusiveStartKey"] = {
            key: text(value),
            "kind": text(RECORD),
            "listed_at": text(listed_at),
        }
    answer = database.call(
        "query",
        TableName=table,
        IndexName="listing",
        KeyConditionExpression="kind = :kind",
        ExpressionAttributeValues={":kind": text(RECORD)},
        Limit=limit,
        **arguments,
    )
    last = answer.get("LastEvaluatedKey")
    following = f"{last['listed_at']['S']} {last[key]['S']}" if last else None
    return answer["Items"], following


def _replacement(table: str, item: Item, *, version: int) -> dict[str, Item]:
    return {"Put": {"TableName": table, "Item": item, **_if_version(version)}}


def _removal(table: str, key: Item, *, version: int) -> dict[str, Item]:
    return {"Delete": {"TableName": table, "Key": key, **_if_version(version)}}


def _if_version(version: int) -> Item:
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": number(version)},
    }


def _pointers(connection: Connection) -> tuple[str, ...]:
    """Name what belongs to one connection only: its name and its domains."""
    domains = (f"DOMAIN#{domain}" for domain in connection.domains)
    return (f"NAME#{connection.name}", *domains)


def _refusal(failed: list[Item]) -> Rejected:
    pointers = [
        item["Put"]["Item"]["pk"]["S"]
        for item in failed
        if "Put" in item and "connection_id" in item["Put"]["Item"]
    ]
    for pointer in pointers:
        kind, _, value = pointer.partition("#")
        if kind == "DOMAIN":
            return Rejected("domain_taken", f"The domain {value} belongs to another connection.")
        return Rejected("name_taken", "There is a connection of this name already.")
    return _version_mismatch()


def _version_mismatch() -> Rejected:
    return Rejected("version_mismatch", "It was changed by somebody else meanwhile. Read it again.")


def connection_item(connection: Connection) -> Item:
    """Write a connection."""
    return {
        "pk": text(f"CONNECTION#{connection.id}"),
        "document": document(connection),
        **_listed(connection.version, connection.created_at, connection.id),
    }


def _client_item(client: Client) -> Item:
    return {
        "client_id": text(client.client_id),
        "document": document(client),
        **_listed(client.version, client.created_at, client.client_id),
    }


def _listed(version: int, created_at: int, identifier: str) -> Item:
    return {
        "version": number(version),
        "kind": text(RECORD),
        "listed_at": text(f"{created_at:012d}#{identifier}"),
    }
