"""What an administrator may register of a client (contract, section 4)."""

from dataclasses import replace

import pytest
from tests.support.broker import App, Broker

from signet.broker.client import Client
from signet.broker.client_document import settable_members
from signet.errors import Rejected
from signet.oauth.http_message import DestinationRefused

KEYS = {"keys": [App(Broker()).jwk]}


def parse(**members: object) -> Client:
    document = {
        "name": "App",
        "redirect_uris": ["https://app.example/cb"],
        "jwks": KEYS,
        **members,
    }
    present = {name: value for name, value in document.items() if value is not ...}
    return Client.parse(present, client_id="app_x", allow_loopback=False, now=1_800_000_000)


def test_defaults_are_the_strict_ones() -> None:
    client = parse()
    assert client.client_id == "app_x"
    assert client.grant_types == ("authorization_code",)
    assert (client.assertion_alg, client.assertion_audience) == ("ES256", "issuer")
    assert client.enabled
    assert client.jwks_uri is None


def test_a_client_may_publish_its_keys_instead() -> None:
    client = parse(jwks=..., jwks_uri="https://app.example/keys")
    assert (client.jwks, client.jwks_uri) == (None, "https://app.example/keys")


REFUSED = {
    "a space in client_id": {"client_id": "a b"},
    "no name": {"name": ...},
    "name with a control character": {"name": "a\x00b"},
    "no keys at all": {"jwks": ...},
    "keys and their address": {"jwks_uri": "https://app.example/keys"},
    "keys are a list": {"jwks": []},
    "a symmetric key": {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
    "an empty set": {"jwks": {"keys": []}},
    "an address of keys that is a script": {"jwks": ..., "jwks_uri": "javascript:alert(1)"},
    "an address of keys that is a list": {"jwks": ..., "jwks_uri": ["https://app.example/"]},
    "no redirect URI": {"redirect_uris": ...},
    "redirect_uris is a text": {"redirect_uris": "https://app.example/cb"},
    "another grant type": {"grant_types": ["implicit"]},
    "another scope": {"scopes": ["openid", "admin"]},
    "HS256": {"token_endpoint_auth_signing_alg": "HS256"},
    "a secret's method": {"token_endpoint_auth_method": "client_secret_post"},
    "connections is a text": {"connections": "acme"},
    "enabled is a number": {"enabled": 1},
    "sign-outs told at a list": {"backchannel_logout_uri": ["https://app.example/out"]},
    "sign-outs told by a script": {"backchannel_logout_uri": "javascript:alert(1)"},
    "session required as a text": {"backchannel_logout_session_required": "yes"},
    "an unknown member": {"logo": "x"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_document_that_does_not_hold_is_refused(case: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(**REFUSED[case])
    assert refused.value.code == "invalid_client_metadata"


@pytest.mark.parametrize("name", ["redirect_uris", "post_logout_redirect_uris"])
def test_an_address_to_return_to_is_checked(name: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(**{name: ["https://app.example/cb", "http://app.example/cb"]})
    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "uri",
    ["http://app.example/out", "https://127.0.0.1/out", "https://a@app.example/", "https://x/"],
)
def test_the_address_that_is_told_of_sign_outs_is_held_to_the_same_rules(uri: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(backchannel_logout_uri=uri)
    assert refused.value.code == "invalid_redirect_uri"


def test_a_client_is_told_of_sign_outs_where_it_says_so() -> None:
    assert parse().backchannel_logout_uri is None
    assert parse(backchannel_logout_uri=None).backchannel_logout_uri is None
    told = parse(
        backchannel_logout_uri="https://app.example/out", backchannel_logout_session_required=True
    )
    assert told.backchannel_logout_uri == "https://app.example/out"
    assert told.backchannel_logout_session_required
    assert (
        Client.parse(
            settable_members(told), client_id="app_x", allow_loopback=False, now=1_800_000_000
        )
        == told
    )


def test_a_secret_is_refused_by_its_name() -> None:
    with pytest.raises(Rejected) as refused:
        parse(client_secret="hunter2")
    assert refused.value.code == "client_secret_refused"


@pytest.mark.parametrize(
    ("connections", "acme", "beta"),
    [
        (..., True, True),
        ("*", True, True),
        (None, True, True),
        (["acme"], True, False),
        ([], False, False),
    ],
)
def test_a_client_uses_the_connections_that_it_was_given(
    connections: object, acme: object, beta: object
) -> None:
    client = parse(connections=connections)
    assert (client.allows("acme"), client.allows("beta")) == (acme, beta)


# --- registering ---


class Closed:
    """Nothing may be reached from here."""

    def check(self, url: str) -> None:
        raise DestinationRefused("a private address")


def test_addresses_that_must_not_be_called_are_not_registered() -> None:
    broker = Broker()
    registration = replace(broker.registration, destinations=Closed())
    client = {
        "name": "App",
        "redirect_uris": ["https://app.example/cb"],
        "jwks_uri": "https://169.254.169.254/",
    }
    connection = {
        "name": "acme",
        "strategy": "oidc",
        "issuer": "https://169.254.169.254",
        "client_id": "signet",
    }
    for refuse in (
        lambda: registration.register_client(client),
        lambda: registration.create_connection(connection),
    ):
        with pytest.raises(DestinationRefused) as refused:
            refuse()
        assert refused.value.public == "This address cannot be used."
    assert not broker.connections.items
    assert not broker.clients.items
    assert len(broker.kms.keys) == 1  # the issuer's: a refused document leaves no key behind


@pytest.mark.parametrize(
    "issuer", ["https://idp.example?x=1", "https://idp.example#", "https://idp.example/?"]
)
def test_an_issuer_has_no_query_and_no_fragment(issuer: str) -> None:
    with pytest.raises(Rejected) as refused:
        Broker().connect(issuer=issuer)
    assert refused.value.code == "invalid_connection"


def test_names_and_client_ids_are_given_once() -> None:
    broker = Broker()
    broker.connect()
    broker.register_app()
    with pytest.raises(Rejected) as name:
        broker.connect()
    with pytest.raises(Rejected) as client_id:
        broker.register_app()
    assert (name.value.code, client_id.value.code) == ("name_taken", "client_id_taken")


def test_a_connections_key_is_tagged_with_its_deployment_purpose_and_connection() -> None:
    broker = Broker()
    connection = broker.connect()
    keyring = broker.keyrings.get(connection.id)
    assert keyring is not None
    assert broker.kms.tags[keyring.current.key_id] == {
        "signet:stack": "test",
        "signet:purpose": "connection",
        "signet:connection": connection.id,
        "signet:operation": "register",
    }
