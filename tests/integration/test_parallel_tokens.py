"""A hundred uses of one code or refresh token at once: one winner, and one fate for its family.

Round after round behind one barrier: on the stores, in memory and on DynamoDB, and on the whole
use cases in memory.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any, TypeVar

import pytest
from tests.support import records
from tests.support.broker import REDIRECT_URI, App, Broker, answer_of
from tests.support.memory import MemoryGrants
from tests.support.records import NOW
from tests.unit.broker.test_refresh import OFFLINE

from signet.adapters.random import SystemEntropy
from signet.broker.connection import Connection
from signet.broker.grant import RefreshFamily
from signet.errors import SignetError, Unavailable

T = TypeVar("T")
AT_ONCE = 100
IN_MEMORY, ON_DYNAMODB, USE_CASES = 250, 3, 5


class Contest:
    """A hundred threads that begin each round together."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._barrier = Barrier(AT_ONCE)

    def __call__(self, act: Callable[[int], T]) -> list[T]:
        def run(contender: int) -> T:
            self._barrier.wait(timeout=60)
            return act(contender)

        return list(self._pool.map(run, range(AT_ONCE)))

    def close(self) -> None:
        self._pool.shutdown()


@pytest.fixture(scope="module")
def contest() -> Iterator[Contest]:
    made = Contest()
    yield made
    made.close()


@pytest.fixture(params=["memory", "dynamodb"])
def grants(request: pytest.FixtureRequest) -> tuple[Any, int]:
    """Return a store of grants, and how many rounds there is time for."""
    if request.param == "memory":
        return MemoryGrants(), IN_MEMORY
    return request.getfixturevalue("stores").grants, ON_DYNAMODB


def family() -> RefreshFamily:
    return RefreshFamily(family="f", current="a", expires_at=NOW + 900, idle_until=NOW + 90)


def told(act: Callable[[], bool]) -> bool | None:
    """Return who won; None for a contender whom a busy emulator left without an answer."""
    try:
        return act()
    except Unavailable:
        return None


def winners(results: list[bool | None]) -> set[str]:
    """Name the one winner; where nobody was told so, those who may be it."""
    won, unknown = (
        {f"{number}" for number, result in enumerate(results) if result is outcome}
        for outcome in (True, None)
    )
    assert len(won) <= 1
    return won or unknown


def test_of_a_hundred_redemptions_of_one_code_exactly_one_succeeds(
    grants: tuple[Any, int], contest: Contest
) -> None:
    store, rounds = grants
    for _ in range(rounds):
        grant = records.grant()
        store.add(grant)

        def redeem(contender: int, grant_id: str = grant.id) -> bool | None:
            return told(
                partial(
                    store.redeem,
                    grant_id,
                    redemption=f"{contender}",
                    now=NOW,
                    keep_until=NOW,
                    refresh=family(),
                )
            )

        won = winners(contest(redeem))
        assert store.get(grant.id).redeemed_by in won


def test_of_a_hundred_rotations_of_one_refresh_token_exactly_one_succeeds(
    grants: tuple[Any, int], contest: Contest
) -> None:
    store, rounds = grants
    for _ in range(rounds):
        grant = records.grant()
        store.add(grant)
        store.redeem(grant.id, redemption="x", now=NOW, keep_until=NOW, refresh=family())

        def rotate(contender: int, grant_id: str = grant.id) -> bool | None:
            return told(
                partial(
                    store.rotate,
                    grant_id,
                    used="a",
                    successor=f"{contender}",
                    now=NOW,
                    idle_until=NOW + 9,
                )
            )

        won = winners(contest(rotate))
        assert store.get(grant.id).refresh.current in won


@pytest.fixture(scope="module")
def scene() -> tuple[App, Connection]:
    broker = Broker(entropy=SystemEntropy())  # type: ignore[arg-type]  (the other one cannot race)
    connection = broker.connect()
    return broker.register_app(**OFFLINE), connection


def outcome(act: Callable[[], dict[str, object]]) -> str | dict[str, object]:
    try:
        return act()
    except SignetError as refusal:
        return refusal.code


def one_winner(outcomes: list[str | dict[str, object]]) -> dict[str, object]:
    (winner,) = [tokens for tokens in outcomes if not isinstance(tokens, str)]
    assert Counter(o for o in outcomes if isinstance(o, str)) == {"invalid_grant": AT_ONCE - 1}
    return winner


def test_of_a_hundred_refreshes_one_gets_tokens_and_the_family_is_over(
    scene: tuple[App, Connection], contest: Contest
) -> None:
    app, connection = scene
    for _ in range(USE_CASES):
        token = str(app.login_offline(connection)["refresh_token"])
        forms = [
            app.authenticated(grant_type="refresh_token", refresh_token=token)
            for _ in range(AT_ONCE)
        ]

        def refresh(number: int, forms: list[dict[str, str]] = forms) -> str | dict[str, object]:
            return outcome(partial(app.broker.refresh, forms[number], authorization=None))

        winner = one_winner(contest(refresh))
        assert app.introspect(winner["refresh_token"]) == {"active": False}
        assert app.introspect(winner["access_token"]) == {"active": False}


def test_of_a_hundred_redemptions_one_gets_tokens_and_they_are_over(
    scene: tuple[App, Connection], contest: Contest
) -> None:
    app, connection = scene
    for _ in range(USE_CASES):
        begun = app.begin(scope="openid offline_access", redirect_uri=REDIRECT_URI)
        code = answer_of(app.broker.callback(connection, begun))["code"]
        forms = [app.token_parameters(code) for _ in range(AT_ONCE)]

        def redeem(number: int, forms: list[dict[str, str]] = forms) -> str | dict[str, object]:
            return outcome(partial(app.broker.redeem, forms[number], authorization=None))

        winner = one_winner(contest(redeem))
        assert app.introspect(winner["refresh_token"]) == {"active": False}
        assert app.introspect(winner["access_token"]) == {"active": False}


def test_of_a_hundred_uses_of_one_assertion_one_authenticates(
    scene: tuple[App, Connection], contest: Contest
) -> None:
    app, connection = scene
    for _ in range(USE_CASES):
        assertion = app.assertion()
        tokens = [str(app.login_offline(connection)["refresh_token"]) for _ in range(10)]
        forms = [
            app.authenticated(
                grant_type="refresh_token",
                refresh_token=tokens[number % 10],
                client_assertion=assertion,
            )
            for number in range(AT_ONCE)
        ]

        def refresh(number: int, forms: list[dict[str, str]] = forms) -> str | dict[str, object]:
            return outcome(partial(app.broker.refresh, forms[number], authorization=None))

        outcomes = contest(refresh)
        assert [o for o in outcomes if isinstance(o, str)] == ["invalid_client"] * (AT_ONCE - 1)
