"""Revoking at /revoke: what ends, and what nobody but its client can end [RFC 7009]."""

import pytest
from tests.support.broker import ISSUER, App, Broker
from tests.unit.broker.test_client_credentials import Management
from tests.unit.broker.test_refresh import OFFLINE, other_app, refused, userinfo

from signet.broker.connection import Connection
from signet.errors import Denied, Rejected, Unavailable


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def connection(broker: Broker) -> Connection:
    return broker.connect()


@pytest.fixture
def app(broker: Broker, connection: Connection) -> App:
    return broker.register_app(**OFFLINE)


@pytest.fixture
def tokens(app: App, connection: Connection) -> dict[str, object]:
    return app.login_offline(connection)


def is_over(app: App, tokens: dict[str, object]) -> bool:
    with pytest.raises(Denied):
        userinfo(app, tokens)
    return refused(app, tokens["refresh_token"]) == "invalid_grant"


def goes_on(app: App, tokens: dict[str, object]) -> bool:
    return bool(userinfo(app, tokens)["sub"])


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "nonsense"])
def test_either_token_ends_all_of_its_login_whatever_the_hint(
    app: App, tokens: dict[str, object], kind: str, hint: str | None
) -> None:
    app.revoke(tokens[kind], token_type_hint=hint)
    assert is_over(app, tokens)
    app.revoke(tokens[kind])  # and once more is no error


def test_an_older_refresh_token_ends_its_login_too(app: App, tokens: dict[str, object]) -> None:
    fresh = app.refresh(tokens["refresh_token"])
    app.revoke(tokens["refresh_token"])
    assert is_over(app, fresh)


def test_another_login_of_the_same_person_goes_on(
    app: App, connection: Connection, tokens: dict[str, object]
) -> None:
    other = app.login_offline(connection)
    app.revoke(tokens["refresh_token"])
    assert goes_on(app, other)
    assert "access_token" in app.refresh(other["refresh_token"])


def test_another_clients_tokens_are_left_alone_and_nothing_is_told(
    app: App, tokens: dict[str, object]
) -> None:
    thief = other_app(app.broker)
    for kind in ("refresh_token", "access_token"):
        thief.revoke(tokens[kind])  # answered as ever
    assert goes_on(app, tokens)
    assert "access_token" in app.refresh(tokens["refresh_token"])


def test_what_is_no_token_of_ours_is_no_error_and_ends_nothing(
    app: App, connection: Connection, tokens: dict[str, object]
) -> None:
    _, grant, _, secret = str(tokens["refresh_token"]).split(".")
    (grant_id,) = app.broker.grants.items
    code = app.login(connection)
    strangers = [
        "x",
        "a.b.c",
        grant_id,
        code,
        tokens["id_token"],
        app.assertion(),
        "é",
        "#" * 9_000,
    ]
    strangers += [f"rt.{grant}.{'A' * 43}.{secret}", f"{tokens['access_token']}A"]
    for stranger in strangers:
        app.revoke(stranger)
    assert goes_on(app, tokens)
    assert "id_token" in app.redeem(code)


def test_an_expired_access_token_ends_nothing(app: App, tokens: dict[str, object]) -> None:
    app.broker.clock.time += 3_600
    app.revoke(tokens["access_token"])
    assert "access_token" in app.refresh(tokens["refresh_token"])


def test_an_access_token_whose_grant_is_forgotten_is_no_error(
    app: App, tokens: dict[str, object]
) -> None:
    app.broker.grants.items.clear()
    app.revoke(tokens["access_token"])
    app.revoke(tokens["refresh_token"])
    assert app.broker.grants.items == {}


def test_a_clients_own_token_cannot_be_revoked_and_it_is_said() -> None:
    management = Management()
    with pytest.raises(Rejected) as refusal:
        management.app.revoke(management.token())
    assert refusal.value.code == "unsupported_token_type"


@pytest.mark.parametrize("changes", [{"client_assertion": None}, {"client_secret": "hunter2"}])
def test_nobody_revokes_without_authenticating(
    app: App, tokens: dict[str, object], changes: dict[str, str | None]
) -> None:
    with pytest.raises(Denied) as refusal:
        app.revoke(tokens["refresh_token"], **changes)
    assert refusal.value.code == "invalid_client"
    assert goes_on(app, tokens)


def test_an_assertion_revokes_once(app: App, connection: Connection) -> None:
    first, second = app.login_offline(connection), app.login_offline(connection)
    assertion = app.assertion()
    app.revoke(first["refresh_token"], client_assertion=assertion)
    with pytest.raises(Denied):
        app.revoke(second["refresh_token"], client_assertion=assertion)
    assert goes_on(app, second)


def test_the_called_endpoint_is_no_audience_by_default(app: App, tokens: dict[str, object]) -> None:
    with pytest.raises(Denied):
        app.revoke(tokens["refresh_token"], client_assertion=app.assertion(aud=f"{ISSUER}/revoke"))
    assert goes_on(app, tokens)


def test_a_revocation_without_a_token_is_no_request(app: App) -> None:
    with pytest.raises(Rejected) as refusal:
        app.broker.revoke(app.authenticated(), authorization=None)
    assert refusal.value.code == "invalid_request"


def test_a_revocation_that_was_not_stored_is_never_answered_as_done(
    app: App, tokens: dict[str, object]
) -> None:
    def down(grant_id: str) -> None:
        raise Unavailable("store_unavailable", grant_id)

    real, app.broker.grants.revoke = app.broker.grants.revoke, down  # type: ignore[method-assign]
    for kind in ("refresh_token", "access_token"):
        with pytest.raises(Unavailable):
            app.revoke(tokens[kind])
    app.broker.grants.revoke = real  # type: ignore[method-assign]
    assert goes_on(app, tokens)
