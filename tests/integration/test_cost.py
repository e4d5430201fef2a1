"""What docs/operations.md says of costs: counted again, on the real handlers."""

from collections import Counter

import pytest
from tests.cost.bill import Bill, Counts, count
from tests.cost.counted import ECC, RSA, size_of
from tests.support.cloudformation import resources, template
from tests.support.sandbox import ROOT

PAGE = ROOT / "docs" / "operations.md"


@pytest.fixture(scope="module")
def counts() -> Counts:
    return count()


def test_the_page_says_what_a_login_costs_as_it_is_counted(counts: Counts) -> None:
    assert Bill(counts).text() in PAGE.read_text("utf-8")


def test_the_page_says_what_logins_a_second_ask_of_aws(counts: Counts) -> None:
    assert Bill(counts).load() in PAGE.read_text("utf-8")


def test_a_login_is_these_functions(counts: Counts) -> None:
    assert counts.invoked == ["authorize", "callback", "token", "userinfo", "jwks"]


def test_a_login_needs_three_signatures_one_of_them_with_the_connections_key(
    counts: Counts,
) -> None:
    signed = Counter({
        name: sum(counts.remembered.of_function(name).of(unit) for unit in (RSA, ECC))
        for name in counts.invoked
    })  # fmt: skip
    assert +signed == Counter(callback=1, token=2)


def test_as_many_signatures_as_the_api_lets_in_are_what_kms_gives(counts: Counts) -> None:
    throttle = resources("AWS::ApiGatewayV2::Stage")["ApiStage"]["DefaultRouteSettings"]
    signatures = counts.remembered.of(RSA) + counts.remembered.of(ECC)
    assert signatures * throttle["ThrottlingRateLimit"] <= 1_000
    assert signatures * throttle["ThrottlingBurstLimit"] <= 1_000


def test_what_is_remembered_saves_reads_and_nothing_else(counts: Counts) -> None:
    saved = counts.fresh.without(counts.remembered)
    assert {operation for _, operation in saved.calls} == {"dynamodb:GetItem"}
    assert not counts.remembered.without(counts.fresh).calls


def test_a_counted_rotation_makes_a_key_and_promotes_it(counts: Counts) -> None:
    calls = counts.rotation.calls
    assert calls["rotate_keys", "kms:CreateKey"] == 1
    # Announced, promoted, retired: each with its event.
    assert calls["rotate_keys", "dynamodb:TransactWriteItems"] >= 3


def test_a_function_has_the_memory_that_is_billed() -> None:
    assert template()["Globals"]["Function"]["MemorySize"] == 1_024


def test_an_item_has_the_size_that_dynamodb_bills() -> None:
    assert size_of({"pk": {"S": "abc"}, "n": {"N": "1234"}, "b": {"BOOL": True}}) == 2 + 3 + 5 + 2
    assert size_of({"m": {"M": {"a": {"S": "é"}}}}) == 1 + 3 + 1 + 2 + 1
