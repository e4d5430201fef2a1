"""A write whose answer got lost is sent again by the SDK: its caller has won all the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import records
from tests.support.aws import Stores
from tests.support.records import NOW, fresh

from signet.broker.grant import RefreshFamily


@pytest.fixture
def twice(stores: Stores) -> Iterator[Stores]:
    """Send every request two times, as after a lost answer; the first answer is never seen."""
    client = stores.database._client

    def send_first(request: Any, **_: object) -> None:
        client._endpoint.http_session.send(request)

    client.meta.events.register("before-send", send_first)
    yield stores
    client.meta.events.unregister("before-send", send_first)


def test_a_value_is_used_up_by_whoever_asked_twice_and_by_nobody_after(twice: Stores) -> None:
    key = fresh("JTI#")
    assert twice.replay.use(key, expires_at=NOW)
    assert not twice.replay.use(key, expires_at=NOW)


def test_a_code_is_redeemed_by_whoever_asked_twice_and_by_nobody_after(twice: Stores) -> None:
    grant = records.grant()
    twice.grants.add(grant)
    assert twice.grants.redeem(grant.id, redemption="one", now=NOW, keep_until=NOW)
    assert not twice.grants.redeem(grant.id, redemption="two", now=NOW, keep_until=NOW)


def test_a_refresh_token_is_rotated_by_whoever_asked_twice_and_by_nobody_after(
    twice: Stores,
) -> None:
    grant = records.grant()
    family = RefreshFamily(family="f", current="a", expires_at=NOW + 900, idle_until=NOW + 90)
    twice.grants.add(grant)
    twice.grants.redeem(grant.id, redemption="x", now=NOW, keep_until=NOW, refresh=family)
    times = {"now": NOW, "idle_until": NOW + 9}
    assert twice.grants.rotate(grant.id, used="a", successor="b", **times)
    assert not twice.grants.rotate(grant.id, used="a", successor="c", **times)
