"""One slow provider cannot starve the others (RP-085)."""

import threading
from contextlib import ExitStack, suppress

import pytest
from tests.support.memory import FixedClock

from signet.adapters.fetcher import breaker
from signet.adapters.fetcher.breaker import (
    FAILURES_TO_OPEN,
    MAX_CONCURRENT,
    OPEN_SECONDS,
    Bulkheads,
)
from signet.oauth.http_message import DestinationRefused, Unreachable


def fail(bulkheads: Bulkheads, key: str, times: int = FAILURES_TO_OPEN) -> None:
    for _ in range(times):
        with pytest.raises(Unreachable, match="no answer"), bulkheads.entered(key):
            raise Unreachable("no answer", sent=True)


def succeed(bulkheads: Bulkheads, key: str) -> None:
    with bulkheads.entered(key):
        pass


def assert_open(bulkheads: Bulkheads, key: str) -> None:
    with pytest.raises(Unreachable, match="breaker is open") as refused, bulkheads.entered(key):
        pytest.fail("a call went through")
    assert refused.value.sent is False


def test_a_key_has_a_bounded_number_of_places_and_others_have_theirs() -> None:
    bulkheads = Bulkheads(FixedClock())
    with ExitStack() as held:
        for _ in range(MAX_CONCURRENT):
            held.enter_context(bulkheads.entered("slow"))
        with pytest.raises(Unreachable, match="too many calls") as refused:
            succeed(bulkheads, "slow")
        assert refused.value.sent is False
        succeed(bulkheads, "other")
    succeed(bulkheads, "slow")


def test_a_place_is_given_back_however_the_call_ends() -> None:
    bulkheads = Bulkheads(FixedClock())
    for error in (DestinationRefused("no"), RuntimeError("bug"), KeyboardInterrupt()):
        for _ in range(MAX_CONCURRENT + 1):
            with pytest.raises(type(error)), bulkheads.entered("key"):
                raise error
    succeed(bulkheads, "key")


def test_failures_in_a_row_open_the_breaker_of_that_key_alone() -> None:
    bulkheads = Bulkheads(FixedClock())
    fail(bulkheads, "slow", FAILURES_TO_OPEN - 1)
    succeed(bulkheads, "slow")
    fail(bulkheads, "slow", FAILURES_TO_OPEN)
    assert_open(bulkheads, "slow")
    succeed(bulkheads, "other")


def test_errors_that_say_nothing_of_the_provider_neither_open_nor_close() -> None:
    clock = FixedClock()
    bulkheads = Bulkheads(clock)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(DestinationRefused), bulkheads.entered("key"):
            raise DestinationRefused("by its text")
    fail(bulkheads, "key", FAILURES_TO_OPEN - 1)
    with pytest.raises(DestinationRefused), bulkheads.entered("key"):
        raise DestinationRefused("by its text")
    fail(bulkheads, "key", 1)
    assert_open(bulkheads, "key")


def test_after_a_while_one_call_looks_whether_the_provider_is_back() -> None:
    clock = FixedClock()
    bulkheads = Bulkheads(clock)
    fail(bulkheads, "key")
    clock.time += OPEN_SECONDS - 1
    assert_open(bulkheads, "key")
    clock.time += 1
    with bulkheads.entered("key"):
        assert_open(bulkheads, "key")
    succeed(bulkheads, "key")


def test_a_probe_that_fails_opens_the_breaker_again() -> None:
    clock = FixedClock()
    bulkheads = Bulkheads(clock)
    fail(bulkheads, "key")
    clock.time += OPEN_SECONDS
    fail(bulkheads, "key", 1)
    clock.time += OPEN_SECONDS - 1
    assert_open(bulkheads, "key")


def test_a_clock_that_was_set_back_does_not_keep_the_breaker_open() -> None:
    clock = FixedClock()
    bulkheads = Bulkheads(clock)
    fail(bulkheads, "key")
    clock.time -= 3_600
    succeed(bulkheads, "key")


def test_a_call_that_finds_no_place_does_not_use_up_the_probe() -> None:
    clock = FixedClock()
    bulkheads = Bulkheads(clock)
    with ExitStack() as held:
        # They began before the breaker opened, and still wait.
        for _ in range(MAX_CONCURRENT - 1):
            held.enter_context(bulkheads.entered("key"))
        fail(bulkheads, "key")
        clock.time += OPEN_SECONDS
        with bulkheads.entered("key"):
            clock.time += OPEN_SECONDS
            with pytest.raises(Unreachable, match="too many calls"):
                succeed(bulkheads, "key")
            held.close()
            succeed(bulkheads, "key")


def test_of_many_threads_one_is_the_probe() -> None:
    clock = FixedClock()
    bulkheads = Bulkheads(clock)
    fail(bulkheads, "key")
    clock.time += OPEN_SECONDS
    together, seen, release = threading.Barrier(MAX_CONCURRENT), [], threading.Event()

    def call() -> None:
        together.wait()
        with suppress(Unreachable), bulkheads.entered("key"):
            seen.append("through")
            release.wait(10)
            return
        seen.append("refused")
        if len(seen) >= MAX_CONCURRENT:
            release.set()

    threads = [threading.Thread(target=call) for _ in range(MAX_CONCURRENT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == ["refused"] * (MAX_CONCURRENT - 1) + ["through"]


def test_what_is_remembered_of_keys_is_bounded_and_no_running_call_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(breaker, "_MAX_KEYS", 3)
    bulkheads = Bulkheads(FixedClock())
    with ExitStack() as held:
        for _ in range(MAX_CONCURRENT):
            held.enter_context(bulkheads.entered("busy"))
        for number in range(10):
            succeed(bulkheads, f"key-{number}")
        assert len(bulkheads._compartments) == 3
        with pytest.raises(Unreachable, match="too many calls"):
            succeed(bulkheads, "busy")
