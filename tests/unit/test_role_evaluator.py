"""The evaluator of roles, by what IAM's reference says of each operator that the template uses."""

from typing import Any

import pytest
from tests.support.role import NEW_KEY, Call, judge, permissions

KEY = "dynamodb:LeadingKeys"


def grants(call: Call, **changes: Any) -> bool:
    part = {"Sid": "One", "Effect": "Allow", "Action": "kms:Sign", "Resource": "key/*", **changes}
    return any(permission.grants(call) for permission in permissions([part]))


def with_values(*values: str) -> Call:
    return Call(action="kms:Sign", resource="key/k", context={KEY: values})


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "holds"),
    [
        ("StringEquals", "a", ["a"], True),
        ("StringEquals", ["a", "b"], ["b"], True),
        ("StringEquals", "a", ["A"], False),
        ("StringEquals", "a*", ["ab"], False),
        ("StringEquals", "a", [], False),
        ("StringEquals", "a", ["a", "a"], False),
        ("NumericEquals", 30, ["30"], True),
        ("NumericEquals", 30, ["7"], False),
        ("Null", "true", [], True),
        ("Null", "true", ["a"], False),
        ("Null", "false", ["a"], True),
        ("Null", "false", [], False),
        ("ForAllValues:StringEquals", ["a", "b"], ["b", "a"], True),
        ("ForAllValues:StringEquals", ["a"], ["a", "b"], False),
        # A key that is not there at all holds: each call has to bring it.
        ("ForAllValues:StringEquals", ["a"], [], True),
        ("ForAllValues:StringLike", ["PAR#*"], ["PAR#1", "PAR#"], True),
        ("ForAllValues:StringLike", ["PAR#*"], ["PAR#1", "LOGIN#1"], False),
        ("ForAllValues:StringLike", ["A?"], ["AB"], True),
        ("ForAllValues:StringLike", ["A?"], ["A"], False),
        ("ForAllValues:StringLike", ["[AB]"], ["A"], False),
    ],
)
def test_a_condition_holds_as_iam_says(
    operator: str, wanted: Any, found: list[str], *, holds: bool
) -> None:
    condition = {operator: {KEY: wanted}}
    assert grants(with_values(*found), Condition=condition) is holds


def test_all_conditions_of_a_statement_have_to_hold() -> None:
    condition = {"StringEquals": {KEY: "a"}, "Null": {KEY: "true"}}
    assert not grants(with_values("a"), Condition=condition)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"Action": "kms:*"}, True),
        ({"Action": "KMS:sign"}, True),
        ({"Action": ["kms:Verify", "kms:Sign"]}, True),
        ({"Action": "kms:Sig"}, False),
        ({"Resource": "*"}, True),
        ({"Resource": "key/k"}, True),
        ({"Resource": "key"}, False),
        ({"Resource": "KEY/k"}, False),
    ],
)
def test_a_statement_names_actions_in_any_case_and_resources_exactly(
    changes: dict[str, Any], *, allowed: bool
) -> None:
    assert grants(with_values(), **changes) is allowed


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"NotAction": "kms:Sign"},
        {"Condition": {"StringNotEquals": {KEY: "a"}}},
        {"Condition": {"BoolIfExists": {KEY: "a"}}},
    ],
)
def test_what_nobody_evaluates_is_an_error_and_allows_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        grants(with_values("a"), **changes)


SIGNING = {
    "Sid": "Sign",
    "Effect": "Allow",
    "Action": "kms:Sign",
    "Resource": "key/*",
    "Condition": {"StringEquals": {"aws:ResourceTag/signet:stack": "signet"}},
}
OURS = Call(
    action="kms:Sign", resource="key/k", context={"aws:ResourceTag/signet:stack": ("signet",)}
)


def test_a_role_that_is_what_its_calls_need_has_no_fault() -> None:
    found = judge([SIGNING], [OURS])
    assert not found.refused | found.unneeded | found.open


def test_each_fault_is_told_by_its_name() -> None:
    assert judge([], [OURS]).refused == {("kms:Sign", "key/k")}
    twice = judge([SIGNING, {**SIGNING, "Sid": "Again"}], [OURS]).unneeded
    assert {("Sign", "kms:Sign", "key/*"), ("Again", "kms:Sign", "key/*")} <= twice
    wide = judge([{**SIGNING, "Resource": "*"}], [OURS]).unneeded
    assert ("Sign", "kms:Sign", "*") in wide
    free = judge([{**SIGNING, "Condition": {}}], [OURS])
    assert free.open == {("kms:Sign", "key/k", "aws:ResourceTag/signet:stack")}


def test_a_key_that_is_tagged_anew_may_have_been_anothers() -> None:
    tagging = {**SIGNING, "Action": "kms:TagResource", "Condition": {}}
    open_ones = judge([tagging], [Call(action="kms:TagResource", resource=NEW_KEY)]).open
    assert {name for _, _, name in open_ones} == {
        "aws:ResourceTag/signet:stack",
        "aws:ResourceTag/signet:purpose",
    }
