"""What the template's roles allow, judged by the calls that were made: a small evaluator of IAM.

It knows the operators that the template uses, and fails at any other: a condition that nobody
evaluates allows nothing here.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from tests.support.cloudformation import resources

_SERVICES = {"DynamoDB": "dynamodb", "TrentService": "kms", "AWSEvents": "events"}
_PARTITION_KEYS = ("pk", "owner", "client_id")
_TAGS_OF_VALUES = ("signet:connection", "signet:operation", "signet:disabled-at")
STACK = "signet"
NEW_KEY = "key/new"
_CHOSEN = {"kms:SigningAlgorithm", "kms:KeySpec"}
"""Every algorithm may be a connection's: an administrator chooses, and no run has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An action on a resource, and the values of its condition keys."""

    action: str
    resource: str
    context: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def shape(self) -> "Call":
        """Leave out what no condition tells apart: hashes, ids and values of tags."""
        kept = {name: self._kept(name, values) for name, values in self.context.items()}
        is_any_key = re.fullmatch("key/[0-9a-f-]{36}", self.resource)
        return replace(self, resource="key/any" if is_any_key else self.resource, context=kept)

    def changed(self, name: str, *values: str) -> "Call":
        """Give a condition key other values, or none."""
        return replace(self, context={**self.context, name: values})

    @staticmethod
    def _kept(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
        if name.endswith(_TAGS_OF_VALUES):
            return ("any",)
        if name == "dynamodb:LeadingKeys":
            return tuple(re.sub("#.*|_.*", "#any", value) for value in values)
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One action on one resource, as one statement allows it."""

    sid: str
    action: str
    resource: str
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Each as its operator, its key and the values that it wants."""

    def grants(self, call: Call) -> bool:
        """Tell whether it allows a call; names are compared as IAM does."""
        return (
            _like(call.action.lower(), self.action.lower())
            and _like(call.resource, self.resource)
            and all(
                _holds(operator, key, wanted, call.context.get(key, ()))
                for operator, key, wanted in self.conditions
            )
        )

    def values(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the values of each condition key, but for those that administrators choose."""
        return [
            (key, wanted)
            for operator, key, wanted in self.conditions
            if operator != "Null" and key not in _CHOSEN
        ]

    def is_wider_than(self, call: Call) -> bool:
        """Tell whether it names more than a call that it allows could need.

        `*` is the resource of what has none, and no call asks for more than one action.
        """
        return self.action != call.action or (self.resource == "*" != call.resource)


def allows(role: str, call: Call) -> bool:
    """Tell whether a role of the template allows a call."""
    return any(permission.grants(call) for permission in permissions(statements(role)))


def statements(role: str) -> list[dict[str, Any]]:
    """Return the statements of a role of the template."""
    policies = resources("AWS::IAM::Role")[role]["Policies"]
    return [part for policy in policies for part in policy["PolicyDocument"]["Statement"]]


def permissions(parts: Iterable[Mapping[str, Any]]) -> list[Permission]:
    """Return what statements allow, one by one."""
    return [
        Permission(
            sid=part["Sid"],
            action=action,
            resource=resource,
            conditions=tuple(
                (operator, key, tuple(_texts(wanted)))
                for operator, keys in part.get("Condition", {}).items()
                for key, wanted in keys.items()
            ),
        )
        for part in parts
        if _is_known(part)
        for action in _texts(part["Action"])
        for resource in _texts(part["Resource"])
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What statements are, next to the calls that they are for.

    `refused` are calls that no statement allows; `unneeded` permissions without which all would be
    allowed as well, and values of conditions that no call had; `open` are changes of condition keys
    which no condition stands against, each as its action, its resource and its key.
    """

    refused: frozenset[tuple[str, str]]
    unneeded: frozenset[tuple[str, ...]]
    open: frozenset[tuple[str, str, str]]


def judge(parts: Iterable[Mapping[str, Any]], calls: Iterable[Call]) -> Judgement:
    """Hold statements against all calls that they are for."""
    given, made = permissions(parts), list(calls)
    granting = [[one for one in given if one.grants(call)] for call in made]
    needed = {
        (one.sid, one.action, one.resource): one
        for call, found in zip(made, granting, strict=True)
        for one in found
        if len(found) == 1 and not one.is_wider_than(call)
    }
    names = {(one.sid, one.action, one.resource) for one in given}
    had = {
        (one.sid, key, value)
        for call, found in zip(made, granting, strict=True)
        for one in found
        for key, wanted in one.values()
        for value in wanted
        if any(_like(text, value) for text in call.context.get(key, ()))
    }
    wanted_values = {
        (one.sid, key, value) for one in given for key, values in one.values() for value in values
    }
    return Judgement(
        refused=frozenset(
            (call.action, call.resource)
            for call, found in zip(made, granting, strict=True)
            if not found
        ),
        unneeded=frozenset(names - set(needed)) | frozenset(wanted_values - had),
        open=frozenset(
            (call.action, call.resource, name)
            for call in made
            for name, foreign in _foreign(call)
            if any(one.grants(foreign) for one in given)
        ),
    )


_ELSEWHERE = {
    "dynamodb:LeadingKeys": "ELSEWHERE#any",
    "kms:MessageType": "RAW",
    "kms:SigningAlgorithm": "SM2DSA",
    "kms:KeySpec": "SYMMETRIC_DEFAULT",
    "kms:KeyUsage": "ENCRYPT_DECRYPT",
    "kms:ScheduleKeyDeletionPendingWindowInDays": "7",
    "aws:RequestTag/signet:stack": "another",
    "aws:RequestTag/signet:purpose": "audit",
    "aws:ResourceTag/signet:stack": "another",
    "aws:ResourceTag/signet:purpose": "audit",
}
_OUR_TAGS = {
    "aws:ResourceTag/signet:stack": STACK,
    "aws:ResourceTag/signet:purpose": "connection",
}


def _foreign(call: Call) -> Iterable[tuple[str, Call]]:
    """Make calls that nobody here has a reason for, each by one key of a call that was made."""
    for name, value in _ELSEWHERE.items():
        if name in call.context:
            foreign = call.changed(name, value)
            # Another key's tags are another key.
            is_tag = name.startswith("aws:ResourceTag/")
            yield name, replace(foreign, resource="key/any") if is_tag else foreign
    if "aws:TagKeys" in call.context:
        yield "aws:TagKeys", call.changed("aws:TagKeys", *call.context["aws:TagKeys"], "another")
    if call.resource == NEW_KEY:
        # The key was there before, and was another's.
        for name, value in _OUR_TAGS.items():
            yield name, call.changed(name, value)


class RecordedCalls:
    """Every call that clients of AWS send, as a role has to allow it.

    `named` are keys that the template makes: their logical ids by their ids.
    """

    def __init__(
        self,
        tags_of: Callable[[str], dict[str, str]],
        named: Mapping[str, str] | None = None,
    ) -> None:
        self.calls: list[Call] = []
        self._tags_of = tags_of
        self._named = named or {}

    def watch(self, client: Any) -> None:
        client.meta.events.register("before-send", self.add)

    def take(self) -> list[Call]:
        """Return the calls since the last time."""
        taken, self.calls = self.calls, []
        return taken

    def add(self, request: Any, **_: object) -> None:
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
        if condition := body.get("KeyConditionExpression"):
            leading = (body["ExpressionAttributeValues"][_partition(condition)]["S"],)
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
                tags = {name: value for name, value in context.items() if name.startswith("aws:")}
                yield Call(action="kms:TagResource", resource=NEW_KEY, context=tags)
            return
        tags = self._tags_of(body["KeyId"])
        context |= {f"aws:ResourceTag/{name}": (value,) for name, value in tags.items()}
        key_id = body["KeyId"]
        yield Call(
            action=action, resource=f"key/{self._named.get(key_id, key_id)}", context=context
        )


def _partition(condition: str) -> str:
    """Return the placeholder of the partition key in a query's condition, which comes first."""
    return re.findall(r"= (:[a-z]+)", condition)[0]


def _is_known(statement: Mapping[str, Any]) -> bool:
    """Only allowing statements are known here: another kind would have to be evaluated first."""
    known = {"Sid", "Effect", "Action", "Resource", "Condition"}
    if statement["Effect"] != "Allow" or set(statement) - known:
        raise NotImplementedError(str(statement))
    return True


def _holds(operator: str, key: str, wanted: tuple[str, ...], found: tuple[str, ...]) -> bool:
    if operator in {"StringEquals", "NumericEquals"}:
        return len(found) == 1 and found[0] in wanted
    if operator == "Null":
        return (not found) == (wanted == ("true",))
    if operator == "ForAllValues:StringEquals":
        return all(value in wanted for value in found)
    if operator == "ForAllValues:StringLike":
        return all(any(_like(value, text) for text in wanted) for value in found)
    raise NotImplementedError(f"{operator} on {key}")


@cache
def _like(value: str, pattern: str) -> bool:
    """Compare as IAM does: `*` is any text, `?` one character, and nothing else is special."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _texts(value: Any) -> list[str]:
    return [_text(part) for part in (value if isinstance(value, list) else [value])]


def _text(value: Any) -> str:
    """Write a value of the template as the emulated AWS names it: by logical ids."""
    if not isinstance(value, dict):
        return str(value)
    if value == {"Ref": "AWS::StackName"}:
        return STACK
    if "Fn::GetAtt" in value:
        name = str(value["Fn::GetAtt"]).removesuffix(".Arn")
        return f"key/{name}" if name in resources("AWS::KMS::Key") else name
    (text,) = value.values()
    return str(text).rpartition("${AWS::AccountId}:")[2].replace("${", "").replace(".Arn}", "")
