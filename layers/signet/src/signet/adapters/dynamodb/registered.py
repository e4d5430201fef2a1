"""Connections, clients and keyrings: what administrators and rotation write, and logins read."""

from signet.adapters.dynamodb import codec
from signet.adapters.dynamodb.client import ConditionFailed, DynamoDb
from signet.adapters.dynamodb.codec import Item, text
from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.keyring import Keyring
from signet.errors import Rejected


class DynamoDbConnections:
    """The connections table: `CONNECTION#<id>` the record, `NAME#<name>` the id of its owner.

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
        pointer = self._read(f"NAME#{name}")
        return self.get(pointer["connection_id"]["S"]) if pointer is not None else None

    def add(self, connection: Connection, keyring: Keyring) -> None:
        """Store a new connection, its name and its keyring in one transaction.

        Raises:
            Rejected: `name_taken`.
        """
        record = {
            "pk": text(f"CONNECTION#{connection.id}"),
            "document": codec.document(connection),
        }
        pointer = {
            "pk": text(f"NAME#{connection.name}"),
            "connection_id": text(connection.id),
        }
        try:
            self._database.call(
                "transact_write_items",
                TransactItems=[
                    _new(self._table, record, key="pk"),
                    _new(self._table, pointer, key="pk"),
                    _new(self._keyrings_table, _keyring_item(keyring), key="owner"),
                ],
            )
        except ConditionFailed:
            raise Rejected("name_taken", "There is a connection of this name already.") from None

    def _read(self, key: str) -> Item | None:
        return _strong_read(self._database, self._table, {"pk": text(key)})


class DynamoDbClients:
    """The clients table, by `client_id`; reads are strong."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def get(self, client_id: str) -> Client | None:
        """Return the client of that id; what cannot be an id is not asked for."""
        if not 0 < len(client_id.encode("utf-8", "replace")) <= 128:  # noqa: PLR2004
            return None
        item = _strong_read(self._database, self._table, {"client_id": text(client_id)})
        return codec.client_of(item) if item is not None else None

    def add(self, client: Client) -> None:
        """Store a new client.

        Raises:
            Rejected: `client_id_taken`.
        """
        try:
            self._database.call(
                "put_item", **_new(self._table, _client_item(client), key="client_id")["Put"]
            )
        except ConditionFailed:
            raise Rejected("client_id_taken", "There is a client of this id already.") from None

    def put(self, client: Client) -> None:
        """Store a client, in the place of an older one of the same id."""
        self._database.call("put_item", TableName=self._table, Item=_client_item(client))


class DynamoDbKeyrings:
    """The keyrings table, by `owner`; reads are strong, because the signer acts on them."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table

    def get(self, owner: str) -> Keyring | None:
        """Return the keyring of that owner."""
        item = _strong_read(self._database, self._table, {"owner": text(owner)})
        return codec.keyring_of(item) if item is not None else None

    def add(self, keyring: Keyring) -> bool:
        """Store a keyring unless its owner has one; at most one caller gets True."""
        try:
            self._database.call(
                "put_item", **_new(self._table, _keyring_item(keyring), key="owner")["Put"]
            )
        except ConditionFailed:
            return False
        return True


def _strong_read(database: DynamoDb, table: str, key: Item) -> Item | None:
    answer = database.call("get_item", TableName=table, Key=key, ConsistentRead=True)
    item: Item | None = answer.get("Item")
    return item


def _new(table: str, item: Item, *, key: str) -> dict[str, Item]:
    put = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": key},
    }
    return {"Put": put}


def _client_item(client: Client) -> Item:
    return {"client_id": text(client.client_id), "document": codec.document(client)}


def _keyring_item(keyring: Keyring) -> Item:
    return {
        "owner": text(keyring.owner),
        "version": codec.number(keyring.version),
        "document": codec.document(keyring),
    }
