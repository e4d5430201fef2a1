"""What the template's roles allow, judged by the calls that were made: a small evaluator of IAM.

It knows the operators that the template uses, and fails at any other: a condition that nobody
evaluates allows nothing here.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.support.cloudformation import resources

_SERVICES = {"DynamoDB": "dynamodb", "TrentService": "kms", "AWSEvents": "events"}
_PARTITION_KEYS = ("pk", "owner", "client_id")
STACK = "signet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An action on a resource, and the values of its condition keys."""

    action: str
    resource: str
    context: dict[str, tuple[str, ...]] = field(default_factory=dict)


def allows(role: str, call: Call) -> bool:
    """Tell whether a role of the template allows a call."""
    return any(_matches(statement, call) for statement in _statements(role))


class RecordedCalls:
    """Every call that clients of AWS send, as a role has to allow it."""

    def __init__(self, tags_of: Callable[[str], dict[str, str]]) -> None:
        self.calls: list[Call] = []
        self._tags_of = tags_of

    def watch(self, client: Any) -> None:
        client.meta.events.register("before-send", self._add)

    def take(self) -> list[Call]:
        """Return the calls since the last time."""
        taken, self.calls = self.calls, []
        return taken

    def _add(self, request: Any, **_: object) -> None:
        service, _, operation = request.headers["X-Amz-Target"].decode().partition(".")
        name = _SERVICES[service.partition("_")[0]]
        body = json.loads(request.body)
        self.calls += getattr(self, f"_{name}")(operation, body)

    def _dynamodb(self, operation: str, body: dict[str, Any]) -> Iterable[Call]:
        if operation == "TransactWriteItems":
            # Each of them needs the permission of its own operation.
            for item in body["TransactItems"]:
                ((kind, part),) = item.items()
                yield from self._dynamodb(f"{kind}Item", part)
            return
        index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
        item = body.get("Item") or body.get("Key") or {}
        # ForAllValues holds where there is no value, so that one has to be there.
        leading = tuple(item[name]["S"] for name in _PARTITION_KEYS if name in item)
        yield Call(
            action=f"dynamodb:{operation}",
            resource=f"{body['TableName']}{index}",
            context={"dynamodb:LeadingKeys": leading},
        )

    def _events(self, operation: str, body: dict[str, Any]) -> Iterable[Call]:
        for bus in {entry["EventBusName"] for entry in body["Entries"]}:
            yield Call(action=f"events:{operation}", resource=bus)

    def _kms(self, operation: str, body: dict[str, Any]) -> Iterable[Call]:
        action = f"kms:{operation}"
        context = {
            f"kms:{name}": (body[name],)
            for name in ("KeySpec", "KeyUsage", "MessageType", "SigningAlgorithm")
            if name in body
        }
        if "PendingWindowInDays" in body:
            window = (str(body["PendingWindowInDays"]),)
            context["kms:ScheduleKeyDeletionPendingWindowInDays"] = window
        given = {tag["TagKey"]: tag["TagValue"] for tag in body.get("Tags", [])}
        if given:
            context["aws:TagKeys"] = tuple(given)
            context |= {f"aws:RequestTag/{name}": (value,) for name, value in given.items()}
        if operation in {"CreateKey", "ListKeys"}:
            yield Call(action=action, resource="*", context=context)
            if given:
                # Tags in CreateKey need their own permission; the key has none before.
                yield Call(action="kms:TagResource", resource="key/new", context=context)
            return
        tags = self._tags_of(body["KeyId"])
        context |= {f"aws:ResourceTag/{name}": (value,) for name, value in tags.items()}
        yield Call(action=action, resource=f"key/{body['KeyId']}", context=context)


def _statements(role: str) -> list[dict[str, Any]]:
    policies = resources("AWS::IAM::Role")[role]["Policies"]
    return [part for policy in policies for part in policy["PolicyDocument"]["Statement"]]


def _matches(statement: dict[str, Any], call: Call) -> bool:
    return (
        call.action in _texts(statement["Action"])
        and any(fnmatchcase(call.resource, name) for name in _texts(statement["Resource"]))
        and all(
            _holds(operator, key, _texts(wanted), call.context.get(key, ()))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, key: str, wanted: list[str], found: tuple[str, ...]) -> bool:
    if operator in {"StringEquals", "NumericEquals"}:
        return len(found) == 1 and found[0] in wanted
    if operator == "Null":
        return (not found) == (wanted == ["true"])
    if operator == "ForAllValues:StringEquals":
        return all(value in wanted for value in found)
    if operator == "ForAllValues:StringLike":
        return all(any(fnmatchcase(value, text) for text in wanted) for value in found)
    raise NotImplementedError(f"{operator} on {key}")


def _texts(value: Any) -> list[str]:
    return [_text(part) for part in (value if isinstance(value, list) else [value])]


def _text(value: Any) -> str:
    """Write a value of the template as the emulated AWS names it: by logical ids."""
    if not isinstance(value, dict):
        return str(value)
    if value == {"Ref": "AWS::StackName"}:
        return STACK
    if "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"]).removesuffix(".Arn")
    (text,) = value.values()
    return str(text).rpartition("${AWS::AccountId}:")[2].replace("${", "").replace(".Arn}", "")
