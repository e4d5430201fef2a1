"""One suite for each port of the stores: on the fake in memory, and on DynamoDB.

What is promised stands in signet.broker.ports; what only DynamoDB can get wrong in
test_dynamodb.py.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support import records
from tests.support.aws import Stores
from tests.support.memory import (
    MemoryClients,
    MemoryConnections,
    MemoryGrants,
    MemoryKeyrings,
    MemoryLogins,
    MemoryReplay,
)
from tests.support.racing import race
from tests.support.records import NOW, fresh

from signet.errors import Rejected

ROUNDS = 12


class MemoryStores:
    """What `Stores` is, without DynamoDB."""

    def __init__(self) -> None:
        self.keyrings = MemoryKeyrings()
        self.connections = MemoryConnections(self.keyrings)
        self.clients = MemoryClients()
        self.logins = MemoryLogins()
        self.grants = MemoryGrants()
        self.replay = MemoryReplay()


@pytest.fixture(scope="module", params=["memory", "dynamodb"])
def of(request: pytest.FixtureRequest) -> MemoryStores | Stores:
    """Return the stores of one kind."""
    if request.param == "memory":
        return MemoryStores()
    stores: Stores = request.getfixturevalue("stores")
    return stores


def succeeded(act: Callable[[], None], code: str) -> bool:
    """Do something that is refused with `code` when another did it first."""
    try:
        act()
    except Rejected as error:
        if error.code != code:
            raise
        return False
    return True


def test_what_is_not_there_is_none(of: Any) -> None:
    assert of.connections.get(records.connection_id()) is None
    assert of.connections.find("nobody") is None
    assert of.clients.get("nobody") is None
    assert of.keyrings.get(records.connection_id()) is None
    assert of.logins.take("nobody") is None
    assert of.grants.get(records.grant().id) is None


@pytest.mark.parametrize("key", ["", "x" * 5_000, "ä" * 2_000, "#", "\x00", "a#b", "CODE#x"])
def test_what_cannot_be_there_is_none_too(of: Any, key: str) -> None:
    assert of.clients.get(key) is None
    assert of.logins.take(key) is None
    assert of.grants.get(key) is None


# --- connections -----------------------------------------------------------------------------


def test_a_connection_is_found_by_id_and_name_as_it_was_stored(of: Any) -> None:
    connection = records.connection()
    keyring = records.keyring(connection.id)
    of.connections.add(connection, keyring)
    assert of.connections.get(connection.id) == connection
    assert of.connections.find(connection.name) == connection
    assert of.keyrings.get(connection.id) == keyring


def test_a_taken_name_refuses_the_connection_and_stores_nothing_of_it(of: Any) -> None:
    first = records.connection()
    second = records.connection(name=first.name)
    of.connections.add(first, records.keyring(first.id))
    with pytest.raises(Rejected) as refused:
        of.connections.add(second, records.keyring(second.id))
    assert refused.value.code == "name_taken"
    assert of.connections.find(first.name) == first
    assert of.connections.get(second.id) is None
    assert of.keyrings.get(second.id) is None


def test_a_taken_id_refuses_the_connection_and_leaves_its_name_free(of: Any) -> None:
    first = records.connection()
    second = records.connection(id=first.id)
    of.connections.add(first, records.keyring(first.id))
    with pytest.raises(Rejected):
        of.connections.add(second, records.keyring(records.connection_id()))
    assert of.connections.get(first.id) == first
    assert of.connections.find(second.name) is None


def test_a_keyring_that_is_there_refuses_the_connection_whole(of: Any) -> None:
    connection = records.connection()
    other = records.keyring(connection.id)
    assert of.keyrings.add(other)
    with pytest.raises(Rejected):
        of.connections.add(connection, records.keyring(connection.id))
    assert of.keyrings.get(connection.id) == other
    assert of.connections.get(connection.id) is None
    assert of.connections.find(connection.name) is None


def test_of_many_connections_of_one_name_exactly_one_is_stored(of: Any) -> None:
    for _ in range(ROUNDS // 2):
        name = fresh("raced-")
        rivals = [records.connection(name=name) for _ in range(6)]

        def add(number: int, rivals: list[Any] = rivals) -> bool:
            rival = rivals[number]
            keyring = records.keyring(rival.id)
            return succeeded(lambda: of.connections.add(rival, keyring), "name_taken")

        winners = [rivals[n] for n, won in enumerate(race(add)) if won]
        assert len(winners) == 1
        assert of.connections.find(name) == winners[0]
        stored = [rival for rival in rivals if of.connections.get(rival.id) is not None]
        keyrings = [rival for rival in rivals if of.keyrings.get(rival.id) is not None]
        assert stored == keyrings == winners


# --- clients ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"connections": None},
        {"connections": ()},
        {"jwks": None, "jwks_uri": "https://app.example/jwks"},
        {"enabled": False},
    ],
)
def test_a_client_comes_back_as_it_was_stored(of: Any, changes: dict[str, object]) -> None:
    client = records.client(**changes)
    of.clients.add(client)
    assert of.clients.get(client.client_id) == client


def test_ids_of_clients_differ_in_case(of: Any) -> None:
    client = records.client(client_id=fresh("Case-"))
    of.clients.add(client)
    assert of.clients.get(client.client_id.lower()) is None


def test_a_taken_client_id_is_refused_and_the_first_one_stays(of: Any) -> None:
    client = records.client()
    of.clients.add(client)
    with pytest.raises(Rejected) as refused:
        of.clients.add(replace(client, name="Impostor"))
    assert refused.value.code == "client_id_taken"
    assert of.clients.get(client.client_id) == client


def test_a_client_can_be_put_in_the_place_of_an_older_one(of: Any) -> None:
    client = records.client()
    of.clients.put(client)
    of.clients.put(replace(client, enabled=False))
    assert of.clients.get(client.client_id) == replace(client, enabled=False)


def test_of_many_clients_of_one_id_exactly_one_is_stored(of: Any) -> None:
    for _ in range(ROUNDS):
        client = records.client()

        def add(number: int, client: Any = client) -> bool:
            named = replace(client, name=f"App {number}")
            return succeeded(lambda: of.clients.add(named), "client_id_taken")

        results = race(add)
        assert results.count(True) == 1
        assert of.clients.get(client.client_id).name == f"App {results.index(True)}"


# --- keyrings --------------------------------------------------------------------------------


def test_a_keyring_comes_back_as_it_was_stored_and_is_never_replaced(of: Any) -> None:
    owner = records.connection_id()
    keyring = records.keyring(owner, next=records.published_key(), previous=None)
    assert of.keyrings.add(keyring)
    assert not of.keyrings.add(keyring)
    assert not of.keyrings.add(records.keyring(owner))
    assert of.keyrings.get(owner) == keyring
    assert of.keyrings.get(owner).jwks() == keyring.jwks()


def test_of_many_keyrings_of_one_owner_exactly_one_is_stored(of: Any) -> None:
    for _ in range(ROUNDS):
        owner = records.connection_id()
        rivals = [records.keyring(owner) for _ in range(6)]
        results = race(lambda n, rivals=rivals: of.keyrings.add(rivals[n]))
        assert results.count(True) == 1
        assert of.keyrings.get(owner) == rivals[results.index(True)]


# --- logins ----------------------------------------------------------------------------------


def test_a_login_is_taken_once_and_as_it_was_stored(of: Any) -> None:
    state = fresh("state-")
    record = records.login(state)
    of.logins.add(record)
    assert of.logins.take(state) == record
    assert of.logins.take(state) is None


def test_an_expired_login_is_still_given_so_that_its_expiry_can_be_told(of: Any) -> None:
    state = fresh("state-")
    record = records.login(state, expires_at=1)
    of.logins.add(record)
    assert of.logins.take(state) == record


def test_neither_the_hash_nor_a_part_of_a_state_takes_a_login(of: Any) -> None:
    state = fresh("state-")
    record = records.login(state)
    of.logins.add(record)
    for other in (record.state_hash, f"LOGIN#{record.state_hash}", state[:-1], state.upper()):
        assert of.logins.take(other) is None
    assert of.logins.take(state) == record


def test_of_many_callbacks_with_one_state_exactly_one_gets_the_login(of: Any) -> None:
    for _ in range(ROUNDS):
        state = fresh("state-")
        record = records.login(state)
        of.logins.add(record)
        taken = race(lambda _, state=state: of.logins.take(state))
        assert [found for found in taken if found is not None] == [record]


# --- grants ----------------------------------------------------------------------------------


def redeem(of: Any, grant_id: str, *, by: str = "one", now: int = NOW) -> bool:
    result: bool = of.grants.redeem(grant_id, redemption=by, now=now, keep_until=now + 3_600)
    return result


def test_a_grant_comes_back_as_it_was_stored(of: Any) -> None:
    grant = records.grant(nonce=None)
    of.grants.add(grant)
    assert of.grants.get(grant.id) == grant


def test_a_grant_is_redeemed_by_one_redemption_and_says_by_which(of: Any) -> None:
    grant = records.grant()
    of.grants.add(grant)
    assert redeem(of, grant.id)
    assert not redeem(of, grant.id, by="two")
    assert of.grants.get(grant.id) == replace(grant, redeemed_by="one")


def test_the_same_redemption_may_ask_again_after_a_lost_answer(of: Any) -> None:
    grant = records.grant()
    of.grants.add(grant)
    assert redeem(of, grant.id)
    assert redeem(of, grant.id)
    assert not redeem(of, grant.id, by="two")


@pytest.mark.parametrize(
    ("now", "holds"),
    [(NOW + 59, True), (NOW + 60, False), (NOW + 61, False), (10 * NOW, False)],
)
def test_a_code_is_redeemed_before_its_expiry_only(of: Any, now: int, *, holds: bool) -> None:
    grant = records.grant()
    of.grants.add(grant)
    assert redeem(of, grant.id, now=now) is holds


def test_expiry_is_compared_as_a_number(of: Any) -> None:
    grant = records.grant(code_expires_at=900)
    of.grants.add(grant)
    assert not redeem(of, grant.id, now=1_000)


def test_nothing_can_be_done_with_a_grant_that_is_not_there_nor_does_it_come_to_be(of: Any) -> None:
    absent = records.grant().id
    assert not redeem(of, absent)
    of.grants.release(absent, redemption="one")
    of.grants.revoke(absent)
    assert of.grants.get(absent) is None


def test_a_redemption_is_undone_by_itself_only(of: Any) -> None:
    grant = records.grant()
    of.grants.add(grant)
    assert redeem(of, grant.id)
    of.grants.release(grant.id, redemption="two")
    assert not redeem(of, grant.id, by="two")
    of.grants.release(grant.id, redemption="one")
    assert of.grants.get(grant.id) == grant
    assert redeem(of, grant.id, by="two")


def test_a_revoked_grant_is_never_redeemed_again(of: Any) -> None:
    grant = records.grant()
    of.grants.add(grant)
    assert redeem(of, grant.id)
    of.grants.revoke(grant.id)
    of.grants.revoke(grant.id)
    assert of.grants.get(grant.id).revoked
    assert not redeem(of, grant.id)
    of.grants.release(grant.id, redemption="one")
    assert not redeem(of, grant.id, by="two")
    assert of.grants.get(grant.id).revoked


def test_of_many_redemptions_of_one_code_exactly_one_succeeds(of: Any) -> None:
    for _ in range(ROUNDS):
        grant = records.grant()
        of.grants.add(grant)
        results = race(lambda n, grant=grant: redeem(of, grant.id, by=f"number {n}"))
        assert results.count(True) == 1
        assert of.grants.get(grant.id).redeemed_by == f"number {results.index(True)}"


# --- used values -----------------------------------------------------------------------------


def test_a_value_is_used_once_even_when_its_time_is_over(of: Any) -> None:
    key = fresh("JTI#")
    assert of.replay.use(key, expires_at=1)
    assert not of.replay.use(key, expires_at=NOW)


def test_of_many_uses_of_one_value_exactly_one_succeeds(of: Any) -> None:
    for _ in range(ROUNDS):
        key = fresh("JTI#")
        results = race(lambda _, key=key: of.replay.use(key, expires_at=NOW))
        assert results.count(True) == 1
