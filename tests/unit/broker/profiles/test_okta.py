"""Connections to Okta."""

import pytest
from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection, refusal_of

TOKEN = "https://acme.okta.com/oauth2/v1/token"


@pytest.mark.parametrize(
    ("members", "issuer"),
    [
        ({"okta_domain": "acme.okta.com"}, "https://acme.okta.com"),
        ({"okta_domain": "login.acme.example"}, "https://login.acme.example"),
        (
            {"okta_domain": "acme.okta.com", "authorization_server": "default"},
            "https://acme.okta.com/oauth2/default",
        ),
        (
            {"okta_domain": "acme.okta.com", "authorization_server": "ausAbc_1-2"},
            "https://acme.okta.com/oauth2/ausAbc_1-2",
        ),
        (
            {"okta_domain": ..., "issuer": "https://acme.okta.com/oauth2/default"},
            "https://acme.okta.com/oauth2/default",
        ),
    ],
)
def test_the_domain_and_the_authorization_server_make_the_issuer(
    members: dict[str, object], issuer: str
) -> None:
    assert connection("okta", **members).issuer == issuer


REFUSED = {
    "no domain": {"okta_domain": ...},
    "an address": {"okta_domain": "https://acme.okta.com"},
    "a slash": {"okta_domain": "acme.okta.com/"},
    "a path": {"okta_domain": "acme.okta.com/oauth2/default"},
    "capitals": {"okta_domain": "Acme.okta.com"},
    "a port": {"okta_domain": "acme.okta.com:8443"},
    "user-info": {"okta_domain": "a@acme.okta.com"},
    "one label": {"okta_domain": "localhost"},
    "a line break": {"okta_domain": "acme.okta.com\n"},
    "a number": {"okta_domain": 1},
    "an authorization server with a slash": {"authorization_server": "default/"},
    "an authorization server above": {"authorization_server": ".."},
    "an empty authorization server": {"authorization_server": ""},
    "an authorization server alone": {"okta_domain": ..., "authorization_server": "default"},
    "another issuer beside the domain": {"issuer": "https://beta.okta.com"},
    "an issuer with a slash": {"okta_domain": ..., "issuer": "https://acme.okta.com/"},
    "PS256": {"token_endpoint_auth_signing_alg": "PS256"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_okta_would_not_take_is_refused(case: str) -> None:
    assert refusal_of("okta", REFUSED[case]).startswith("invalid_connection: ")


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(
        issuer="https://acme.okta.com",
        assertion={"audience": "token_endpoint", "typ": "JWT"},
        pushed_authorization="never",
    )
    assert but_strategy(connection("okta")) == but_strategy(same)


def test_assertions_name_the_endpoint_that_is_called() -> None:
    header, claims = assertion(connection("okta"), token_endpoint=TOKEN)
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "the-kid"}
    assert claims["aud"] == TOKEN
    assert set(claims) == CLAIMS


def test_nothing_is_pushed_where_okta_would_want_another_audience() -> None:
    assert connection("okta").pushed_authorization == "never"
