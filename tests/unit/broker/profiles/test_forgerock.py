"""Connections to PingAM, once ForgeRock AM."""

from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection

ISSUER = "https://am.acme.example/am/oauth2/realms/root/realms/alpha"


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(issuer=ISSUER, assertion={"audience": "token_endpoint", "typ": "JWT"})
    assert but_strategy(connection("forgerock")) == but_strategy(same)


def test_assertions_name_the_realms_token_endpoint() -> None:
    header, claims = assertion(connection("forgerock"), token_endpoint=f"{ISSUER}/access_token")
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "the-kid"}
    assert claims["aud"] == f"{ISSUER}/access_token"
    assert set(claims) == CLAIMS


def test_a_realm_that_lists_its_issuer_as_an_audience_gets_that() -> None:
    made = connection("forgerock", assertion={"audience": "issuer"})
    _, claims = assertion(made, token_endpoint=f"{ISSUER}/access_token")
    assert claims["aud"] == ISSUER
