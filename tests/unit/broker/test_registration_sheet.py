"""The registration sheet: what a provider's administrator gets, and that it is true."""

import base64
import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from tests.support.broker import ISSUER, Broker

from signet.broker.connection import Connection, PinnedEndpoints
from signet.broker.profiles.registry import strategies
from signet.broker.registration_sheet import RegistrationSheet, registration_sheet

EVERY = pytest.mark.parametrize("strategy", strategies())


class Desk:
    """A registered connection of a strategy, with a current and a next key."""

    def __init__(self, strategy: str = "oidc", **members: object) -> None:
        self.broker = Broker()
        example = strategies()[strategy].example
        document = {"name": "acme", "strategy": strategy, "client_id": "signet-at-acme"}
        self.connection: Connection = self.broker.registration.create_connection(
            {**document, **example, **members}
        )
        alg = self.connection.signing_alg
        other = self.broker.connect("other", token_endpoint_auth_signing_alg=alg)
        keyrings = self.broker.keyrings.items
        self.keyring = replace(keyrings[self.connection.id], next=keyrings[other.id].current)

    def sheet(self) -> RegistrationSheet:
        return registration_sheet(self.connection, self.keyring, issuer=ISSUER)


@EVERY
def test_the_sheet_has_the_connections_own_addresses_and_values(strategy: str) -> None:
    desk = Desk(strategy)
    sheet, base = desk.sheet(), f"{ISSUER}/connections/{desk.connection.id}"
    assert (sheet.redirect_uri, sheet.jwks_uri) == (f"{base}/callback", f"{base}/jwks.json")
    assert sheet.client_id == "signet-at-acme"
    assert sheet.token_endpoint_auth_signing_alg == desk.connection.signing_alg
    assert sheet.scopes == desk.connection.scopes
    assert sheet.provider == strategies()[strategy].title


@EVERY
def test_every_step_is_filled_in(strategy: str) -> None:
    sheet = Desk(strategy).sheet()
    text = " ".join(sheet.steps)
    assert sheet.redirect_uri in text
    assert not set("{}") & set(text)
    assert len(sheet.steps) == len(strategies()[strategy].steps)
    if sheet.key_form == "jwks_uri":
        assert sheet.jwks_uri in text


@EVERY
def test_the_sheet_is_json_that_says_the_same(strategy: str) -> None:
    desk = Desk(strategy)
    document = json.loads(json.dumps(desk.sheet().as_dict()))
    assert document["redirect_uri"] == desk.sheet().redirect_uri
    assert [key["state"] for key in document["keys"]] == ["current", "next"]
    assert document["assertion"]["key_headers"] == list(desk.connection.assertion.key_headers)
    assert document["keys"][0]["certificate"]["pem"].startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("alg", ["RS256", "PS384", "ES256", "ES512"])
def test_the_jwk_and_the_pem_are_the_key_that_is_published(alg: str) -> None:
    desk = Desk(token_endpoint_auth_signing_alg=alg)
    current, following = desk.sheet().keys
    assert json.loads(desk.keyring.jwks())["keys"] == [dict(following.jwk), dict(current.jwk)]
    private = desk.broker.kms.keys[desk.keyring.current.key_id]
    assert load_pem_public_key(current.public_key_pem.encode()) == private.public_key()
    assert (current.kid, current.alg) == (desk.keyring.current.kid, alg)


def test_the_key_that_signs_comes_first_and_the_one_before_last() -> None:
    desk = Desk()
    desk.keyring = replace(desk.keyring, previous=desk.keyring.current)
    assert [key.state for key in desk.sheet().keys] == ["current", "next", "previous"]
    desk.keyring = replace(desk.keyring, next=None, previous=None)
    assert [key.state for key in desk.sheet().keys] == ["current"]


def test_a_certificate_comes_with_the_thumbprints_that_consoles_show() -> None:
    desk = Desk("entra")
    der = base64.b64decode(desk.keyring.current.certificate or "")
    current = desk.sheet().keys[0]
    assert current.certificate is not None
    shown = load_pem_x509_certificate(current.certificate.pem.encode())
    assert shown.public_bytes(Encoding.DER) == der
    assert bytes.fromhex(current.certificate.thumbprint_sha256) == shown.fingerprint(SHA256())
    # As every console writes it; SHA-1 names the certificate and protects nothing.
    sha1 = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    assert current.certificate.thumbprint_sha1 == sha1


def test_the_audience_is_the_one_that_assertions_have() -> None:
    assert Desk().sheet().assertion.audience == "https://idp.example"
    written = {"audience": "https://elsewhere.example/token"}
    assert Desk(assertion=written).sheet().assertion.audience == written["audience"]
    desk = Desk("okta")
    assert desk.sheet().assertion.audience == "token_endpoint"
    token_endpoint = "https://acme.okta.com/oauth2/v1/token"
    pinned = PinnedEndpoints(
        authorization_endpoint="https://acme.okta.com/oauth2/v1/authorize",
        token_endpoint=token_endpoint,
        jwks_uri="https://acme.okta.com/oauth2/v1/keys",
        userinfo_endpoint=None,
        pushed_authorization_request_endpoint=None,
        iss_parameter_supported=False,
        pinned_at=1_800_000_000,
    )
    desk.connection = replace(desk.connection, endpoints=pinned)
    assert desk.sheet().assertion.audience == token_endpoint


def test_keys_of_a_provider_that_takes_addresses_may_be_entered_by_hand_all_the_same() -> None:
    assert (Desk().sheet().key_form, Desk().sheet().keys_by_hand) == ("jwks_uri", False)
    sheet = Desk(key_registration="manual").sheet()
    assert (sheet.key_form, sheet.keys_by_hand) == ("jwks", True)
    assert Desk("entra").sheet().key_form == "certificate"
