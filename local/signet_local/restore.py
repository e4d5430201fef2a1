"""Bring a connection back from a restored table: `python -m signet_local.restore --help`.

It copies the connection's record, its name and its domains, and its keyring where there is none;
a keyring that only says that its connection was removed goes on. All of it in one transaction, and
nothing that is there is overwritten. A keyring whose keys KMS would not sign with is refused first:
logins would begin and fail. It uses your own AWS credentials.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from signet.adapters.dynamodb.client import ConditionFailed, DynamoDb
from signet.adapters.dynamodb.item import Item, new, text
from signet.adapters.dynamodb.keyrings import DynamoDbKeyrings, keyring_item
from signet.adapters.dynamodb.registered import DynamoDbConnections, connection_item
from signet.adapters.kms import KmsKeys
from signet.broker.connection import Connection
from signet.broker.key_standing import ENABLED
from signet.broker.keyring import Keyring
from signet.errors import SignetError

DONE, REFUSED = 0, 1


class RestoreRefused(Exception):  # noqa: N818
    """Why nothing was written, for whoever restores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The names of the two tables that belong together."""

    connections: str
    keyrings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Copies from restored tables to the deployment's own."""

    database: DynamoDb
    kms: KmsKeys
    source: Tables
    target: Tables

    def __call__(self, connection_id: str) -> None:
        """Bring one connection back.

        Raises:
            RestoreRefused: it is there, it is not in the backup, or its keys cannot be used.
            Unavailable: DynamoDB or KMS is.
        """
        connection = self._connections(self.source).get(connection_id)
        if connection is None:
            raise RestoreRefused(f"{connection_id} is not in {self.source.connections}")
        keyring, write = self._keyring(connection_id)
        self._check_keys(keyring)
        try:
            self.database.call(
                "transact_write_items", TransactItems=[write, *self._records(connection)]
            )
        except ConditionFailed:
            raise RestoreRefused(
                f"{connection_id}, its name or a domain of it is there: nothing was overwritten"
            ) from None

    def _connections(self, tables: Tables) -> DynamoDbConnections:
        return DynamoDbConnections(
            self.database, table=tables.connections, keyrings_table=tables.keyrings
        )

    def _keyring(self, owner: str) -> tuple[Keyring, Item]:
        """Return the keyring to go on with, and its write: the newer one, where there are two."""
        live = DynamoDbKeyrings(self.database, table=self.target.keyrings).get(owner)
        if live is not None:
            kept = replace(live, deleted_at=None, version=live.version + 1)
            return kept, self._again(kept)
        kept_then = DynamoDbKeyrings(self.database, table=self.source.keyrings).get(owner)
        if kept_then is None:
            raise RestoreRefused(f"{owner} has no keyring in {self.source.keyrings}")
        return kept_then, new(self.target.keyrings, keyring_item(kept_then), key="owner")

    def _again(self, keyring: Keyring) -> Item:
        put = {
            "TableName": self.target.keyrings,
            "Item": keyring_item(keyring),
            "ConditionExpression": "attribute_exists(deleted_at)",
        }
        return {"Put": put}

    def _check_keys(self, keyring: Keyring) -> None:
        for key in keyring.published():
            found = self.kms.describe(key.key_id)
            if found is None:
                raise RestoreRefused(f"KMS has deleted {key.key_id}: make the connection anew")
            if found.state != ENABLED:
                raise RestoreRefused(
                    f"{key.key_id} is {found.state}: first aws kms cancel-key-deletion (where it "
                    "waits for its deletion), then aws kms enable-key"
                )

    def _records(self, connection: Connection) -> list[Item]:
        pointers = [f"NAME#{connection.name}", *(f"DOMAIN#{name}" for name in connection.domains)]
        owned = ({"pk": text(pk), "connection_id": text(connection.id)} for pk in pointers)
        items = [connection_item(connection), *owned]
        return [new(self.target.connections, item, key="pk") for item in items]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="restore", description=__doc__)
    parser.add_argument("connection", nargs="+", help="the id of a connection, con_…")
    for name in ("connections", "keyrings"):
        parser.add_argument(
            f"--{name}",
            nargs=2,
            required=True,
            metavar=("RESTORED", "OWN"),
            help=f"the restored table of {name}, and the deployment's own",
        )
    given = parser.parse_args(arguments)
    (source, target) = (
        Tables(connections=connections, keyrings=keyrings)
        for connections, keyrings in zip(given.connections, given.keyrings, strict=True)
    )
    restore = Restore(database=DynamoDb(), kms=KmsKeys(), source=source, target=target)
    return max(_restored(restore, connection) for connection in given.connection)


def _restored(restore: Restore, connection_id: str) -> int:
    try:
        restore(connection_id)
    except (RestoreRefused, SignetError) as problem:
        print(f"refused   {connection_id}: {problem}")
        return REFUSED
    print(f"restored  {connection_id}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
