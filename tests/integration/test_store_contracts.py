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
    MemoryNonceSeeds,
    MemoryPushedRequests,
    MemoryRateLimits,
    MemoryReplay,
    MemorySessions,
)
from tests.support.racing import at_once, race
from tests.support.records import NOW, fresh

from signet.broker.event import Event
from signet.broker.grant import RefreshFamily
from signet.broker.keyring import Keyring, Probe
from signet.errors import Rejected

ROUNDS = 12


class MemoryStores:
    """What `Stores` is, without DynamoDB."""

    def __init__(self) -> None:
        self.keyrings = MemoryKeyrings()
        self.connections = MemoryConnections(self.keyrings)
        self.clients = MemoryClients()
        self.logins = MemoryLogins()
        self.pushed = MemoryPushedRequests()
        self.grants = MemoryGrants()
        self.sessions = MemorySessions()
        self.replay = MemoryReplay()
        self.nonce_seeds = MemoryNonceSeeds()
        self.limits = MemoryRateLimits()

    def recorded(self, subject: str) -> list[str]:
        return [event.type for event in self.keyrings.events if event.subject == subject]


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
    assert of.pushed.get(records.pushed_request().id) is None
    assert of.grants.get(records.grant().id) is None


@pytest.mark.parametrize("key", ["", "x" * 5_000, "ä" * 2_000, "#", "\x00", "a#b", "CODE#x"])
def test_what_cannot_be_there_is_none_too(of: Any, key: str) -> None:
    assert of.clients.get(key) is None
    assert of.logins.take(key) is None
    assert of.pushed.get(key) is None
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


def event(owner: str, kind: str = "KeyAnnounced") -> Event:
    return Event(type=kind, time=NOW, actor="signet", subject=owner, connection=owner)


def after(keyring: Keyring, **changes: Any) -> Keyring:
    return replace(keyring, version=keyring.version + 1, **changes)


def test_a_keyring_is_replaced_by_the_version_after_it_with_what_tells_of_it(of: Any) -> None:
    keyring = records.keyring(records.connection_id())
    of.keyrings.add(keyring)
    owner = keyring.owner
    changed = after(keyring, previous=None, next=records.published_key(), operation="me")
    assert of.keyrings.replace(changed, event(owner), event(owner, "KeyProbed"))
    assert of.keyrings.get(owner) == changed
    assert sorted(of.recorded(owner)) == ["KeyAnnounced", "KeyProbed"]


@pytest.mark.parametrize("versions", [-1, 0, 2], ids=["older", "the same", "one left out"])
def test_no_other_version_replaces_a_keyring_and_nothing_tells_of_it(
    of: Any, versions: int
) -> None:
    keyring = records.keyring(records.connection_id())
    of.keyrings.add(keyring)
    other = replace(keyring, version=keyring.version + versions, operation="late")
    assert not of.keyrings.replace(other, event(keyring.owner))
    assert of.keyrings.get(keyring.owner) == keyring
    assert of.recorded(keyring.owner) == []


def test_a_keyring_that_is_not_there_is_not_replaced(of: Any) -> None:
    keyring = records.keyring(records.connection_id())
    assert not of.keyrings.replace(keyring, event(keyring.owner))
    assert of.keyrings.get(keyring.owner) is None
    assert of.recorded(keyring.owner) == []


def test_a_version_is_compared_as_a_number(of: Any) -> None:
    keyring = records.keyring(records.connection_id(), version=9)
    of.keyrings.add(keyring)
    for _ in range(3):
        keyring = after(keyring)
        assert of.keyrings.replace(keyring)
    assert of.keyrings.get(keyring.owner).version == 12


