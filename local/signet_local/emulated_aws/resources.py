"""Make the template's tables, its event bus and its keys in the emulated AWS."""

import json
from typing import Any

import boto3
from botocore.config import Config

from signet_local.emulated_aws.events import create_bus
from signet_local.template import Template

TABLES = {
    "ConnectionsTable": "SIGNET_CONNECTIONS_TABLE",
    "KeyringsTable": "SIGNET_KEYRINGS_TABLE",
    "ClientsTable": "SIGNET_CLIENTS_TABLE",
    "LoginsTable": "SIGNET_LOGINS_TABLE",
    "GrantsTable": "SIGNET_GRANTS_TABLE",
    "ReplayTable": "SIGNET_REPLAY_TABLE",
    "ManagementTable": "SIGNET_MANAGEMENT_TABLE",
    "EventsTable": "SIGNET_EVENTS_TABLE",
    "SessionsTable": "SIGNET_SESSIONS_TABLE",
}
KEYS = {"IssuerKey": "SIGNET_ISSUER_KEY_ID", "AuditKey": "SIGNET_AUDIT_KEY_ID"}
STACK = "signet"


def create_resources(template: Template, *, endpoint: str, region: str) -> dict[str, str]:
    """Make what is not there yet; return the settings that name it.

    The names are the logical ids, as CloudFormation's would be without its suffixes.
    """
    database, kms, events, queues = (
        emulated_client(service, endpoint=endpoint, region=region)
        for service in ("dynamodb", "kms", "events", "sqs")
    )
    present = set(database.list_tables()["TableNames"])
    for name, properties in template.of_type("AWS::DynamoDB::Table").items():
        if name not in present:
            create_table(database, name, properties)
    return {
        **{setting: table for table, setting in TABLES.items()},
        "SIGNET_STACK": STACK,
        "SIGNET_EVENT_BUS": create_bus(template, events=events, queues=queues),
        **{
            KEYS[name]: _key(kms, properties)
            for name, properties in template.of_type("AWS::KMS::Key").items()
        },
    }


def emulated_client(service: str, *, endpoint: str, region: str) -> Any:
    """Make a client of the emulated AWS that asks once."""
    session: Any = boto3.Session(
        region_name=region,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106  (nobody's)
    )
    config = Config(retries={"max_attempts": 1})
    return session.client(service, endpoint_url=endpoint, config=config)


def create_table(database: Any, name: str, properties: dict[str, Any]) -> None:
    """Make one table as the template describes it."""
    in_one_call = (
        "AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes",
        "DeletionProtectionEnabled",
    )  # fmt: skip
    arguments = {key: properties[key] for key in in_one_call if key in properties}
    database.create_table(TableName=name, **arguments)
    if "TimeToLiveSpecification" in properties:
        time_to_live = properties["TimeToLiveSpecification"]
        database.update_time_to_live(TableName=name, TimeToLiveSpecification=time_to_live)


def _key(kms: Any, properties: dict[str, Any]) -> str:
    """Return the key of these tags, which is made where there is none."""
    tags = [_resolved(tag) for tag in properties["Tags"]]
    for key in kms.list_keys()["Keys"]:
        found = _tags_of(kms, key["KeyId"])
        if all(tag in found for tag in tags):
            return str(key["KeyId"])
    answer = kms.create_key(
        KeySpec=properties["KeySpec"],
        KeyUsage=properties["KeyUsage"],
        Policy=json.dumps({"Version": "2012-10-17", "Statement": []}),
        Tags=tags,
    )
    return str(answer["KeyMetadata"]["KeyId"])


def _tags_of(kms: Any, key_id: str) -> list[dict[str, str]]:
    return list(kms.list_resource_tags(KeyId=key_id)["Tags"])


def _resolved(tag: dict[str, Any]) -> dict[str, str]:
    value = tag["Value"]
    return {"TagKey": tag["Key"], "TagValue": STACK if isinstance(value, dict) else str(value)}
