"""Connections and clients: what administrators write, and logins read."""

from signet.adapters.dynamodb import codec
from signet.adapters.dynamodb.client import ConditionFailed, DynamoDb
from signet.adapters.dynamodb.item import Item, document, new, strong_read, text
from signet.adapters.dynamodb.keyrings import keyring_item
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
            "document": document(connection),
        }
        pointer = {
            "pk": text(f"NAME#{connection.name}"),
            "connection_id": text(connection.id),
        }
        try:
            self._database.call(
                "transact_write_items",
                TransactItems=[
                    new(self._table, record, key="pk"),
                    new(self._table, pointer, key="pk"),
                    new(self._keyrings_table, keyring_item(keyring), key="owner"),
                ],
            )
        except ConditionFailed:
            raise Rejected("name_taken", "There is a connection of this name already.") from None

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

    def add(self, client: Client) -> None:
        """Store a new client.

        Raises:
            Rejected: `client_id_taken`.
        """
        try:
            self._database.call(
                "put_item", **new(self._table, _client_item(client), key="client_id")["Put"]
            )
        except ConditionFailed:
            raise Rejected("client_id_taken", "There is a client of this id already.") from None

    def put(self, client: Client) -> None:
        """Store a client, in the place of an older one of the same id."""
        self._database.call("put_item", TableName=self._table, Item=_client_item(client))


def _client_item(client: Client) -> Item:
    return {"client_id": text(client.client_id), "document": document(client)}
