"""The functions that events run: which use case each event reaches, and how often."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.invoke import load
from tests.support.sandbox import FUNCTIONS

from signet.broker.ports import LogoutNotice
from signet.errors import Unavailable

CONNECTION = "con_" + "a" * 26
KID = "k" * 43
TICK = {"id": "1", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


def ours(kind: str, **detail: object) -> dict[str, Any]:
    return {"id": "1", "source": "signet", "detail-type": kind, "detail": detail}


class Rotator:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.error: Exception | None = None

    def sweep(self) -> int:
        return self._called("sweep")

    def step(self, *arguments: object, **named: object) -> int:
        return self._called("step", *arguments, named)

    def refused(self, *arguments: object) -> int:
        return self._called("refused", *arguments)

    def _called(self, *call: object) -> int:
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        return 1


class Sealer:
    """Counts how often it seals."""

    def __init__(self) -> None:
        self.sealed = 0

    def seal(self) -> int:
        self.sealed += 1
        return 0


class Reaper:
    """Pages that are named one after the other; `goes_on` are the positions asked for."""

    def __init__(self, *pages: str | None) -> None:
        self.seen: list[str | None] = []
        self.goes_on: list[str] = []
        self._after = dict(zip((None, *pages), (*pages, None), strict=True))

    def run(self, position: str | None) -> str | None:
        self.seen.append(position)
        return self._after[position]

    def go_on(self, position: str) -> None:
        self.goes_on.append(position)


class Context:
    """A Lambda context whose time is read from a list."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = iter(seconds)

    def get_remaining_time_in_millis(self) -> int:
        return int(next(self._seconds) * 1_000)


def function(name: str, **use_cases: object) -> Any:
    """Load a function's file, on use cases of a test's own."""
    module = load(str(FUNCTIONS / name / "app.py"))
    made = {name: (lambda it=it: it) for name, it in use_cases.items()}
    vars(module)["wiring"] = SimpleNamespace(**made)
    return module.handler


@pytest.fixture
def rotator() -> Rotator:
    return Rotator()


def test_a_tick_is_a_sweep(rotator: Rotator) -> None:
    sealer = Sealer()
    function("rotate_keys", rotator=rotator, audit_sealer=sealer)(TICK, None)
    assert rotator.calls == [("sweep",)]
    assert sealer.sealed == 1


def test_a_request_is_one_owners_step_with_no_privilege(rotator: Rotator) -> None:
    function("rotate_keys", rotator=rotator)(ours("KeyRotationRequested", owner=CONNECTION), None)
    assert rotator.calls == [("step", CONNECTION, {})]


def test_the_issuers_keys_rotate_by_the_same_event(rotator: Rotator) -> None:
    function("rotate_keys", rotator=rotator)(ours("KeyRotationRequested", owner="issuer"), None)
    assert rotator.calls == [("step", "issuer", {})]


def test_a_refused_key_is_counted(rotator: Rotator) -> None:
    event = ours("KeyRefused", subject=CONNECTION, kid=KID, outcome="failure")
    function("rotate_keys", rotator=rotator)(event, None)
    assert rotator.calls == [("refused", CONNECTION, KID)]


@pytest.mark.parametrize(
    "event",
    [
        ours("KeyRotationRequested", owner=CONNECTION, immediate=True),
        ours("KeyRefused", subject=CONNECTION),
        ours("KeyPromoted", subject=CONNECTION),
        ours("Scheduled Event"),
        {},
    ],
)
def test_an_event_with_no_work_in_it_is_dropped(rotator: Rotator, event: dict[str, Any]) -> None:
    function("rotate_keys", rotator=rotator)(event, None)
    assert rotator.calls == []


@pytest.mark.parametrize(
    "event", [TICK, ours("KeyRotationRequested", owner=CONNECTION)], ids=["sweep", "step"]
)
def test_lambda_hears_of_a_failure(rotator: Rotator, event: dict[str, Any]) -> None:
    rotator.error = Unavailable("store_unavailable", "Later.")
    with pytest.raises(Unavailable):
        function("rotate_keys", rotator=rotator)(event, None)


def test_a_reaping_looks_at_every_page() -> None:
    reaper = Reaper("b", "c")
    function("reap_keys", reaper=reaper, reaping_requests=reaper)(TICK, None)
    assert (reaper.seen, reaper.goes_on) == ([None, "b", "c"], [])


def test_a_reaping_that_runs_out_of_time_asks_for_the_rest_by_an_event() -> None:
    reaper = Reaper("b", "c", "d")
    handler = function("reap_keys", reaper=reaper, reaping_requests=reaper)
    handler(TICK, Context(600, 299))
    assert (reaper.seen, reaper.goes_on) == ([None, "b"], ["c"])
    handler(ours("KeyReapingRequested", position="c"), Context(600, 600))
    assert (reaper.seen, reaper.goes_on) == ([None, "b", "c", "d"], ["c"])


def test_each_reaping_makes_at_least_one_page_so_that_it_ends() -> None:
    reaper = Reaper("b")
    handler = function("reap_keys", reaper=reaper, reaping_requests=reaper)
    handler(ours("KeyReapingRequested", position="b"), Context(0, 0))
    assert (reaper.seen, reaper.goes_on) == (["b"], [])


@pytest.mark.parametrize(
    "event", [ours("KeyReapingRequested"), ours("KeyRotationRequested", owner="issuer")]
)
def test_a_reaping_from_nowhere_is_dropped(event: dict[str, Any]) -> None:
    reaper = Reaper()
    function("reap_keys", reaper=reaper, reaping_requests=reaper)(event, None)
    assert reaper.seen == []


class SendLogout:
    """Remembers whom it was told of."""

    def __init__(self) -> None:
        self.notices: list[LogoutNotice] = []

    def send(self, notice: LogoutNotice) -> None:
        self.notices.append(notice)


def sent(event: dict[str, Any]) -> list[LogoutNotice]:
    """Return whom the function tells of for an event."""
    told = SendLogout()
    function("send_logout", send_logout=told.send)(event, None)
    return told.notices


def test_an_application_is_told_of_a_sign_out_by_its_event() -> None:
    event = ours("BackchannelLogoutRequested", client_id="app", subject="who", sid="session")
    assert sent(event) == [LogoutNotice(client_id="app", subject="who", sid="session")]


@pytest.mark.parametrize(
    "event",
    [
        TICK,
        ours("KeyRotationRequested", owner="issuer"),
        ours("BackchannelLogoutRequested"),
        ours("BackchannelLogoutRequested", client_id="app", subject="who"),
        ours("BackchannelLogoutRequested", client_id="app", subject="who", sid=""),
        ours("BackchannelLogoutRequested", client_id="app", subject="who", sid=7),
        ours("BackchannelLogoutRequested", client_id="app", subject="who", sid="s" * 256),
        ours("BackchannelLogoutRequested", client_id="a", subject="w", sid="s", uri="https://e"),
    ],
)
def test_an_event_that_names_no_sign_out_tells_nobody(event: dict[str, Any]) -> None:
    assert sent(event) == []