def test_of_many_successors_exactly_one_replaces_a_keyring_and_is_told_of(of: Any) -> None:
    for _ in range(ROUNDS // 2):
        keyring = records.keyring(records.connection_id())
        of.keyrings.add(keyring)

        def act(number: int, keyring: Keyring = keyring) -> bool:
            rival = after(keyring, operation=f"worker {number}")
            done: bool = of.keyrings.replace(rival, event(keyring.owner, f"Worker{number}"))
            return done

        results = race(act)
        assert results.count(True) == 1
        winner = results.index(True)
        assert of.keyrings.get(keyring.owner).operation == f"worker {winner}"
        assert of.recorded(keyring.owner) == [f"Worker{winner}"]


def test_the_keyring_of_a_removed_owner_is_kept_and_never_replaced(of: Any) -> None:
    connection = records.connection()
    keyring = records.keyring(connection.id)
    of.connections.add(connection, keyring)
    of.connections.remove(connection, now=NOW + 5)
    removed = replace(keyring, deleted_at=NOW + 5)
    assert of.keyrings.get(connection.id) == removed
    assert not of.keyrings.replace(after(removed), event(connection.id))
    assert not of.keyrings.replace(after(keyring), event(connection.id))
    assert not of.keyrings.add(records.keyring(connection.id))
    assert of.keyrings.get(connection.id) == removed
    assert of.recorded(connection.id) == []


# --- whose step is due -----------------------------------------------------------------------
# Tests share the table: each looks for its own owners among all.


def refused(owner: str, at: int, **changes: Any) -> Keyring:
    """Return a keyring whose next key is held since a time."""
    probe = Probe(result="refused", at=at)
    held = replace(records.published_key(), probe=probe)
    return records.keyring(owner, next=held, previous=None, **changes)


def held(of: Any, *owners: str, until: int, limit: int = 100) -> list[str]:
    """Return those of some owners that are held since `until` or longer, in the store's order."""
    found: list[str] = []
    position: str | None = None
    while True:
        page = of.keyrings.since("held", until=until, position=position, limit=limit)
        assert len(page.items) <= limit
        found += [owner for owner in page.items if owner in owners]
        position = page.position
        if position is None:
            return found


def test_whoever_waits_longest_comes_first_in_pages_of_any_size(of: Any) -> None:
    owners = [records.connection_id() for _ in range(7)]
    for place in (3, 0, 6, 2, 5, 1, 4):
        of.keyrings.add(refused(owners[place], 100 + place))
    for limit in (1, 2, 3, 7, 100):
        assert held(of, *owners, until=106, limit=limit) == owners
    assert held(of, *owners, until=102) == owners[:3]
    assert held(of, *owners, until=99) == []


def test_owners_of_one_time_are_all_found(of: Any) -> None:
    owners = [records.connection_id() for _ in range(5)]
    for owner in owners:
        of.keyrings.add(refused(owner, 90))
    assert sorted(held(of, *owners, until=90, limit=2)) == sorted(owners)


def test_a_time_is_compared_as_a_number(of: Any) -> None:
    first, second = records.connection_id(), records.connection_id()
    of.keyrings.add(refused(first, 9))
    of.keyrings.add(refused(second, 80))
    assert held(of, first, second, until=80) == [first, second]
    assert held(of, first, second, until=10) == [first]


@pytest.mark.parametrize("phase", ["steady", "announced", "held", "overlap"])
def test_an_owner_is_found_in_the_phase_it_is_in_and_in_no_other(of: Any, phase: str) -> None:
    owner = records.connection_id()
    keys: dict[str, dict[str, Any]] = {
        "steady": {"current": replace(records.published_key(), activated_at=5)},
        "announced": {"next": replace(records.published_key(), published_at=5)},
        "held": {"next": replace(records.published_key(), probe=Probe(result="refused", at=5))},
        "overlap": {"previous": replace(records.published_key(), retired_at=5)},
    }
    of.keyrings.add(records.keyring(owner, **{"previous": None, **keys[phase]}))
    found = {
        name
        for name in keys
        if owner in of.keyrings.since(name, until=5, position=None, limit=100).items
    }
    assert found == {phase}
    assert owner not in of.keyrings.since(phase, until=4, position=None, limit=100).items


def test_an_owner_that_goes_on_leaves_the_phase_it_was_in(of: Any) -> None:
    owner = records.connection_id()
    keyring = refused(owner, 8)
    of.keyrings.add(keyring)
    assert held(of, owner, until=8) == [owner]
    assert of.keyrings.replace(after(keyring, next=None))
    assert held(of, owner, until=NOW) == []


def test_a_removed_owner_is_never_due(of: Any) -> None:
    connection = records.connection()
    keyring = refused(connection.id, 7)
    of.connections.add(connection, keyring)
    assert held(of, connection.id, until=7) == [connection.id]
    of.connections.remove(connection, now=NOW)
    assert held(of, connection.id, until=2 * NOW) == []


# --- turns -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "free"), [(NOW, False), (NOW + 59, False), (NOW + 60, True), (NOW + 61, True)]
)
def test_a_turn_is_taken_until_it_is_over(of: Any, now: int, *, free: bool) -> None:
    key = fresh("PROBE#")
    assert of.limits.take(key, now=NOW, until=NOW + 60)
    assert of.limits.take(key, now=now, until=now + 60) is free
    assert of.limits.take(fresh("PROBE#"), now=NOW, until=NOW + 60)


