"""Documents of others: how long they live, and how often their origin is asked."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from tests.support.memory import FixedClock

from signet.broker import remote_document
from signet.broker.remote_document import (
    FRESH_SECONDS,
    REFETCH_SECONDS,
    RETRY_SECONDS,
    STALE_LIMIT_SECONDS,
    RemoteDocuments,
)
from signet.errors import SignetError, Unavailable
from signet.oauth.http_message import DestinationRefused, HttpAnswer, HttpRequest, Unreachable

URL = "https://idp.example/document"


def answer(body: bytes, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status=status, headers={"content-type": "application/json"}, body=body)


def read(given: HttpAnswer, url: str) -> str:
    if not given.body.startswith(b"good"):
        raise Unavailable("destination_unavailable", "Not now.", private=f"nothing usable at {url}")
    return given.body.decode()


class Origin:
    """The `Fetcher` port before one origin that a test sets."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.outcome: HttpAnswer | SignetError = answer(b"good 1")

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        assert request.method == "GET"
        self.asked.append((bulkhead, request.url))
        if isinstance(self.outcome, SignetError):
            raise self.outcome
        return self.outcome


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def documents(origin: Origin, clock: FixedClock) -> RemoteDocuments[str]:
    return RemoteDocuments(fetcher=origin, clock=clock, read=read)


def get(documents: RemoteDocuments[str], bulkhead: str = "con_1") -> str:
    return documents.get(URL, bulkhead=bulkhead)


def refetch(documents: RemoteDocuments[str], bulkhead: str = "con_1") -> str | None:
    return documents.refetch(URL, bulkhead=bulkhead)


FAILURES = {
    "500": answer(b"good 2", status=500),
    "404": answer(b"good 2", status=404),
    "204": answer(b"good 2", status=204),
    "nothing usable": answer(b"empty"),
    "no answer": Unreachable("timeout", sent=True),
    "no connection": Unreachable("refused", sent=False),
    "an address that is refused": DestinationRefused("by its text"),
}


