"""Keep the emulated AWS over a restart: tables with their items, KMS keys, events that wait.

The keys are in the file in clear: they are keys of an emulation, and the file is its owner's only.
"""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.sqs.models import sqs_backends

from signet_local.emulated_aws import REGION
from signet_local.private_file import written_whole


def save(path: Path) -> None:
    """Write everything to a file that only its owner can read; whole or not at all."""
    document = {"tables": _tables(), "keys": _keys(), "queues": _queues()}
    with written_whole(path) as file:
        json.dump(document, file)


def load(path: Path) -> None:
    """Bring everything back; no file means nothing to bring back."""
    if not path.exists():
        return
    document = json.loads(path.read_text())
    for table in document["tables"]:
        _restore_table(table)
    for key in document["keys"]:
        _restore_key(key)
    for name, messages in document["queues"].items():
        _restore_queue(name, messages)


def _database() -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]


def _kms() -> Any:
    return kms_backends[DEFAULT_ACCOUNT_ID][REGION]


def _messaging() -> Any:
    return sqs_backends[DEFAULT_ACCOUNT_ID][REGION]


def _tables() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "create": {
                "schema": table.schema,
                "attr": table.attr,
                "billing_mode": table.billing_mode,
                "global_indexes": [
                    {"IndexName": i.name, "KeySchema": i.schema, "Projection": i.projection}
                    for i in table.global_indexes
                ],
            },
            "time_to_live": table.ttl,
            "items": [item.to_json()["Attributes"] for item in table.all_items()],
        }
        for name, table in _database().tables.items()
    ]


def _restore_table(saved: dict[str, Any]) -> None:
    table = _database().create_table(
        saved["name"],
        throughput=None,
        indexes=[],
        streams=None,
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=True,
        warm_throughput=None,
        **saved["create"],
    )
    table.ttl = saved["time_to_live"]
    for item in saved["items"]:
        _database().put_item(saved["name"], item)


def _keys() -> list[dict[str, Any]]:
    found = []
    for key in _kms().keys.values():
        if key.key_usage != "SIGN_VERIFY":
            continue
        private = key.private_key.private_key
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        members = ("id", "arn", "key_spec", "description", "key_state", "enabled", "creation_date")
        found.append({
            **{name: getattr(key, name) for name in members},
            "tags": _kms().tagger.list_tags_for_resource(key.id)["Tags"],
            "pem": pem.decode("ascii"),
        })  # fmt: skip
    return found


def _restore_key(saved: dict[str, Any]) -> None:
    key = _kms().create_key(
        policy=None,
        key_usage="SIGN_VERIFY",
        key_spec=saved["key_spec"],
        description=saved["description"],
        tags=None,
    )
    del _kms().keys[key.id]
    for name in ("id", "arn", "key_state", "enabled", "creation_date"):
        setattr(key, name, saved[name])
    key.private_key.private_key = load_pem_private_key(saved["pem"].encode(), password=None)
    _kms().keys[key.id] = key
    if saved["tags"]:
        _kms().tagger.tag_resource(key.id, saved["tags"])


def _queues() -> dict[str, list[str]]:
    """Return what waits in each queue, taken up already or not: nobody has finished it."""
    return {
        name: [message.body for message in queue._messages]  # noqa: SLF001
        for name, queue in _messaging().queues.items()
    }


def _restore_queue(name: str, messages: list[str]) -> None:
    _messaging().create_queue(name)
    for body in messages:
        _messaging().send_message(name, body)
