"""Who a user is to an application, and which claims it sees."""

from dataclasses import replace

import pytest
from tests.support.broker import Broker

from signet.broker.connection import RESERVED_CLAIMS, Connection
from signet.broker.identity import lacks_claims, login_facts, map_claims, released, subject_of
from signet.oidc.id_token import VerifiedIdToken

ACME = Broker().connect()
ISSUER = "https://idp.example"


def mapped(**claims_map: str) -> Connection:
    return replace(ACME, claims_map=claims_map)


def subject(connection: Connection, issuer: str, subject: str, **claims: object) -> str:
    return subject_of(connection, VerifiedIdToken(issuer=issuer, subject=subject, claims=claims))


def test_a_subject_is_of_the_connection_the_issuer_and_the_providers_subject() -> None:
    same = subject(ACME, ISSUER, "user-1")
    assert same == subject(ACME, ISSUER, "user-1", email="other@example.org")
    others = {
        subject(replace(ACME, id="con_" + "b" * 26), ISSUER, "user-1"),
        subject(ACME, "https://other.example", "user-1"),
        subject(ACME, ISSUER, "user-2"),
        subject(ACME, ISSUER, "USER-1"),
        subject(ACME, f'{ISSUER}","user', "-1"),
    }
    assert len(others) == 5
    assert same not in others


@pytest.mark.parametrize("value", ["true", "false", 1, 0, None, [True], {}, "yes"])
def test_an_address_counts_as_verified_only_where_the_provider_said_true(value: object) -> None:
    claims = {
        "email": "ada@example.org", "email_verified": value,
        "phone_number": "+1", "phone_number_verified": value,
    }  # fmt: skip
    assert map_claims(ACME, claims) == {
        **claims,
        "email_verified": False,
        "phone_number_verified": False,
    }


def test_what_the_provider_verified_is_verified() -> None:
    claims = {"email": "ada@example.org", "email_verified": True}
    assert map_claims(ACME, claims) == claims


def test_an_address_without_a_word_about_it_is_not_verified() -> None:
    assert map_claims(ACME, {"email": "a@example.org"})["email_verified"] is False
    assert map_claims(mapped(email="upn"), {"upn": "a@example.org"})["email_verified"] is False


def test_nothing_is_said_of_an_address_that_is_not_there() -> None:
    assert map_claims(ACME, {"email_verified": True, "name": "Ada"}) == {"name": "Ada"}


def test_reserved_claims_are_never_mapped_whatever_is_stored() -> None:
    everything = mapped(**dict.fromkeys(RESERVED_CLAIMS, "evil"), department="dept")
    assert map_claims(everything, {"evil": "x", "dept": "R&D"}) == {"department": "R&D"}
    assert map_claims(ACME, dict.fromkeys(RESERVED_CLAIMS, "x")) == {}


def test_the_largest_claims_are_left_out_until_the_rest_fits() -> None:
    claims = {"name": "n" * 9_000, "picture": "p" * 10_000, "nickname": "x"}
    assert set(map_claims(ACME, claims)) == {"name", "nickname"}


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (["openid"], set()),
        (["openid", "profile"], {"name", "department"}),
        (["openid", "email"], {"email", "email_verified"}),
        (["openid", "phone"], {"phone_number"}),
        (["openid", "address"], {"address"}),
    ],
)
def test_a_scope_releases_its_claims(scope: list[str], names: set[str]) -> None:
    profile = dict.fromkeys(
        ("name", "department", "email", "email_verified", "phone_number", "address"), "x"
    )
    assert set(released(profile, scope)) == names


def test_facts_of_the_login_are_passed_on_in_their_form_only() -> None:
    good = {"auth_time": 1, "acr": "high", "amr": ["pwd", "otp"]}
    assert login_facts(ACME, good) == {**good, "connection": "acme"}
    bad = {"auth_time": True, "acr": 7, "amr": ["pwd", 7], "connection": "evil"}
    assert login_facts(ACME, bad) == {"connection": "acme"}
    assert login_facts(ACME, {"auth_time": "1", "amr": "pwd"}) == {"connection": "acme"}


def test_userinfo_is_worth_a_call_when_something_asked_for_is_missing() -> None:
    assert lacks_claims(mapped(department="dept"), {"email": "x"})
    assert not lacks_claims(mapped(department="dept"), {"dept": "x"})
    assert lacks_claims(ACME, {"name": "Ada"})
    assert not lacks_claims(ACME, {"given_name": "Ada", "email": "x"})
    assert not lacks_claims(replace(ACME, scopes=("openid",)), {})
