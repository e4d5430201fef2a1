"""What a verifier is told of how long it may keep our keys, and when it may not (JW-004)."""

from dataclasses import replace

import pytest
from tests.support.broker import Broker

from signet.broker.connection import Connection
from signet.broker.keyring import ISSUER
from signet.broker.published_jwks import PublishJwks
from signet.broker.rotation import Bounds
from signet.errors import Rejected
from signet.web.published import published
from signet.web.request import Request
from signet.web.response import Response

DAY = 86_400
BOUNDS = Bounds(
    propagation=2 * DAY,
    retention=2 * DAY,
    rotation=90 * DAY,
    verifier_cache=DAY,
    signer_cache=30,
    grace=DAY,
)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def connection(broker: Broker) -> Connection:
    return broker.connect()


def fetch(broker: Broker, owner: str, **headers: str) -> Response:
    """Fetch a JWKS as the function `jwks` answers it."""
    publish = PublishJwks(bounds=BOUNDS, max_age=300, keyrings=broker.keyrings, clock=broker.clock)
    request = Request.from_event({"headers": headers})
    jwks = publish(owner)
    return published(
        request, jwks.document, max_age=jwks.max_age, stale_if_error=jwks.stale_if_error
    )


@pytest.mark.parametrize("owner", ["a connection", ISSUER])
def test_where_nothing_is_planned_it_is_what_is_configured(
    broker: Broker, connection: Connection, owner: str
) -> None:
    answer = fetch(broker, owner if owner == ISSUER else connection.id)
    assert answer.headers["cache-control"] == "public, max-age=300, stale-if-error=3600"


def test_ahead_of_a_planned_change_it_is_less_and_never_under_a_minute(
    broker: Broker, connection: Connection
) -> None:
    broker.clock.time += BOUNDS.rotation - 120
    assert "max-age=120," in fetch(broker, connection.id).headers["cache-control"]
    broker.clock.time += 1_000
    assert "max-age=60," in fetch(broker, connection.id).headers["cache-control"]


def test_who_has_the_same_keys_is_told_how_long_they_are_good_for_now(
    broker: Broker, connection: Connection
) -> None:
    first = fetch(broker, connection.id)
    broker.clock.time += BOUNDS.rotation - 120
    again = fetch(broker, connection.id, **{"if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, "")
    assert again.headers["etag"] == first.headers["etag"]
    assert "max-age=120," in again.headers["cache-control"]


def test_a_removed_connections_keys_are_gone_at_once(
    broker: Broker, connection: Connection
) -> None:
    items = broker.keyrings.items
    items[connection.id] = replace(items[connection.id], deleted_at=broker.clock.now())
    for owner in (connection.id, f"con_{'a' * 26}"):
        with pytest.raises(Rejected, match="not_found"):
            fetch(broker, owner)
