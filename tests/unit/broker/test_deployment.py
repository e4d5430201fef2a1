"""A fresh deployment, and keys that have to be proved before anybody trusts them."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from tests.support.broker import App, Broker
from tests.support.software_kms import SoftwareKms

from signet.broker.client import MANAGEMENT_SCOPES
from signet.broker.deployment import ADMIN_CLIENT_ID
from signet.broker.keyring import ISSUER, Keyring
from signet.errors import Misconfigured, Rejected
from signet.jose.algorithms import algorithm


def test_a_second_deployment_replaces_no_keyring() -> None:
    broker = Broker()
    before = broker.keyrings.get(ISSUER)
    replace(broker.initialize, issuer_key_id="another")()
    assert broker.keyrings.get(ISSUER) == before


def test_the_administrator_is_a_client_without_logins() -> None:
    broker = Broker()
    replace(broker.initialize, admin_jwks={"keys": [App(broker).jwk]})()
    admin = broker.clients.get(ADMIN_CLIENT_ID)
    assert admin is not None
    assert admin.grant_types == ("client_credentials",)
    assert admin.scopes == MANAGEMENT_SCOPES
    assert not admin.redirect_uris
    assert not admin.allows("acme")


def test_the_administrators_keys_are_held_to_the_same_rules() -> None:
    broker = Broker()
    with pytest.raises(Rejected):
        replace(broker.initialize, admin_jwks={"keys": [{"kty": "oct", "k": "AAAA"}]})()
    assert not broker.clients.items


class Swapped(SoftwareKms):
    """Gives away the public half of another key than the one that signs."""

    def public_key(self, key_id: str) -> bytes:
        other = self.keys[self.create_key(algorithm=algorithm("RS256"), tags={})]
        return other.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def test_a_key_that_others_could_not_verify_never_enters_a_keyring() -> None:
    broker = Broker()
    swapped = Swapped()
    swapped.create_key(algorithm=algorithm("RS256"), tags={})
    with pytest.raises(Misconfigured) as refused:
        replace(
            broker.registration, creation=replace(broker.creation, kms=swapped)
        ).create_connection(
            {
                "name": "acme",
                "strategy": "oidc",
                "issuer": "https://idp.example",
                "client_id": "signet",
            }
        )
    assert refused.value.code == "key_not_proved"
    assert not broker.connections.items


def test_a_jwks_shows_every_key_of_the_keyring_and_only_public_members() -> None:
    broker = Broker()
    keyring = broker.keyrings.get(ISSUER)
    other = broker.keyrings.get(broker.connect().id)
    assert keyring is not None
    assert other is not None
    both = Keyring(owner=ISSUER, version=2, current=keyring.current, next=other.current)
    shown = json.loads(both.jwks())["keys"]
    assert [key["kid"] for key in shown] == [other.current.kid, keyring.current.kid]
    assert all(set(key) == {"kty", "n", "e", "kid", "alg", "use"} for key in shown)
    assert both.jwks() == replace(both).jwks()
