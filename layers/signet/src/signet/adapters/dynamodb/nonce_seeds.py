"""Where the seed of DPoP nonces is kept: one item of the keyrings table, which is no keyring."""

from signet.adapters.dynamodb.client import ConditionFailed, DynamoDb
from signet.adapters.dynamodb.item import new, strong_read, text

OWNER = "dpop-nonce"
"""No connection has this id, so nobody can ask for it by an address."""


class DynamoDbNonceSeeds:
    """The one seed; it never changes, so a sandbox reads it once."""

    def __init__(self, database: DynamoDb, *, table: str) -> None:
        self._database = database
        self._table = table
        self._known: str | None = None

    def get(self) -> str | None:
        """Return the seed, from memory once it was read."""
        if self._known is None:
            item = strong_read(self._database, self._table, {"owner": text(OWNER)})
            self._known = item["seed"]["S"] if item is not None else None
        return self._known

    def add(self, seed: str) -> bool:
        """Store a seed unless there is one; at most one caller gets True."""
        item = {"owner": text(OWNER), "seed": text(seed)}
        try:
            self._database.call("put_item", **new(self._table, item, key="owner")["Put"])
        except ConditionFailed:
            return False
        return True
