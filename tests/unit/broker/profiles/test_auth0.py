"""Connections to Auth0 as the identity provider."""

import pytest
from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection, refusal_of

ISSUER = "https://acme.eu.auth0.com/"
REFUSED = {
    "no slash at the end": {"issuer": "https://acme.eu.auth0.com"},
    "a path": {"issuer": "https://acme.eu.auth0.com/oauth/"},
    "a port": {"issuer": "https://acme.eu.auth0.com:443/"},
    "http": {"issuer": "http://acme.eu.auth0.com/"},
    "ES256": {"token_endpoint_auth_signing_alg": "ES256"},
    "RS512": {"token_endpoint_auth_signing_alg": "RS512"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_auth0_would_not_take_is_refused(case: str) -> None:
    assert refusal_of("auth0", REFUSED[case]).startswith("invalid_connection: ")


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(
        issuer=ISSUER, assertion={"typ": "JWT", "key_headers": []}, key_registration="manual"
    )
    assert but_strategy(connection("auth0")) == but_strategy(same)


def test_assertions_name_the_issuer_with_its_slash() -> None:
    made = connection("auth0")
    header, claims = assertion(made, token_endpoint="https://elsewhere.example/token")
    assert header == {"alg": "RS256", "typ": "JWT"}
    assert claims["aud"] == ISSUER
    assert set(claims) == CLAIMS


def test_no_kid_is_sent_that_auth0_did_not_make() -> None:
    assert connection("auth0").assertion.key_headers == ()
