"""Access tokens of ours, held against what a resource demands [RFC 9068 4]."""

import pytest

from signet.errors import Denied
from signet.jose.jws import SignedClaims
from signet.oauth.access_token import (
    AccessTokenPolicy,
    build_access_token_claims,
    check_access_token,
    read_presented,
)

NOW = 1_800_000_000
ISSUER = "https://login.example"
POLICY = AccessTokenPolicy(issuer=ISSUER, audience=ISSUER, scope="openid", now=NOW)


def claims(**changes: object) -> dict[str, object]:
    minted = build_access_token_claims(
        issuer=ISSUER,
        subject="s",
        audience=ISSUER,
        client_id="app",
        scope=("openid", "email"),
        grant_id="g",
        jti="j",
        now=NOW,
        login={"acr": "high", "amr": ["pwd"], "connection": "acme"},
    )
    return {name: value for name, value in {**minted, **changes}.items() if value is not ...}


def test_what_we_mint_holds_and_says_only_what_it_has_to() -> None:
    check_access_token(SignedClaims(header={}, claims=claims()), POLICY)
    assert (claims()["acr"], claims()["amr"]) == ("high", ["pwd"])
    assert "connection" not in claims()
    assert "auth_time" not in claims()


REFUSED = {
    "iss missing": ({"iss": ...}, "invalid_token"),
    "iss of another": ({"iss": "https://evil.example"}, "invalid_token"),
    "aud missing": ({"aud": ...}, "invalid_token"),
    "aud of another resource": ({"aud": "https://api.example"}, "invalid_token"),
    "aud is a list": ({"aud": [ISSUER]}, "invalid_token"),
    "exp missing": ({"exp": ...}, "invalid_token"),
    "exp is now": ({"exp": NOW}, "invalid_token"),
    "exp is true": ({"exp": True}, "invalid_token"),
    "exp is a text": ({"exp": "9999999999"}, "invalid_token"),
    "exp is 1e308": ({"exp": 1e308}, "invalid_token"),
    "scope missing": ({"scope": ...}, "insufficient_scope"),
    "scope of something else": ({"scope": "email openid2"}, "insufficient_scope"),
    "scope is a list": ({"scope": ["openid"]}, "insufficient_scope"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_token_that_does_not_hold_is_refused(case: str) -> None:
    changes, code = REFUSED[case]
    with pytest.raises(Denied) as refused:
        check_access_token(SignedClaims(header={}, claims=claims(**changes)), POLICY)
    assert refused.value.code == code


@pytest.mark.parametrize("scheme", ["Bearer", "bEARER", "BEARER", "DPoP", "dpop", "DPOP", "dPoP"])
def test_the_scheme_is_of_any_case(scheme: str) -> None:
    assert read_presented(f"{scheme} abc") == (scheme.lower(), "abc")


@pytest.mark.parametrize(
    "header", [None, "", "abc", "Bearer", "Bearer ", "DPoP ", "Basic abc", "DPoP a b", "DPoPabc"]
)
def test_a_header_without_a_token_of_ours_is_refused(header: str | None) -> None:
    with pytest.raises(Denied) as refused:
        read_presented(header)
    assert refused.value.code == "invalid_token"
