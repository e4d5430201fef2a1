"""Connections to Microsoft Entra ID."""

import pytest
from tests.support.profiles import (
    CLAIMS,
    THUMBPRINT,
    assertion,
    but_strategy,
    by_hand,
    connection,
    refusal_of,
)

from signet.broker.profiles.registry import strategies

TENANT = "11111111-2222-4333-8444-555555555555"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
TOKEN = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"


@pytest.mark.parametrize("members", [{}, {"tenant_id": ..., "issuer": ISSUER}])
def test_the_tenant_makes_the_issuer(members: dict[str, object]) -> None:
    assert connection("entra", **members).issuer == ISSUER


REFUSED = {
    "no tenant": {"tenant_id": ...},
    "a domain": {"tenant_id": "acme.onmicrosoft.com"},
    "every organization": {"tenant_id": "organizations"},
    "every account": {"tenant_id": "common"},
    "capitals": {"tenant_id": "11111111-2222-4333-8444-55555555555A"},
    "braces": {"tenant_id": f"{{{TENANT}}}"},
    "a path": {"tenant_id": f"{TENANT}/../x"},
    "a line break": {"tenant_id": f"{TENANT}\n"},
    "another issuer beside the tenant": {"issuer": ISSUER.replace("1", "2")},
    "an issuer of version 1": {
        "tenant_id": ...,
        "issuer": f"https://sts.windows.net/{TENANT}/",
    },
    "the issuer that stands for every tenant": {
        "tenant_id": ...,
        "issuer": "https://login.microsoftonline.com/common/v2.0",
    },
    "ES256": {"token_endpoint_auth_signing_alg": "ES256"},
    "PS512": {"token_endpoint_auth_signing_alg": "PS512"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_entra_would_not_take_is_refused(case: str) -> None:
    assert refusal_of("entra", REFUSED[case]).startswith("invalid_connection: ")


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(
        issuer=ISSUER,
        token_endpoint_auth_signing_alg="PS256",
        assertion={"audience": "token_endpoint", "typ": "JWT", "key_headers": ["x5t#S256"]},
        key_registration="manual",
    )
    assert but_strategy(connection("entra")) == but_strategy(same)


def test_assertions_are_those_of_its_certificate_credentials() -> None:
    made = connection("entra")
    header, claims = assertion(made, token_endpoint=TOKEN)
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": THUMBPRINT}
    assert claims["aud"] == TOKEN
    assert set(claims) == CLAIMS


def test_a_key_is_named_by_its_certificate_and_never_by_a_kid_that_entra_does_not_know() -> None:
    assert connection("entra").assertion.key_headers == ("x5t#S256",)


def test_the_numbers_of_its_refusals_are_told_apart() -> None:
    explain = strategies()["entra"].explain
    for number in ("5002723", "700027", "700024", "700016", "50027", "50011", "90002"):
        assert explain(f"AADSTS{number}: Trace ID: 1") is not None
    assert explain("AADSTS7000215: Invalid client secret provided.") is None
