"""An address that Signet must never call is refused when it is saved (RP-074 to RP-082, MG-002)."""

from dataclasses import replace

import pytest
from tests.support.broker import ISSUER as OWN
from tests.support.broker import REDIRECT_URI, App, Broker
from tests.unit.adapters.fetcher.test_destination import REFUSED

from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.errors import Rejected


def guarded() -> Broker:
    """Return a broker whose registration judges addresses as the deployment does."""
    broker = Broker()
    fetcher = GuardedFetcher.for_issuer(OWN, allow_loopback=False)
    broker.registration = replace(broker.registration, destinations=fetcher)
    return broker


@pytest.mark.parametrize("url", [*REFUSED, OWN, f"{OWN}/connections"], ids=ascii)
def test_no_connection_is_made_to_a_forbidden_address(url: str) -> None:
    broker = guarded()
    keys = len(broker.kms.keys)
    with pytest.raises(Rejected) as refused:
        broker.connect(issuer=url)
    assert refused.value.code in {"destination_refused", "invalid_connection"}
    assert not broker.connections.items
    assert len(broker.kms.keys) == keys
    assert not broker.idp.requests


@pytest.mark.parametrize("url", [*REFUSED, OWN], ids=ascii)
def test_no_client_is_made_whose_keys_are_at_a_forbidden_address(url: str) -> None:
    broker = guarded()
    document = {
        "client_id": "app",
        "name": "App",
        "redirect_uris": [REDIRECT_URI],
        "jwks_uri": url,
    }
    with pytest.raises(Rejected) as refused:
        broker.registration.register_client(document)
    assert refused.value.code in {"destination_refused", "invalid_client_metadata"}
    assert not broker.clients.items


@pytest.mark.parametrize("url", [*REFUSED, OWN, f"{OWN}/token"], ids=ascii)
def test_no_client_is_made_that_is_told_of_sign_outs_at_a_forbidden_address(url: str) -> None:
    broker = guarded()
    with pytest.raises(Rejected) as refused:
        broker.register_app(backchannel_logout_uri=url)
    assert refused.value.code in {
        "destination_refused",
        "invalid_client_metadata",
        "invalid_redirect_uri",
    }
    assert not broker.clients.items


def test_public_addresses_are_saved() -> None:
    broker = guarded()
    broker.connect(issuer="https://idp.example")
    app = App(broker)
    broker.registration.register_client({
        "client_id": "app",
        "name": app.client_id,
        "redirect_uris": [REDIRECT_URI],
        "jwks_uri": "https://app.example/jwks.json",
        "backchannel_logout_uri": "https://app.example/backchannel-logout",
    })  # fmt: skip
    assert broker.clients.items
