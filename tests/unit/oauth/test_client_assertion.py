"""Client assertions: what ours hold, and what an application's has to hold [RFC 7523]."""

import pytest

from signet.errors import Denied
from signet.jose.jws import SignedClaims
from signet.oauth.assertion_profile import AssertionProfile
from signet.oauth.client_assertion import (
    AssertionPolicy,
    build_claims,
    check_assertion,
)

NOW = 1_800_000_000
ISSUER = "https://login.example"
ABSENT = object()


def assertion(**changes: object) -> SignedClaims:
    members: dict[str, object] = {
        "iss": "app",
        "sub": "app",
        "aud": ISSUER,
        "exp": NOW + 60,
        "iat": NOW,
        "jti": "one",
        **changes,
    }
    present = {name: value for name, value in members.items() if value is not ABSENT}
    return SignedClaims(header={"alg": "ES256"}, claims=present)


def policy(*audiences: str) -> AssertionPolicy:
    return AssertionPolicy(client_id="app", audiences=frozenset(audiences or (ISSUER,)), now=NOW)


ACCEPTED = {
    "plain": {},
    "no iat": {"iat": ABSENT},
    "exp 300 s away": {"exp": NOW + 300},
    "nbf 8 s ahead": {"nbf": NOW + 8},
    "iat 60 s ahead": {"iat": NOW + 60},
    "jti of 255 characters": {"jti": "j" * 255},
    "jti of one character": {"jti": "j"},
    "claims that nobody asked for": {"foo": [1]},
}

REFUSED = {
    # OP-014
    "aud is the token endpoint": {"aud": f"{ISSUER}/token"},
    "aud is the PAR endpoint": {"aud": f"{ISSUER}/par"},
    "aud is a list": {"aud": [ISSUER]},
    "aud is a list of two": {"aud": [ISSUER, "other"]},
    "aud has a trailing slash": {"aud": f"{ISSUER}/"},
    "aud in another case": {"aud": ISSUER.upper()},
    "aud missing": {"aud": ABSENT},
    "aud empty": {"aud": ""},
    # OP-016
    "exp missing": {"exp": ABSENT},
    "exp 5 min past": {"exp": NOW - 300},
    "exp is now": {"exp": NOW},
    "exp 6 min ahead": {"exp": NOW + 360},
    "exp is 1e308": {"exp": 1e308},
    "exp is a text": {"exp": str(NOW + 60)},
    "exp of thirty digits": {"exp": 10**30},
    "exp is true": {"exp": True},
    "nbf 61 s ahead": {"nbf": NOW + 61},
    "nbf is true": {"nbf": True},
    "nbf is a fraction": {"nbf": 0.5},
    "nbf negative": {"nbf": -1},
    "iat ten years ago": {"iat": NOW - 315_360_000},
    "iat negative": {"iat": -1},
    "iat 61 s ahead": {"iat": NOW + 61},
    "iat null": {"iat": None},
    "sub missing": {"sub": ABSENT},
    "iss missing": {"iss": ABSENT},
    # OP-025
    "sub of another client": {"sub": "other"},
    "iss of another client": {"iss": "other"},
    # OP-024
    "jti missing": {"jti": ABSENT},
    "jti empty": {"jti": ""},
    "jti too long": {"jti": "j" * 256},
    "jti is a number": {"jti": 7},
    "jti is a list": {"jti": ["one"]},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_assertion_that_holds_is_accepted(case: str) -> None:
    checked = check_assertion(assertion(**ACCEPTED[case]), policy())
    assert checked.jti == ACCEPTED[case].get("jti", "one")


@pytest.mark.parametrize("case", REFUSED)
def test_an_assertion_that_does_not_hold_is_refused_without_saying_why(case: str) -> None:
    with pytest.raises(Denied) as refused:
        check_assertion(assertion(**REFUSED[case]), policy())
    assert refused.value.code == "invalid_client"
    assert refused.value.public == "Client authentication failed."


def test_the_token_endpoint_is_an_audience_for_clients_of_that_policy() -> None:
    compat = policy(ISSUER, f"{ISSUER}/token")
    assert check_assertion(assertion(aud=f"{ISSUER}/token"), compat).jti == "one"
    with pytest.raises(Denied):
        check_assertion(assertion(aud=[f"{ISSUER}/token"]), compat)


def test_a_used_jti_is_remembered_beyond_expiry_and_skew() -> None:
    assert check_assertion(assertion(exp=NOW + 300), policy()).replay_until > NOW + 300 + 60


def test_our_assertion_lives_a_minute_at_most_and_names_one_audience() -> None:
    profile = AssertionProfile(
        client_id="signet", audience="https://idp.example", lifetime_seconds=3_600
    )
    assert build_claims(profile, jti="j", now=NOW) == {
        "iss": "signet",
        "sub": "signet",
        "aud": "https://idp.example",
        "jti": "j",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 60,
    }


def test_extra_claims_never_displace_the_protocols_own() -> None:
    profile = AssertionProfile(
        client_id="signet",
        audience="https://idp.example",
        extra_claims={"aud": "evil", "exp": 0, "assertion_details": [1]},
    )
    claims = build_claims(profile, jti="j", now=NOW)
    assert claims["aud"] == "https://idp.example"
    assert claims["exp"] == NOW + 60
    assert claims["assertion_details"] == [1]
