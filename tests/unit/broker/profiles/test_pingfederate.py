"""Connections to PingFederate."""

from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection

ISSUER = "https://sso.acme.example"


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(issuer=ISSUER, assertion={"typ": "JWT"})
    assert but_strategy(connection("pingfederate")) == but_strategy(same)


def test_assertions_name_the_issuer_until_the_token_endpoint_is_chosen() -> None:
    made = connection("pingfederate")
    header, claims = assertion(made, token_endpoint=f"{ISSUER}/as/token.oauth2")
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "the-kid"}
    assert claims["aud"] == ISSUER
    assert set(claims) == CLAIMS
    chosen = connection("pingfederate", assertion={"audience": "token_endpoint"})
    _, claims = assertion(chosen, token_endpoint=f"{ISSUER}/as/token.oauth2")
    assert claims["aud"] == f"{ISSUER}/as/token.oauth2"