def test_whoever_gets_no_turn_does_not_make_it_longer(of: Any) -> None:
    key = fresh("PROBE#")
    assert of.limits.take(key, now=NOW, until=NOW + 60)
    assert not of.limits.take(key, now=NOW + 59, until=NOW + 600)
    assert of.limits.take(key, now=NOW + 60, until=NOW + 120)


def test_the_end_of_a_turn_is_compared_as_a_number(of: Any) -> None:
    key = fresh("PROBE#")
    assert of.limits.take(key, now=1, until=900)
    assert of.limits.take(key, now=1_000, until=1_100)


def test_of_many_who_take_a_turn_exactly_one_gets_it(of: Any) -> None:
    for _ in range(ROUNDS):
        key = fresh("PROBE#")
        results = race(lambda _, key=key: of.limits.take(key, now=NOW, until=NOW + 60))
        assert results.count(True) == 1


def take_one(of: Any, key: str, limit: int = 3) -> bool:
    taken: bool = of.limits.take_one_of(key, limit=limit, until=NOW + 60)
    return taken


def test_so_many_turns_are_taken_and_no_more(of: Any) -> None:
    key = fresh("CREATEKEY#")
    assert [take_one(of, key) for _ in range(5)] == [True, True, True, False, False]
    assert take_one(of, fresh("CREATEKEY#"))


def test_of_many_who_take_one_of_three_turns_exactly_three_get_one(of: Any) -> None:
    for _ in range(ROUNDS):
        key = fresh("CREATEKEY#")
        assert race(lambda _, key=key: take_one(of, key)).count(True) == 3


def test_a_turn_that_is_given_back_is_another_ones(of: Any) -> None:
    key = fresh("CREATION#")
    assert [take_one(of, key) for _ in range(4)] == [True, True, True, False]
    of.limits.give_back(key)
    assert [take_one(of, key) for _ in range(2)] == [True, False]


def test_no_more_turns_are_given_back_than_were_taken(of: Any) -> None:
    key = fresh("CREATION#")
    of.limits.give_back(key)
    assert take_one(of, key)
    for _ in range(3):
        of.limits.give_back(key)
    assert [take_one(of, key) for _ in range(4)] == [True, True, True, False]


def test_turns_that_are_given_back_at_once_are_all_given_back(of: Any) -> None:
    key = fresh("CREATION#")
    for _ in range(6):
        assert take_one(of, key, 6)
    race(lambda _: of.limits.give_back(key))
    assert [take_one(of, key, 6) for _ in range(7)] == [True] * 6 + [False]


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


# --- pushed requests -------------------------------------------------------------------------


def test_a_pushed_request_comes_back_as_it_was_stored_and_as_often_as_asked(of: Any) -> None:
    pushed = records.pushed_request()
    of.pushed.add(pushed)
    assert of.pushed.get(pushed.id) == of.pushed.get(pushed.id) == pushed


def test_a_pushed_request_is_used_by_one_login_and_says_by_which(of: Any) -> None:
    pushed = records.pushed_request(expires_at=1)
    of.pushed.add(pushed)
    assert of.pushed.use(pushed.id, login="one")
    assert of.pushed.use(pushed.id, login="one"), "a lost answer is asked for again"
    assert not of.pushed.use(pushed.id, login="two")
    assert of.pushed.get(pushed.id) == replace(pushed, used_by="one")


def test_a_pushed_request_that_is_not_there_cannot_be_used_nor_does_it_come_to_be(of: Any) -> None:
    absent = records.pushed_request().id
    assert not of.pushed.use(absent, login="one")
    assert of.pushed.get(absent) is None


def test_of_many_logins_exactly_one_uses_a_pushed_request(of: Any) -> None:
    for _ in range(ROUNDS):
        pushed = records.pushed_request()
        of.pushed.add(pushed)
        results = race(lambda n, pushed=pushed: of.pushed.use(pushed.id, login=f"number {n}"))
        assert results.count(True) == 1
        assert of.pushed.get(pushed.id).used_by == f"number {results.index(True)}"


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


@pytest.mark.parametrize("asked_for", [None, "a" * 43])
def test_a_redeemed_grant_is_bound_to_the_key_that_was_proved_until_it_is_undone(
    of: Any, asked_for: str | None
) -> None:
    grant, proved = records.grant(dpop_jkt=asked_for), "p" * 43
    of.grants.add(grant)
    redemption = {"redemption": "one", "now": NOW, "keep_until": NOW + 3_600}
    assert of.grants.redeem(grant.id, dpop_jkt=proved, **redemption)
    assert of.grants.get(grant.id) == replace(grant, dpop_jkt=proved, redeemed_by="one")
    of.grants.release(grant.id, redemption="one")
    assert of.grants.get(grant.id) == grant
    assert of.grants.redeem(grant.id, **redemption)
    assert of.grants.get(grant.id) == replace(grant, redeemed_by="one")


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