def test_a_document_is_fetched_once_while_it_is_fresh(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    for _ in range(FRESH_SECONDS):
        assert get(documents) == "good 1"
        clock.time += 1
    assert len(origin.asked) == 1


def test_a_document_that_is_not_fresh_is_fetched_again(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    get(documents)
    origin.outcome = answer(b"good 2")
    clock.time += FRESH_SECONDS
    assert get(documents) == "good 2"


def test_age_is_by_the_wall_clock_also_after_an_hour_in_a_frozen_sandbox(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    """RP-032: the key was removed while the sandbox stood still."""
    get(documents)
    origin.outcome = answer(b"good without the key")
    clock.time += 3_600
    assert get(documents) == "good without the key"


@pytest.mark.parametrize("case", FAILURES)
def test_good_content_is_used_on_while_its_origin_fails_and_then_no_more(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock, case: str
) -> None:
    """RP-031."""
    get(documents)
    origin.outcome = FAILURES[case]
    clock.time += FRESH_SECONDS
    assert get(documents) == "good 1"
    clock.time += STALE_LIMIT_SECONDS - FRESH_SECONDS - 1
    assert get(documents) == "good 1"
    clock.time += 1
    with pytest.raises(SignetError):
        get(documents)
    clock.time += STALE_LIMIT_SECONDS
    origin.outcome = answer(b"good 2")
    assert get(documents) == "good 2"


@pytest.mark.parametrize("case", FAILURES)
def test_a_refetch_that_fails_takes_nothing_away(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock, case: str
) -> None:
    get(documents)
    origin.outcome = FAILURES[case]
    assert refetch(documents) is None
    assert get(documents) == "good 1"
    clock.time += FRESH_SECONDS
    assert get(documents) == "good 1"


@pytest.mark.parametrize("case", FAILURES)
def test_without_content_the_failure_is_the_callers(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock, case: str
) -> None:
    origin.outcome = FAILURES[case]
    with pytest.raises(SignetError):
        get(documents)
    origin.outcome = answer(b"good 1")
    assert get(documents) == "good 1"


def test_an_origin_that_fails_is_asked_now_and_then_though_many_ask_us(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    get(documents)
    origin.outcome = FAILURES["500"]
    clock.time += FRESH_SECONDS
    for _ in range(100):
        assert get(documents) == "good 1"
    assert len(origin.asked) == 2
    clock.time += REFETCH_SECONDS
    get(documents)
    assert len(origin.asked) == 3


def test_an_origin_that_never_gave_anything_is_asked_now_and_then(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    """OP-031: or assertions in a client's name would make us call its address at will."""
    origin.outcome = FAILURES["500"]
    for _ in range(20 * RETRY_SECONDS):
        for _ in range(10):
            with pytest.raises(SignetError) as refused:
                get(documents)
            assert refused.value.code == "destination_unavailable"
        clock.time += 1
    assert len(origin.asked) <= 21


def test_the_first_refetch_is_free_and_then_it_is_two_a_minute(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    """OP-031, OP-032."""
    get(documents)
    asked: list[int] = [clock.now()]
    for _ in range(600):
        before = len(origin.asked)
        for _ in range(5):
            refetch(documents)
        asked += [clock.now()] * (len(origin.asked) - before)
        clock.time += 1
    assert asked[1] == asked[0]
    assert all(later - earlier >= 60 for earlier, later in zip(asked, asked[2:], strict=False))
    pauses = [later - earlier for earlier, later in pairwise(asked[2:])]
    assert pauses == [REFETCH_SECONDS] * len(pauses)
    assert len(asked) > 15


def test_a_refetch_that_is_too_early_says_so(documents: RemoteDocuments[str]) -> None:
    get(documents)
    assert refetch(documents) == "good 1"
    assert refetch(documents) is None


def test_a_clock_that_was_set_back_makes_content_old_and_a_refetch_possible(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    get(documents)
    refetch(documents)
    clock.time -= 3_600
    origin.outcome = answer(b"good 2")
    assert get(documents) == "good 2"
    assert len(origin.asked) == 3


def test_content_of_the_future_is_not_used_when_its_origin_fails(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    get(documents)
    clock.time -= 3_600
    origin.outcome = FAILURES["500"]
    with pytest.raises(SignetError):
        get(documents)


def test_after_the_clock_was_set_back_attempts_are_still_bounded(
    documents: RemoteDocuments[str], origin: Origin, clock: FixedClock
) -> None:
    get(documents)
    refetch(documents)
    clock.time -= 3_600
    for _ in range(10):
        refetch(documents)
    assert len(origin.asked) == 3


def test_one_connections_failures_and_refetches_are_not_anothers(
    documents: RemoteDocuments[str], origin: Origin
) -> None:
    get(documents, "con_1")
    refetch(documents, "con_1")
    origin.outcome = FAILURES["no connection"]
    with pytest.raises(SignetError):
        get(documents, "con_2")
    origin.outcome = answer(b"good 2")
    assert get(documents, "con_1") == "good 1"
    assert get(documents, "con_2") == "good 2"
    assert get(documents, "con_3") == "good 2"
    assert refetch(documents, "con_3") == "good 2"


def test_of_refetches_at_once_one_is_made(clock: FixedClock) -> None:
    together, release = threading.Barrier(8), threading.Event()

    class Slow(Origin):
        def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
            if self.asked:
                release.wait(10)
            return super().fetch(request, bulkhead=bulkhead)

    origin = Slow()
    documents = RemoteDocuments(fetcher=origin, clock=clock, read=read)
    get(documents)

    def ask() -> str | None:
        together.wait()
        found = refetch(documents)
        release.set()
        return found

    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
    assert sorted(found, key=str) == [None] * 7 + ["good 1"]


def test_a_failure_that_comes_late_does_not_displace_content(clock: FixedClock) -> None:
    """Two first attempts at once: one fails after the other has succeeded."""

    class Racing(Origin):
        def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
            self.asked.append((bulkhead, request.url))
            if len(self.asked) == 1:
                assert get(documents) == "good 1"
                raise Unreachable("late", sent=True)
            return answer(b"good 1")

    origin = Racing()
    documents = RemoteDocuments(fetcher=origin, clock=clock, read=read)
    with pytest.raises(Unreachable):
        get(documents)
    assert get(documents) == "good 1"
    assert len(origin.asked) == 2


def test_what_is_kept_is_bounded_and_what_is_used_is_kept(
    documents: RemoteDocuments[str], origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_document, "MAX_DOCUMENTS", 3)
    get(documents)
    for number in range(10):
        documents.get(f"{URL}/{number}", bulkhead="con_1")
        get(documents)
    assert len(documents._entries) == 3
    assert origin.asked.count(("con_1", URL)) == 1
