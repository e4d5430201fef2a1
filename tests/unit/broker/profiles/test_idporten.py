"""Connections to ID-porten."""

from dataclasses import replace

import pytest
from tests.support.broker import Broker
from tests.support.profiles import CLAIMS, assertion, but_strategy, by_hand, connection, refusal_of

ISSUER = "https://test.idporten.no"


def test_production_and_test_are_the_issuers() -> None:
    assert connection("idporten").issuer == ISSUER
    production = connection("idporten", issuer="https://idporten.no")
    assert production.issuer == "https://idporten.no"


REFUSED = {
    "a slash at the end": {"issuer": "https://idporten.no/"},
    "another host": {"issuer": "https://login.idporten.no"},
    "a host below": {"issuer": "https://idporten.no.evil.example"},
    "ES256": {"token_endpoint_auth_signing_alg": "ES256"},
    "PS256": {"token_endpoint_auth_signing_alg": "PS256"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_id_porten_would_not_take_is_refused(case: str) -> None:
    assert refusal_of("idporten", REFUSED[case]).startswith("invalid_connection: ")


def test_it_is_an_oidc_connection_with_these_members() -> None:
    same = by_hand(
        issuer=ISSUER,
        assertion={"typ": "JWT"},
        key_registration="manual",
        scopes=["openid", "profile"],
    )
    assert but_strategy(connection("idporten")) == but_strategy(same)


def test_assertions_name_the_issuer_without_a_slash_and_the_key() -> None:
    header, claims = assertion(
        connection("idporten"), token_endpoint="https://test.idporten.no/token"
    )
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "the-kid"}
    assert claims["aud"] == ISSUER
    assert set(claims) == CLAIMS


def test_a_keyring_never_holds_more_keys_than_the_five_that_id_porten_keeps() -> None:
    broker = Broker()
    made = broker.connect()
    keyring = broker.keyrings.items[made.id]
    full = replace(keyring, next=keyring.current, previous=keyring.current)
    assert len(full.published()) <= 5
