"""Connections to Curity Identity Server."""

from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection

ISSUER = "https://login.acme.example/oauth/v2/oauth-anonymous"


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(issuer=ISSUER, assertion={"typ": "JWT"})
    assert but_strategy(connection("curity")) == but_strategy(same)


def test_assertions_name_the_issuer() -> None:
    header, claims = assertion(
        connection("curity"), token_endpoint="https://login.acme.example/oauth/v2/oauth-token"
    )
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "the-kid"}
    assert claims["aud"] == ISSUER
    assert set(claims) == CLAIMS
