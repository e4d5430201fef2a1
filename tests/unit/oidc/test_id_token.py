"""The table of checks that a provider's ID token has to pass [OIDC Core 3.1.3.7]."""

import hashlib

import pytest

from signet.errors import Denied
from signet.jose import base64url
from signet.jose.jws import SignedClaims
from signet.oidc.id_token import (
    IdTokenPolicy,
    build_id_token_claims,
    check_id_token,
    half_hash,
)

NOW = 1_800_000_000
ISSUER = "https://idp.example/tenant1"
ABSENT = object()


def policy(**changes: object) -> IdTokenPolicy:
    members: dict[str, object] = {
        "issuer": ISSUER,
        "client_id": "signet",
        "nonce": "n-0S6_WzA2Mj",
        "alg": "RS256",
        "access_token": "the-access-token",
        "code": "the-code",
        "login_started": NOW - 30,
        "now": NOW,
        **changes,
    }
    return IdTokenPolicy(**members)  # type: ignore[arg-type]


def claims(**changes: object) -> dict[str, object]:
    members: dict[str, object] = {
        "iss": ISSUER,
        "sub": "user-1",
        "aud": "signet",
        "exp": NOW + 300,
        "iat": NOW - 5,
        "nonce": "n-0S6_WzA2Mj",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not ABSENT}


def check(members: dict[str, object], **changes: object) -> str:
    verified = SignedClaims(header={"alg": "RS256"}, claims=members)
    return check_id_token(verified, policy(**changes)).subject


ACCEPTED = {
    "plain": {},
    "audience as a list of one": {"aud": ["signet"]},
    "azp is us": {"azp": "signet"},
    "expired within the skew": {"exp": NOW - 30},
    "issued a little ahead": {"iat": NOW + 30},
    "not before, a little ahead": {"nbf": NOW + 30},
    "the right at_hash": {"at_hash": half_hash("the-access-token", alg="RS256")},
    "the right c_hash": {"c_hash": half_hash("the-code", alg="RS256")},
    "auth_time of long ago when nobody asked": {"auth_time": 1},
}

REFUSED = {
    # RP-041
    "iss missing": {"iss": ABSENT},
    "iss is a prefix": {"iss": "https://idp.example/tenant"},
    "iss has a suffix": {"iss": ISSUER + "/"},
    "iss in another case": {"iss": ISSUER.upper()},
    "iss over http": {"iss": ISSUER.replace("https", "http")},
    "iss is a list": {"iss": [ISSUER]},
    "iss of another tenant": {"iss": "https://idp.example/tenant2"},
    # RP-042
    "aud missing": {"aud": ABSENT},
    "aud of another client": {"aud": "other"},
    "aud empty": {"aud": []},
    "aud is an object": {"aud": {"signet": 1}},
    "a second audience": {"aud": ["signet", "other"]},
    "a second audience with azp": {"aud": ["signet", "other"], "azp": "signet"},
    "azp of another client": {"azp": "other"},
    "azp null": {"azp": None},
    # RP-044
    "exp missing": {"exp": ABSENT},
    "exp past": {"exp": NOW - 61},
    "exp in the year 2100": {"exp": 4_102_444_800},
    "exp is 1e308": {"exp": 1e308},
    "exp of thirty digits": {"exp": 10**30},
    "exp is a text": {"exp": "9999999999"},
    "exp is true": {"exp": True},
    "exp is not a number": {"exp": float("nan")},
    "iat missing": {"iat": ABSENT},
    "iat ahead": {"iat": NOW + 600},
    "iat a week ago": {"iat": NOW - 7 * 86_400},
    "iat negative": {"iat": -1},
    "nbf ahead": {"nbf": NOW + 600},
    "nbf is a text": {"nbf": "0"},
    "nbf is true": {"nbf": True},
    "nbf is a fraction": {"nbf": 0.5},
    "nbf negative": {"nbf": -1},
    # RP-045
    "nonce missing": {"nonce": ABSENT},
    "nonce empty": {"nonce": ""},
    "nonce of another login": {"nonce": "n-0S6_WzA2Mk"},
    "nonce with NUL": {"nonce": "n-0S6_WzA2Mj\x00"},
    "nonce is a number": {"nonce": 7},
    "nonce is not ASCII": {"nonce": "ñ"},
    # RP-046
    "at_hash of another token": {"at_hash": half_hash("another", alg="RS256")},
    "at_hash too long": {"at_hash": base64url.encode(hashlib.sha256(b"the-access-token").digest())},
    "at_hash of another hash": {"at_hash": half_hash("the-access-token", alg="RS512")},
    "at_hash null": {"at_hash": None},
    "c_hash of another code": {"c_hash": half_hash("another", alg="RS256")},
    # the rest of the table
    "sub missing": {"sub": ABSENT},
    "sub empty": {"sub": ""},
    "sub is a number": {"sub": 7},
    "sub too long": {"sub": "x" * 256},
    "auth_time ahead": {"auth_time": NOW + 600},
    "auth_time is a text": {"auth_time": "1"},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_id_token_that_holds_is_accepted(case: str) -> None:
    assert check(claims(**ACCEPTED[case])) == "user-1"


@pytest.mark.parametrize("case", REFUSED)
def test_an_id_token_that_does_not_hold_is_refused(case: str) -> None:
    with pytest.raises(Denied) as refused:
        check(claims(**REFUSED[case]))
    assert refused.value.code == "id_token"
    assert "nonce" not in refused.value.public


def test_there_is_no_login_without_a_nonce() -> None:
    with pytest.raises(Denied):
        check(claims(nonce=""), nonce="")


@pytest.mark.parametrize("auth_time", [ABSENT, NOW - 3_600])
def test_an_old_or_unknown_authentication_is_refused_when_max_age_was_asked(
    auth_time: object,
) -> None:
    with pytest.raises(Denied):
        check(claims(auth_time=auth_time), max_age=60)


def test_a_recent_authentication_is_accepted_when_max_age_was_asked() -> None:
    assert check(claims(auth_time=NOW - 30), max_age=60) == "user-1"


@pytest.mark.parametrize("acr", [ABSENT, "low", ["high"]])
def test_another_context_class_than_the_demanded_ones_is_refused(acr: object) -> None:
    with pytest.raises(Denied):
        check(claims(acr=acr), acr_values=("high", "higher"))


def test_a_demanded_context_class_is_accepted() -> None:
    assert check(claims(acr="high"), acr_values=("high",)) == "user-1"


def test_at_hash_is_the_one_of_the_specifications_example() -> None:
    # OIDC Core A.4 (the access token of the example, RS256).
    assert (
        half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", alg="RS256")
        == "77QmUPtjPfzWtF2AnpK9RQ"
    )


def test_profile_claims_never_displace_the_protocols_own() -> None:
    minted = build_id_token_claims(
        issuer="https://login.example",
        client_id="app",
        subject="s",
        nonce="n",
        now=NOW,
        login={"acr": "high", "connection": "acme"},
        profile={"iss": "evil", "sub": "evil", "aud": "evil", "exp": 1, "acr": "evil", "x": 1},
    )
    assert minted["iss"] == "https://login.example"
    assert (minted["sub"], minted["aud"], minted["acr"], minted["x"]) == ("s", "app", "high", 1)
    assert minted["exp"] == NOW + 3_600


def test_no_nonce_is_returned_when_none_was_sent() -> None:
    minted = build_id_token_claims(
        issuer="https://login.example",
        client_id="app",
        subject="s",
        nonce=None,
        now=NOW,
        login={},
        profile={},
    )
    assert "nonce" not in minted
