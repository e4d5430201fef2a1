"""Connections to GOV.UK One Login."""

import pytest
from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection, refusal_of

ISSUER = "https://oidc.integration.account.gov.uk/"


def test_production_and_integration_are_the_issuers() -> None:
    assert connection("govuk_one_login").issuer == ISSUER
    production = connection("govuk_one_login", issuer="https://oidc.account.gov.uk/")
    assert production.issuer == "https://oidc.account.gov.uk/"


REFUSED = {
    "ES256": {"token_endpoint_auth_signing_alg": "ES256"},
    "PS256": {"token_endpoint_auth_signing_alg": "PS256"},
    "an empty vtr": {"upstream_params": {"vtr": ""}},
    "no slash at the end": {"issuer": "https://oidc.account.gov.uk"},
    "another environment": {"issuer": "https://oidc.staging.account.gov.uk/"},
    "a host below": {"issuer": "https://oidc.account.gov.uk.evil.example/"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_gov_uk_one_login_would_not_take_is_refused(case: str) -> None:
    assert refusal_of("govuk_one_login", REFUSED[case]).startswith("invalid_connection: ")


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(
        issuer=ISSUER,
        assertion={"typ": "JWT"},
        id_token_signed_response_alg="ES256",
        request_headers={"User-Agent": "Signet"},
        scopes=["openid", "email"],
        upstream_params={"vtr": '["Cl.Cm"]'},
    )
    assert but_strategy(connection("govuk_one_login")) == but_strategy(same)


def test_assertions_name_the_issuer_with_its_slash_and_the_key() -> None:
    header, claims = assertion(connection("govuk_one_login"), token_endpoint=f"{ISSUER}token")
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "the-kid"}
    assert claims["aud"] == ISSUER
    assert set(claims) == CLAIMS


def test_another_vector_of_trust_takes_the_place_of_the_usual_one() -> None:
    vtr = '["Cl.Cm.P2"]'
    made = connection("govuk_one_login", upstream_params={"vtr": vtr, "ui_locales": "cy"})
    assert made.upstream_params == {"vtr": vtr, "ui_locales": "cy"}


def test_every_request_brings_a_user_agent_or_is_refused_with_403() -> None:
    made = connection("govuk_one_login", request_headers={"x-trace": "1"})
    assert made.request_headers == {"user-agent": "Signet", "x-trace": "1"}