def family(**changes: Any) -> RefreshFamily:
    members = {"family": "f", "current": "a", "expires_at": NOW + 900, "idle_until": NOW + 90}
    return RefreshFamily(**{**members, **changes})


def refreshable(of: Any, **changes: Any) -> str:
    """Store a grant, and begin its refresh tokens with its redemption."""
    grant = records.grant()
    of.grants.add(grant)
    assert of.grants.redeem(
        grant.id, redemption="one", now=NOW, keep_until=NOW + 9, refresh=family(**changes)
    )
    return grant.id


def rotate(of: Any, grant_id: str, used: str, successor: str, *, now: int = NOW) -> bool:
    result: bool = of.grants.rotate(
        grant_id, used=used, successor=successor, now=now, idle_until=now + 100
    )
    return result


def test_refresh_tokens_begin_with_the_redemption_and_end_with_its_release(of: Any) -> None:
    grant_id = refreshable(of)
    assert of.grants.get(grant_id).refresh == family()
    of.grants.release(grant_id, redemption="one")
    assert of.grants.get(grant_id).refresh is None
    assert not rotate(of, grant_id, "a", "b")


def test_a_lost_redemption_begins_no_refresh_tokens(of: Any) -> None:
    grant = records.grant()
    of.grants.add(grant)
    assert redeem(of, grant.id)
    assert not of.grants.redeem(
        grant.id, redemption="two", now=NOW, keep_until=NOW + 9, refresh=family()
    )
    assert of.grants.get(grant.id).refresh is None


def test_a_refresh_token_gives_way_to_one_successor(of: Any) -> None:
    grant_id = refreshable(of)
    assert rotate(of, grant_id, "a", "b")
    assert rotate(of, grant_id, "a", "b"), "the same one asks again after a lost answer"
    assert not rotate(of, grant_id, "a", "c")
    assert of.grants.get(grant_id).refresh == family(current="b", idle_until=NOW + 100)
    assert rotate(of, grant_id, "b", "c")


@pytest.mark.parametrize(
    ("changes", "now", "holds"),
    [
        ({}, NOW + 89, True),
        ({}, NOW + 90, False),
        ({"idle_until": NOW + 900}, NOW + 899, True),
        ({"idle_until": NOW + 999}, NOW + 900, False),
        ({"expires_at": 900, "idle_until": 900}, 1_000, False),
    ],
)
def test_a_refresh_token_is_rotated_before_its_end_only(
    of: Any, changes: dict[str, int], now: int, *, holds: bool
) -> None:
    assert rotate(of, refreshable(of, **changes), "a", "b", now=now) is holds


def test_a_rotation_is_undone_by_itself_only(of: Any) -> None:
    grant_id = refreshable(of)
    assert rotate(of, grant_id, "a", "b")
    of.grants.restore(grant_id, used="a", successor="c")
    assert of.grants.get(grant_id).refresh.current == "b"
    of.grants.restore(grant_id, used="a", successor="b")
    assert of.grants.get(grant_id).refresh.current == "a"


def test_nothing_is_rotated_of_a_grant_that_is_revoked_absent_or_has_none(of: Any) -> None:
    revoked, without, absent = refreshable(of), records.grant(), records.grant().id
    of.grants.revoke(revoked)
    of.grants.add(without)
    assert redeem(of, without.id)
    for grant_id in (revoked, without.id, absent):
        assert not rotate(of, grant_id, "a", "b")
        of.grants.restore(grant_id, used="c", successor="b")
    assert of.grants.get(revoked).refresh == family()
    assert of.grants.get(without.id).refresh is None
    assert of.grants.get(absent) is None


def test_of_many_rotations_of_one_refresh_token_exactly_one_succeeds(of: Any) -> None:
    for _ in range(ROUNDS):
        grant_id = refreshable(of)
        results = race(lambda n, grant_id=grant_id: rotate(of, grant_id, "a", f"number {n}"))
        assert results.count(True) == 1
        assert of.grants.get(grant_id).refresh.current == f"number {results.index(True)}"


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


def test_of_a_hundred_uses_of_one_proof_at_once_exactly_one_succeeds(of: Any) -> None:
    key = fresh("DPOP#")
    results = at_once([lambda: of.replay.use(key, expires_at=NOW)] * 100)
    assert results.count(True) == 1


# --- the seed of nonces ----------------------------------------------------------------------


