"""Adapters whose AWS clients go to an address of a test's choice, and settle there."""

import os
from collections.abc import Mapping
from typing import Any, TypeVar

import pytest

from signet.adapters import aws
from signet.adapters.dynamodb.audit import DynamoDbAudit
from signet.adapters.dynamodb.audit_chain import DynamoDbAuditChain
from signet.adapters.dynamodb.client import DynamoDb
from signet.adapters.dynamodb.keyrings import DynamoDbKeyrings
from signet.adapters.dynamodb.management import DynamoDbRateLimits
from signet.adapters.dynamodb.nonce_seeds import DynamoDbNonceSeeds
from signet.adapters.dynamodb.one_time import (
    DynamoDbGrants,
    DynamoDbLogins,
    DynamoDbPushedRequests,
    DynamoDbReplay,
)
from signet.adapters.dynamodb.registered import (
    DynamoDbClients,
    DynamoDbConnections,
)
from signet.adapters.dynamodb.sessions import DynamoDbSessions
from signet.adapters.kms import KmsKeys
from signet.adapters.random import SystemEntropy
from signet_local.emulated_aws.process import use
from signet_local.emulated_aws.resources import TABLES

Adapter = TypeVar("Adapter", DynamoDb, KmsKeys)
NAMES = {setting: table for table, setting in TABLES.items()}


def database(environment: Mapping[str, str]) -> DynamoDb:
    """Return a DynamoDB that was found through these settings.

    The adapter reads the environment once, when it makes its client; so the environment is
    changed for that moment only.
    """
    return _settled(DynamoDb(), environment)


def keys(environment: Mapping[str, str]) -> KmsKeys:
    """Return a KMS that was found through these settings."""
    return _settled(KmsKeys(), environment)


class Stores:
    """Every store on one database, under the template's table names."""

    def __init__(self, database: DynamoDb) -> None:
        self.database = database
        keyrings = NAMES["SIGNET_KEYRINGS_TABLE"]
        self.connections = DynamoDbConnections(
            database, table=NAMES["SIGNET_CONNECTIONS_TABLE"], keyrings_table=keyrings
        )
        self.clients = DynamoDbClients(database, table=NAMES["SIGNET_CLIENTS_TABLE"])
        self.logins = DynamoDbLogins(database, table=NAMES["SIGNET_LOGINS_TABLE"])
        self.pushed = DynamoDbPushedRequests(database, table=NAMES["SIGNET_LOGINS_TABLE"])
        self.grants = DynamoDbGrants(database, table=NAMES["SIGNET_GRANTS_TABLE"])
        self.replay = DynamoDbReplay(database, table=NAMES["SIGNET_REPLAY_TABLE"])
        self.sessions = DynamoDbSessions(database, table=NAMES["SIGNET_SESSIONS_TABLE"])
        events = NAMES["SIGNET_EVENTS_TABLE"]
        self.audit = DynamoDbAudit(database, table=events, entropy=SystemEntropy())
        self.keyrings = DynamoDbKeyrings(database, table=keyrings, recording=self.audit.puts)
        self.audit_chain = DynamoDbAuditChain(database, table=events)
        self.nonce_seeds = DynamoDbNonceSeeds(database, table=keyrings)
        self.limits = DynamoDbRateLimits(database, table=NAMES["SIGNET_MANAGEMENT_TABLE"])

    def recorded(self, subject: str) -> list[str]:
        """Return the types of the events that the audit has of a subject, oldest first."""
        pending = self.audit_chain.pending(limit=1_000)
        return [str(p.event["type"]) for p in pending if p.event["subject"] == subject]

    def item(self, table: str, **key: str) -> dict[str, Any] | None:
        """Return an item as it is stored."""
        found = self.database.call(
            "get_item",
            TableName=table,
            Key={name: {"S": value} for name, value in key.items()},
            ConsistentRead=True,
        )
        return found.get("Item")

    def put(self, table: str, item: dict[str, Any]) -> None:
        """Store an item as it is."""
        self.database.call("put_item", TableName=table, Item=item)


def _settled(adapter: Adapter, environment: Mapping[str, str]) -> Adapter:
    with pytest.MonkeyPatch.context() as patch:
        changed = dict(os.environ)  # noqa: TID251  (to change a copy of it)
        use(environment, changed)
        patch.setattr(os, "environ", changed)
        # A session reads the environment once: this one is not the process's own.
        aws._session.cache_clear()
        assert adapter._client is not None
        aws._session.cache_clear()
    return adapter
