"""Connections to Login.gov."""

import pytest
from tests.support.broker import Broker
from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection, refusal_of

ISSUER = "https://idp.int.identitysandbox.gov/"
TOKEN = f"{ISSUER}api/openid_connect/token"
PARAMS = {"acr_values": "urn:acr.login.gov:auth-only"}


def test_production_and_sandbox_are_the_issuers() -> None:
    assert connection("login_gov").issuer == ISSUER
    production = connection("login_gov", issuer="https://secure.login.gov/")
    assert production.issuer == "https://secure.login.gov/"


REFUSED = {
    "no acr_values": {"upstream_params": ...},
    "empty parameters": {"upstream_params": {}},
    "empty acr_values": {"upstream_params": {"acr_values": ""}},
    "acr_values of null": {"upstream_params": {"acr_values": None}},
    "parameters of null": {"upstream_params": None},
    "parameters as a text": {"upstream_params": "acr_values"},
    "ES256": {"token_endpoint_auth_signing_alg": "ES256"},
    "PS256": {"token_endpoint_auth_signing_alg": "PS256"},
    "RS384": {"token_endpoint_auth_signing_alg": "RS384"},
    "no slash at the end": {"issuer": "https://secure.login.gov"},
    "a host below": {"issuer": "https://secure.login.gov.evil.example/"},
    "another host": {"issuer": "https://login.gov/"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_login_gov_would_not_take_is_refused(case: str) -> None:
    assert refusal_of("login_gov", REFUSED[case]).startswith("invalid_connection: ")


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(
        issuer=ISSUER,
        assertion={"audience": "token_endpoint", "typ": "JWT", "key_headers": []},
        key_registration="manual",
        scopes=["openid", "email"],
        upstream_params=PARAMS,
    )
    assert but_strategy(connection("login_gov")) == but_strategy(same)


def test_assertions_name_its_token_endpoint() -> None:
    header, claims = assertion(connection("login_gov"), token_endpoint=TOKEN)
    assert header == {"alg": "RS256", "typ": "JWT"}
    assert claims["aud"] == TOKEN
    assert set(claims) == CLAIMS


def test_state_and_nonce_are_as_long_as_login_gov_demands() -> None:
    broker = Broker()
    broker.connect(upstream_params=PARAMS)
    query = broker.register_app().begin().query
    assert len(query["state"]) >= 22
    assert len(query["nonce"]) >= 22
    assert query["acr_values"] == PARAMS["acr_values"]
