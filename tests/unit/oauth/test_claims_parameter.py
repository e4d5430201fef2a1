"""The `claims` parameter: read strictly, and what of it is a condition [OIDC Core 5.5]."""

import json

import pytest

from signet.errors import Rejected
from signet.oauth.claims_parameter import MAX_BYTES, RequestedClaims


def parse(**members: object) -> RequestedClaims:
    return RequestedClaims.parse(json.dumps(members))


def test_without_the_parameter_nothing_is_asked() -> None:
    assert RequestedClaims.parse(None) == RequestedClaims.parse("{}") == RequestedClaims()


def test_claims_are_asked_for_by_name_where_they_shall_be() -> None:
    asked = parse(
        id_token={"email": None, "name": {"essential": True}},
        userinfo={"phone_number": {"value": "1"}, "given_name#ja-Kana-JP": None},
    )
    assert asked.id_token == ("email", "name")
    assert asked.userinfo == ("phone_number", "given_name#ja-Kana-JP")
    assert asked.essential_acr == ()
    assert asked.subject is None


def test_what_is_not_known_is_ignored() -> None:
    asked = parse(other={"x": 1}, id_token={"email": {"essential": True, "purpose": "why"}})
    assert asked == RequestedClaims(id_token=("email",))


@pytest.mark.parametrize(
    ("request_", "essential"),
    [
        (None, ()),
        ({"values": ["high"]}, ()),
        ({"essential": False, "values": ["high"]}, ()),
        ({"essential": True}, ()),
        ({"essential": True, "value": "high"}, ("high",)),
        ({"essential": True, "values": ["high", "higher"]}, ("high", "higher")),
    ],
)
def test_an_acr_is_a_condition_when_it_is_essential(
    request_: object, essential: tuple[str, ...]
) -> None:
    assert parse(id_token={"acr": request_}).essential_acr == essential
    assert parse(userinfo={"acr": request_}).essential_acr == ()


def test_a_subject_by_its_value_is_a_condition() -> None:
    asked = {"sub": {"value": "ada"}}
    assert parse(id_token=asked).subject == "ada"
    assert parse(userinfo=asked).subject == "ada"
    assert parse(id_token=asked, userinfo=asked).subject == "ada"
    assert parse(id_token={"sub": None}).subject is None


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "1", "{", '{"id_token":1}', '{"id_token":[]}', '{"userinfo":"x"}',
        '{"id_token":{"email":1}}', '{"id_token":{"email":[]}}', '{"id_token":{"":null}}',
        '{"id_token":{"a b":null}}', '{"id_token":{"email":{"essential":"true"}}}',
        '{"id_token":{"email":{"values":"x"}}}', '{"id_token":{"email":null,"email":null}}',
        '{"id_token":{"acr":{"essential":true,"values":[1]}}}',
        '{"id_token":{"acr":{"essential":true,"value":null}}}',
        '{"id_token":{"acr":{"essential":true,"values":["a b"]}}}',
        '{"id_token":{"sub":{"value":1}}}', '{"id_token":{"sub":{"value":null}}}',
        '{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}',
        '{"id_token":{"a":{"b":{"c":{"d":{"e":1}}}}}}', '{"id_token":{"a":NaN}}',
        "[" * 10_000, '{"x":"' + "x" * MAX_BYTES + '"}', '{"\\ud800":1}',
    ],
)  # fmt: skip
def test_what_has_no_reading_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        RequestedClaims.parse(text)
    assert refused.value.code == "invalid_request"
    assert refused.value.redirectable
