"""What an administrator may register of a connection (contract, section 4)."""

import pytest

from signet.broker.connection import RESERVED_CLAIMS, RESERVED_PARAMETERS, Connection
from signet.errors import Rejected

NOW = 1_800_000_000


def parse(**members: object) -> Connection:
    document = {
        "name": "acme",
        "strategy": "oidc",
        "issuer": "https://idp.example",
        "client_id": "signet",
        **members,
    }
    present = {name: value for name, value in document.items() if value is not ...}
    return Connection.parse(present, connection_id="con_" + "a" * 26, now=NOW)


def test_defaults_are_the_strict_ones() -> None:
    connection = parse()
    assert connection.display_name == "acme"
    assert (connection.signing_alg, connection.id_token_alg) == ("RS256", "RS256")
    assert connection.assertion.audience == "issuer"
    assert connection.assertion.lifetime_seconds == 60
    assert connection.enabled
    assert connection.scopes == ("openid", "profile", "email")
    assert (connection.created_at, connection.updated_at) == (NOW, NOW)


def test_every_address_of_a_connection_carries_its_id() -> None:
    connection = parse()
    base = f"https://login.example/connections/{connection.id}"
    assert connection.redirect_uri("https://login.example") == f"{base}/callback"
    assert connection.jwks_uri("https://login.example") == f"{base}/jwks.json"


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ("issuer", "https://idp.example"),
        ("token_endpoint", "https://idp.example/token"),
        ("https://other.example/aud", "https://other.example/aud"),
    ],
)
def test_the_audience_of_assertions_is_one_settled_text(audience: str, expected: str) -> None:
    connection = parse(assertion={"audience": audience})
    profile = connection.assertion_profile(token_endpoint="https://idp.example/token")
    assert profile.audience == expected


REFUSED = {
    "no name": {"name": ...},
    "name in capitals": {"name": "Acme"},
    "name with a slash": {"name": "a/b"},
    "name of 65 characters": {"name": "a" * 65},
    "name is a number": {"name": 7},
    "display name that turns text around": {"display_name": "a\u202eb"},
    "another strategy": {"strategy": "saml"},
    "no issuer": {"issuer": ...},
    "issuer with a line break": {"issuer": "https://idp.example\n"},
    "issuer too long": {"issuer": "https://idp.example/" + "x" * 2_048},
    "enabled is a text": {"enabled": "yes"},
    "no openid": {"scopes": ["profile"]},
    "scope with a space": {"scopes": ["openid profile"]},
    "scopes is a text": {"scopes": "openid"},
    "1,001 scopes": {"scopes": ["openid"] * 1_001},
    "a scope too long": {"scopes": ["openid", "x" * 2_049]},
    "alg none": {"token_endpoint_auth_signing_alg": "none"},
    "alg HS256": {"id_token_signed_response_alg": "HS256"},
    "a secret's method": {"token_endpoint_auth_method": "client_secret_basic"},
    "audience over http": {"assertion": {"audience": "http://idp.example"}},
    "audience is a list": {"assertion": {"audience": ["https://idp.example"]}},
    "a long lifetime": {"assertion": {"lifetime_seconds": 61}},
    "a short lifetime": {"assertion": {"lifetime_seconds": 9}},
    "lifetime is true": {"assertion": {"lifetime_seconds": True}},
    "lifetime is a text": {"assertion": {"lifetime_seconds": "60"}},
    "another typ": {"assertion": {"typ": "at+jwt"}},
    "typ is a list": {"assertion": {"typ": ["JWT"]}},
    "a key header that is not known": {"assertion": {"key_headers": ["jwk"]}},
    "extra claims are a list": {"assertion": {"extra_claims": []}},
    "an unknown member of assertion": {"assertion": {"alg": "none"}},
    "assertion is a text": {"assertion": "issuer"},
    "a mapping that is no text": {"claims_map": {"email": ["mail"]}},
    "an unknown member": {"client_sercet": "x"},
    "domains are a text": {"domains": "example.org"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_document_that_does_not_hold_is_refused(case: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(**REFUSED[case])
    assert refused.value.code == "invalid_connection"


def test_a_secret_is_refused_by_its_name() -> None:
    with pytest.raises(Rejected) as refused:
        parse(client_secret="hunter2")
    assert refused.value.code == "client_secret_refused"
    assert "hunter2" not in str(refused.value)


def test_a_mapping_may_write_every_other_claim() -> None:
    mapping = {"email": "mail", "department": "dept"}
    assert parse(claims_map=mapping).claims_map == mapping


def test_a_connection_may_set_every_other_parameter() -> None:
    assert parse(upstream_params={"hd": "example.org"}).upstream_params == {"hd": "example.org"}


def test_a_provider_that_wants_no_typ_gets_none() -> None:
    assert parse(assertion={"typ": None}).assertion.typ is None


@pytest.mark.parametrize("claim", sorted(RESERVED_CLAIMS))
def test_no_mapping_writes_the_protocols_own_claims(claim: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(claims_map={claim: "mail"})
    assert claim in refused.value.public


@pytest.mark.parametrize("name", sorted(RESERVED_PARAMETERS))
def test_no_connection_sets_the_protocols_own_parameters(name: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(upstream_params={name: "x"})
    assert name in refused.value.public
