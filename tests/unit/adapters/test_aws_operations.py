"""Which of AWS's operations are called at all: the runtime's boto3 has to know each of them."""

import re

from tests.support.sandbox import ROOT

ADAPTERS = ROOT / "layers" / "signet" / "src" / "signet" / "adapters"


def called(pattern: str) -> set[str]:
    sources = "".join(path.read_text("utf-8") for path in sorted(ADAPTERS.rglob("*.py")))
    return set(re.findall(pattern, sources))


def test_dynamodb_is_asked_for_these_operations_and_no_other() -> None:
    assert called(r'database\.call\(\s*"(\w+)"') == {
        "delete_item",
        "get_item",
        "put_item",
        "query",
        "transact_write_items",
        "update_item",
    }


def test_kms_is_asked_for_these_operations_and_no_other() -> None:
    assert called(r"lambda client: client\.(\w+)\(") == {
        "create_key",
        "describe_key",
        "disable_key",
        "get_public_key",
        "list_keys",
        "list_resource_tags",
        "schedule_key_deletion",
        "sign",
    }


def test_there_is_a_client_of_dynamodb_one_of_kms_and_one_of_eventbridge() -> None:
    assert called(r'aws_client\("(\w+)"') == {"dynamodb", "events", "kms"}
