"""Reach into a running stack's emulated AWS, as its account's owner could."""

import json
from typing import Any

import boto3  # noqa: TID251  (the account's owner is not Signet)

from tests.support.stack import Stack


class EmulatedAccount:
    """The account behind a stack: its tables, and the keys that no one can read but all can use."""

    def __init__(self, stack: Stack) -> None:
        environment = json.loads((stack.state / "environment.json").read_text("utf-8"))
        self._tables = {
            name: environment[f"SIGNET_{name.upper()}_TABLE"]
            for name in ("connections", "clients", "keyrings")
        }
        session = boto3.Session(
            aws_access_key_id="local",
            aws_secret_access_key="local",
            region_name=environment["AWS_REGION"],
        )
        endpoint = environment["AWS_ENDPOINT_URL"]
        self._database = session.client("dynamodb", endpoint_url=endpoint)
        self._kms = session.client("kms", endpoint_url=endpoint)

    def close(self) -> None:
        """Close the connections to it."""
        self._database.close()
        self._kms.close()

    def disable_connection(self, callback: str) -> None:
        """Switch off the connection of a callback address."""
        connection_id = callback.split("/")[-2]
        self._disable("connections", {"pk": {"S": f"CONNECTION#{connection_id}"}})

    def disable_client(self, client_id: str) -> None:
        """Switch off a client."""
        self._disable("clients", {"client_id": {"S": client_id}})

    def current_key(self, callback: str) -> dict[str, Any]:
        """Return `kid`, `key_id` and `alg` of a connection's current key."""
        owner = {"owner": {"S": callback.split("/")[-2]}}
        item = self._database.get_item(TableName=self._tables["keyrings"], Key=owner)["Item"]
        key: dict[str, Any] = json.loads(item["document"]["S"])["current"]
        return key

    def sign(self, key_id: str, digest: bytes, kms_algorithm: str) -> bytes:
        """Let KMS sign a digest, as whoever may call kms:Sign can."""
        answer = self._kms.sign(
            KeyId=key_id, Message=digest, MessageType="DIGEST", SigningAlgorithm=kms_algorithm
        )
        signature: bytes = answer["Signature"]
        return signature

    def _disable(self, table: str, key: dict[str, Any]) -> None:
        name = self._tables[table]
        item = self._database.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
        document = {**json.loads(item["document"]["S"]), "enabled": False}
        item["document"] = {"S": json.dumps(document)}
        self._database.put_item(TableName=name, Item=item)