def test_of_many_seeds_exactly_one_is_stored_and_it_is_the_one_that_is_read(of: Any) -> None:
    assert of.nonce_seeds.get() is None
    results = race(lambda contender: of.nonce_seeds.add(f"seed-{contender}"))
    assert results.count(True) == 1
    assert of.nonce_seeds.get() == f"seed-{results.index(True)}"
    assert not of.nonce_seeds.add("another")
    assert of.nonce_seeds.get() == f"seed-{results.index(True)}"


# --- sessions ----------------------------------------------------------------------------------


def test_a_session_is_found_by_its_cookie_as_it_was_stored(of: Any) -> None:
    session = records.session()
    of.sessions.add(session, records.session_grant())
    assert of.sessions.get(session.key) == session
    assert of.sessions.get(f"SESSION#{fresh()}") is None
    assert of.sessions.get(session.upstream[0]) is None
    assert of.sessions.get("") is None


def test_a_session_is_used_until_it_is_idle_or_over(of: Any) -> None:
    session = records.session(idle_until=NOW + 100, expires_at=NOW + 1_000)
    of.sessions.add(session, records.session_grant())
    assert of.sessions.use(session.key, now=NOW + 99, idle_until=NOW + 199)
    assert of.sessions.get(session.key) == replace(session, idle_until=NOW + 199)
    assert not of.sessions.use(session.key, now=NOW + 199, idle_until=NOW + 299)
    assert of.sessions.use(session.key, now=NOW + 198, idle_until=NOW + 5_000)
    assert not of.sessions.use(session.key, now=NOW + 1_000, idle_until=NOW + 9_000)
    assert not of.sessions.use(f"SESSION#{fresh()}", now=NOW, idle_until=NOW + 1)


def test_the_end_of_a_session_takes_it_from_every_browser_and_tells_each_grant(of: Any) -> None:
    session, again = records.session(), records.session()
    again = replace(again, sid=session.sid, upstream=session.upstream)
    other = records.session(upstream=session.upstream)
    grants = [records.session_grant() for _ in range(3)]
    of.sessions.add(session, grants[0])
    of.sessions.note(session, grants[1])
    of.sessions.add(again, grants[2])
    of.sessions.add(other, records.session_grant())
    for _ in range(2):
        ended = of.sessions.end(session.sid)
        assert sorted(ended, key=lambda grant: grant.grant_id) == sorted(
            grants, key=lambda grant: grant.grant_id
        )
        assert of.sessions.get(session.key) is None
        assert of.sessions.get(again.key) is None
        assert not of.sessions.use(session.key, now=NOW, idle_until=NOW + 1)
    assert of.sessions.get(other.key) == other
    assert of.sessions.end(fresh("nobody-")) == ()


def test_a_session_that_one_browser_lost_keeps_what_was_granted(of: Any) -> None:
    session, grant = records.session(), records.session_grant()
    of.sessions.add(session, grant)
    for _ in range(2):
        of.sessions.remove(session.key)
        assert of.sessions.get(session.key) is None
    assert of.sessions.end(session.sid) == (grant,)


def test_a_provider_finds_the_sessions_that_it_names(of: Any) -> None:
    first, second = records.session(), records.session()
    second = replace(second, upstream=(first.upstream[0], second.upstream[1]))
    for session in (first, second):
        of.sessions.add(session, records.session_grant())
    person, named = first.upstream
    assert of.sessions.named(person) == {first.sid, second.sid}
    assert of.sessions.named(named) == {first.sid}
    assert of.sessions.named(second.upstream[1]) == {second.sid}
    assert of.sessions.named(f"PERSON#{fresh()}") == frozenset()


def test_no_grant_slips_through_between_a_use_and_the_end_of_a_session(of: Any) -> None:
    for _ in range(ROUNDS):
        session = records.session()
        of.sessions.add(session, records.session_grant())
        given = [records.session_grant() for _ in range(6)]

        def act(number: int, session: Any = session, given: list[Any] = given) -> Any:
            if number == 0:
                return of.sessions.end(session.sid)
            of.sessions.note(session, given[number])
            return of.sessions.use(session.key, now=NOW, idle_until=NOW + 100)

        ended, *used = race(act)
        known = {grant.grant_id for grant in ended}
        assert {given[n].grant_id for n, won in enumerate(used, 1) if won} <= known


def test_of_one_persons_sign_ins_at_once_none_is_refused(of: Any) -> None:
    for _ in range(ROUNDS // 2):
        first = records.session()

        def add(_: int, first: Any = first) -> str:
            session = replace(first, key=f"SESSION#{fresh('cookie-')}")
            of.sessions.add(session, records.session_grant())
            return str(session.key)

        keys = race(add)
        assert all(of.sessions.get(key) is not None for key in keys)
