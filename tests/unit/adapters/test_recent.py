"""What was read lately is kept for a stated time, by the wall clock, and only what was found."""

from typing import Any

import pytest
from tests.support import records
from tests.support.memory import FixedClock, MemoryClients, MemoryConnections, MemoryKeyrings

from signet.adapters import recent
from signet.adapters.recent import Recent, RecentClients, RecentConnections, RecentKeyrings

SECONDS = 30


class Source:
    """Values that can be changed; counts how often it was asked."""

    def __init__(self, **values: str) -> None:
        self.values: dict[str, str] = values
        self.asked = 0

    def __call__(self, key: str) -> str | None:
        self.asked += 1
        return self.values.get(key)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def memory(clock: FixedClock) -> Recent[str]:
    return Recent(seconds=SECONDS, clock=clock)


def test_what_was_read_is_not_read_again_within_its_time(
    memory: Recent[str], clock: FixedClock
) -> None:
    source = Source(a="1")
    assert memory.get("a", source) == "1"
    clock.time += SECONDS - 1
    assert memory.get("a", source) == "1"
    assert source.asked == 1


def test_a_change_is_seen_when_the_time_is_over(memory: Recent[str], clock: FixedClock) -> None:
    source = Source(a="1")
    memory.get("a", source)
    source.values["a"] = "2"
    clock.time += SECONDS
    assert memory.get("a", source) == "2"


def test_being_read_does_not_make_an_entry_younger(memory: Recent[str], clock: FixedClock) -> None:
    """Else what is asked for every second would be kept for ever, a disabled client too."""
    source = Source(a="1")
    for _ in range(SECONDS):
        memory.get("a", source)
        clock.time += 1
    source.values["a"] = "2"
    assert memory.get("a", source) == "2"


def test_a_removal_is_seen_when_the_time_is_over(memory: Recent[str], clock: FixedClock) -> None:
    source = Source(a="1")
    memory.get("a", source)
    del source.values["a"]
    clock.time += SECONDS
    assert memory.get("a", source) is None
    source.values["a"] = "again"
    assert memory.get("a", source) == "again"


def test_absence_is_never_remembered(memory: Recent[str]) -> None:
    """A connection that was just made works at once."""
    source = Source()
    assert memory.get("a", source) is None
    source.values["a"] = "1"
    assert memory.get("a", source) == "1"


def test_a_clock_that_jumps_back_makes_nothing_live_longer(
    memory: Recent[str], clock: FixedClock
) -> None:
    source = Source(a="1")
    memory.get("a", source)
    source.values["a"] = "2"
    clock.time -= 1
    assert memory.get("a", source) == "2"


def test_a_sandbox_that_was_frozen_reads_again(memory: Recent[str], clock: FixedClock) -> None:
    source = Source(a="1")
    memory.get("a", source)
    clock.time += 86_400
    assert memory.get("a", source) == "1"
    assert source.asked == 2


def test_a_failure_is_raised_and_the_old_value_is_not_used_instead(
    memory: Recent[str], clock: FixedClock
) -> None:
    def broken(key: str) -> str | None:
        raise ConnectionError

    memory.get("a", Source(a="1"))
    clock.time += SECONDS
    with pytest.raises(ConnectionError):
        memory.get("a", broken)


def test_no_time_means_no_memory(clock: FixedClock) -> None:
    memory: Recent[str] = Recent(seconds=0, clock=clock)
    source = Source(a="1")
    memory.get("a", source)
    memory.get("a", source)
    assert source.asked == 2


def test_it_is_bounded_and_forgets_the_oldest(
    memory: Recent[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "_MAX_ENTRIES", 2)
    source = Source(a="1", b="2", c="3")
    for key in ("a", "b", "c"):
        memory.get(key, source)
    assert list(memory._entries) == ["b", "c"]


def test_connections_clients_and_keyrings_are_remembered_each_by_their_keys(
    clock: FixedClock,
) -> None:
    keyrings, clients = MemoryKeyrings(), MemoryClients()
    connections = MemoryConnections(keyrings)
    connection, client = records.connection(), records.client()
    keyring = records.keyring(connection.id)
    connections.add(connection, keyring)
    clients.add(client)
    remembered: list[tuple[Any, str, object]] = [
        (RecentConnections(connections, seconds=SECONDS, clock=clock).get, connection.id,
         connection),
        (RecentConnections(connections, seconds=SECONDS, clock=clock).find, connection.name,
         connection),
        (RecentClients(clients, seconds=SECONDS, clock=clock).get, client.client_id, client),
        (RecentKeyrings(keyrings, seconds=SECONDS, clock=clock).get, connection.id, keyring),
    ]  # fmt: skip
    assert [read(key) for read, key, _ in remembered] == [value for _, _, value in remembered]
    for items in (connections.items, clients.items, keyrings.items):
        items.clear()
    assert [read(key) for read, key, _ in remembered] == [value for _, _, value in remembered]
    clock.time += SECONDS
    assert [read(key) for read, key, _ in remembered] == [None] * 4


def test_what_is_read_again_is_remembered_instead(memory: Recent[str]) -> None:
    source = Source(a="1")
    memory.get("a", source)
    source.values["a"] = "2"
    assert memory.get_again("a", source) == "2"
    source.values["a"] = "3"
    assert memory.get("a", source) == "2"
    del source.values["a"]
    assert memory.get_again("a", source) is None
    source.values["a"] = "4"
    assert memory.get("a", source) == "4"
