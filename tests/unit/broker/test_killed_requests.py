"""A function that dies between two waits, wherever: never two families, never half a rotation.

OP-075: after a retry there are the tokens of one redemption, or none at all.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.broker import App, Broker, answer_of
from tests.unit.broker.test_refresh import OFFLINE

from signet.broker.connection import Connection
from signet.errors import SignetError

STEPS = range(8)


class Killed(BaseException):
    """The sandbox ended; nothing of ours runs any more."""


class Fate:
    """Lets so many steps happen and kills what comes after the last one's effect."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def after(self, act: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object, **members: object) -> object:
            if self.left < 0:
                raise Killed
            result = act(*arguments, **members)
            self.left -= 1
            if self.left < 0:
                raise Killed
            return result

        return run


class Mortal:
    """A port whose every method may be the last one that runs."""

    def __init__(self, port: object, fate: Fate) -> None:
        self._port, self._fate = port, fate

    def __getattr__(self, name: str) -> object:
        return self._fate.after(getattr(self._port, name))


def mortal(broker: Broker, steps: int) -> None:
    """Let the token endpoint live for so many calls of its stores, of KMS and of the audit."""
    fate = Fate(steps)
    grants, audit = Mortal(broker.grants, fate), Mortal(broker.audit, fate)
    kms, replay = Mortal(broker.kms, fate), Mortal(broker.replay, fate)
    authentication = replace(broker.authentication, replay=replay)  # type: ignore[arg-type]
    broker.redeem = replace(
        broker.redeem,
        authentication=authentication,
        grants=grants,  # type: ignore[arg-type]
        keys=replace(broker.keys, kms=kms),  # type: ignore[arg-type]
        audit=audit,  # type: ignore[arg-type]
    )
    broker.refresh = replace(
        broker.refresh,
        authentication=authentication,
        grants=grants,  # type: ignore[arg-type]
        tokens=broker.redeem,
    )


def attempted(act: Callable[[], dict[str, object]]) -> dict[str, object] | str | None:
    """Return the tokens, the error, or None for a request that was killed."""
    try:
        return act()
    except Killed:
        return None
    except SignetError as refusal:
        return refusal.code


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def connection(broker: Broker) -> Connection:
    return broker.connect()


@pytest.fixture
def app(broker: Broker, connection: Connection) -> App:
    return broker.register_app(**OFFLINE)


@pytest.mark.parametrize("steps", STEPS)
def test_a_killed_redemption_leaves_one_login_or_none(
    app: App, connection: Connection, steps: int
) -> None:
    begun = app.begin(scope="openid offline_access")
    code = answer_of(app.broker.callback(connection, begun))["code"]
    redeem, refresh = app.broker.redeem, app.broker.refresh
    mortal(app.broker, steps)
    first = attempted(lambda: app.redeem(code))
    app.broker.redeem, app.broker.refresh = redeem, refresh
    again = attempted(lambda: app.redeem(code))
    assert_at_most_one_is_active(app, first, again)


@pytest.mark.parametrize("steps", STEPS)
def test_a_killed_refresh_leaves_one_login_or_none(
    app: App, connection: Connection, steps: int
) -> None:
    token = app.login_offline(connection)["refresh_token"]
    redeem, refresh = app.broker.redeem, app.broker.refresh
    mortal(app.broker, steps)
    first = attempted(lambda: app.refresh(token))
    app.broker.redeem, app.broker.refresh = redeem, refresh
    again = attempted(lambda: app.refresh(token))
    assert_at_most_one_is_active(app, first, again)


def assert_at_most_one_is_active(
    app: App, first: dict[str, object] | str | None, again: dict[str, object] | str | None
) -> None:
    """Whoever was given tokens the second time has the only ones; else nobody has any."""
    if isinstance(again, dict):
        assert first is None  # only a request that nobody got an answer to may be repeated
        assert app.introspect(again["refresh_token"])["active"] is True
        return
    assert again == "invalid_grant"
    (grant,) = app.broker.grants.items.values()
    assert grant.revoked
    if isinstance(first, dict):
        assert app.introspect(first["refresh_token"]) == {"active": False}
        assert app.introspect(first["access_token"]) == {"active": False}


def test_the_steps_reach_from_the_first_wait_to_the_answer(
    app: App, connection: Connection
) -> None:
    outcomes = []
    for steps in STEPS:
        token = app.login_offline(connection)["refresh_token"]
        redeem, refresh = app.broker.redeem, app.broker.refresh
        mortal(app.broker, steps)
        outcomes.append(isinstance(attempted(lambda token=token: app.refresh(token)), dict))
        app.broker.redeem, app.broker.refresh = redeem, refresh
    assert outcomes[0] is False
    assert outcomes[-1] is True
