"""Connections to Keycloak."""

import pytest
from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection, refusal_of

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
