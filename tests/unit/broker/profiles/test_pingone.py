"""Connections to PingOne."""

import pytest
from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection, refusal_of

ISSUER = "https://auth.pingone.eu/11111111-2222-4333-8444-555555555555/as"


def test_a_custom_domain_has_no_environment_in_its_path() -> None:
    made = connection("pingone", issuer="https://login.acme.example/as")
    assert made.issuer == "https://login.acme.example/as"


REFUSED = {
    "no /as": {"issuer": "https://auth.pingone.eu/11111111-2222-4333-8444-555555555555"},
    "a slash at the end": {"issuer": f"{ISSUER}/"},
    "the token endpoint": {"issuer": f"{ISSUER}/token"},
    "no id of an environment": {"issuer": "https://auth.pingone.eu/acme/as"},
    "http": {"issuer": ISSUER.replace("https", "http")},
    "a port": {"issuer": "https://login.acme.example:8443/as"},
    "ES256": {"token_endpoint_auth_signing_alg": "ES256"},
    "PS256": {"token_endpoint_auth_signing_alg": "PS256"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_pingone_would_not_take_is_refused(case: str) -> None:
    assert refusal_of("pingone", REFUSED[case]).startswith("invalid_connection: ")


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(issuer=ISSUER, assertion={"typ": "JWT"})
    assert but_strategy(connection("pingone")) == but_strategy(same)


def test_assertions_name_the_issuer() -> None:
    header, claims = assertion(connection("pingone"), token_endpoint=f"{ISSUER}/token")
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "the-kid"}
    assert claims["aud"] == ISSUER
    assert set(claims) == CLAIMS
