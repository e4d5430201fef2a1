"""Connections to Keycloak."""

import pytest
from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection, refusal_of

from signet.broker.profiles.keycloak import PROFILE

ISSUER = "https://sso.acme.example/realms/staff"


@pytest.mark.parametrize(
    "issuer",
    [
        "https://sso.acme.example/auth/realms/staff",
        "https://sso.acme.example/realms/Staff%20of%20Acme",
        "http://127.0.0.1:8443/realms/master",
    ],
)
def test_a_realms_address_is_its_issuer(issuer: str) -> None:
    assert connection("keycloak", issuer=issuer).issuer == issuer


REFUSED = {
    "a slash at the end": {"issuer": f"{ISSUER}/"},
    "no realm": {"issuer": "https://sso.acme.example"},
    "a realm without a name": {"issuer": "https://sso.acme.example/realms/"},
    "an endpoint of the realm": {"issuer": f"{ISSUER}/protocol/openid-connect/token"},
    "a realm above": {"issuer": "https://sso.acme.example/realms/.."},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_realm_is_refused(case: str) -> None:
    assert refusal_of("keycloak", REFUSED[case]).startswith("invalid_connection: ")


def test_it_is_an_oidc_connection_without_further_members() -> None:
    assert but_strategy(connection("keycloak")) == but_strategy(by_hand(issuer=ISSUER))


def test_assertions_name_the_realm_and_live_a_minute() -> None:
    header, claims = assertion(
        connection("keycloak"), token_endpoint=f"{ISSUER}/protocol/openid-connect/token"
    )
    assert header == {"alg": "RS256", "typ": "client-authentication+jwt", "kid": "the-kid"}
    assert claims["aud"] == ISSUER
    assert claims["exp"] - claims["iat"] == 60
    assert set(claims) == CLAIMS


def test_a_made_up_code_tells_a_good_assertion_from_a_bad_one() -> None:
    assert PROFILE.made_up_code == "invalid_grant"


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("invalid_client: Invalid token audience", "check issuer, letter by letter"),
        ("Client authentication with signed JWT failed: Signature on JWT token failed validation",
         "check the client's JWKS URL"),
        ("Unable to load public key", "switch Use JWKS URL on"),
        ("Client authentication with signed JWT failed: Error when loading public keys: …",
         "Keycloak cannot read the JWKS URL"),
        ("Invalid client or Invalid client credentials", "check client_id"),
    ],
)  # fmt: skip
def test_what_keycloak_says_is_put_in_plain_words(said: str, plain: str) -> None:
    assert plain in (PROFILE.explain(said) or "")
