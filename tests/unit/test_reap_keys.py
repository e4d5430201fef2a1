"""The function `reap_keys` on the real reaper: parts by its own events, repeated and cut off."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.broker import Broker
from tests.support.faulty_kms import THROTTLED, FaultyKms
from tests.support.invoke import load
from tests.support.sandbox import FUNCTIONS

from signet.broker.reaper import DISABLED_FOR, MOST_UNRECORDED
from signet.errors import Misconfigured, Unavailable
from signet.jose.algorithms import algorithm

TICK: dict[str, Any] = {
    "id": "1",
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "detail": {},
}
NO_TIME, ENOUGH = 299_999, 300_000


class Bus:
    """Keeps what was asked for until it is delivered."""

    def __init__(self) -> None:
        self.positions: list[str] = []

    def go_on(self, position: str) -> None:
        self.positions.append(position)


class Context:
    """A Lambda context of a sandbox that is always as short of time as a test says."""

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


class Reaping:
    """A broker with orphans in pages of two keys, and the function on it."""

    def __init__(self, orphans: int = 9) -> None:
        self.kms = FaultyKms(page_size=2)
        self.broker = Broker(kms=self.kms)
        connection = self.broker.connect(token_endpoint_auth_signing_alg="ES256")
        self.orphans = {self.orphan(connection.id) for _ in range(orphans)}
        self.bus = Bus()
        module = load(str(FUNCTIONS / "reap_keys" / "app.py"))
        vars(module)["wiring"] = SimpleNamespace(
            reaper=lambda: self.broker.reaper, reaping_requests=lambda: self.bus
        )
        self._handler = module.handler

    def orphan(self, owner: str) -> str:
        tags = {
            "signet:stack": "test",
            "signet:purpose": "connection",
            "signet:connection": owner,
            "signet:operation": "cut off",
        }
        return self.kms.create_key(algorithm=algorithm("ES256"), tags=tags)

    def tick(self, milliseconds: int = ENOUGH) -> None:
        self._handler(TICK, Context(milliseconds))

    def deliver(self, position: str, milliseconds: int = ENOUGH) -> None:
        event = {
            "id": "2",
            "source": "signet",
            "detail-type": "KeyReapingRequested",
            "detail": {"position": position},
        }
        self._handler(event, Context(milliseconds))


def test_keys_are_reaped_part_by_part_where_time_runs_out_each_time() -> None:
    reaping = Reaping()
    reaping.tick(NO_TIME)
    rounds = 0
    while len(reaping.bus.positions) > rounds:
        reaping.deliver(reaping.bus.positions[rounds], NO_TIME)
        rounds += 1
    assert reaping.bus.positions == ["2", "4", "6", "8", "10"]
    assert reaping.kms.disabled == reaping.orphans
    assert reaping.kms.calls["list_keys"] == 6


def test_keys_are_reaped_in_one_go_where_there_is_time() -> None:
    reaping = Reaping()
    reaping.tick(ENOUGH)
    assert reaping.bus.positions == []
    assert reaping.kms.disabled == reaping.orphans


def test_an_event_that_comes_again_and_late_changes_nothing_more() -> None:
    reaping = Reaping()
    reaping.tick()
    events, tags = list(reaping.broker.audit.events), deepcopy(reaping.kms.tags)
    reaping.broker.clock.time += DISABLED_FOR - 1
    for position in ("8", "2", "2", "6"):
        reaping.deliver(position)
    reaping.tick()
    assert reaping.broker.audit.events == events
    assert reaping.kms.tags == tags
    assert reaping.kms.scheduled == set()


def test_a_position_after_the_last_key_finds_nothing() -> None:
    reaping = Reaping()
    reaping.deliver("500")
    assert reaping.kms.disabled == set()


def test_what_was_done_before_a_failure_is_not_done_again() -> None:
    reaping = Reaping()
    reaping.tick(NO_TIME)
    reaping.kms.faults["describe"] = [THROTTLED]
    with pytest.raises(Unavailable):
        reaping.deliver("2")
    reaping.deliver("2")
    assert reaping.kms.disabled == reaping.orphans
    told = [event.detail["key_id"] for event in reaping.broker.audit.events]
    assert sorted(told) == sorted(reaping.orphans)


def test_a_reaping_that_is_held_is_a_failure_that_lambda_hears_of_and_goes_no_further() -> None:
    reaping = Reaping()
    reaping.kms.page_size = 50
    for number in range(MOST_UNRECORDED + 1):
        reaping.orphan(f"con_{number:026d}")
    with pytest.raises(Misconfigured, match="reaping_held"):
        reaping.tick(NO_TIME)
    assert reaping.kms.disabled == set()
    assert reaping.bus.positions == []
    assert [event.type for event in reaping.broker.audit.published] == ["ReapingHeld"]
