"""Asking at /introspect: a client learns of its own tokens, and nobody else's [RFC 7662]."""

from dataclasses import replace

import pytest
from tests.support.broker import ISSUER, App, Broker
from tests.unit.broker.test_client_credentials import Management
from tests.unit.broker.test_refresh import OFFLINE, other_app

from signet.broker.connection import Connection
from signet.broker.signing import signing_key
from signet.errors import Denied, Rejected
from signet.jose.jws import read_unverified, sign

INACTIVE = {"active": False}


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


def test_an_access_token_is_described_by_its_own_claims(
    app: App, tokens: dict[str, object]
) -> None:
    claims = dict(read_unverified(str(tokens["access_token"])).claims)
    del claims["grant_id"]
    told = app.introspect(tokens["access_token"])
    assert told == {"active": True, "token_type": "Bearer", **claims}


def test_a_token_that_is_bound_to_a_key_says_so(app: App, tokens: dict[str, object]) -> None:
    key = signing_key(app.broker.keyrings.items["issuer"], app.broker.kms)
    claims = {**read_unverified(str(tokens["access_token"])).claims, "cnf": {"jkt": "k" * 43}}
    told = app.introspect(sign(claims, key=key, typ="at+jwt").compact)
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": "k" * 43})


def test_a_refresh_token_is_described_with_its_end(app: App, tokens: dict[str, object]) -> None:
    assert app.introspect(tokens["refresh_token"]) == {
        "active": True,
        "iss": ISSUER,
        "sub": read_unverified(str(tokens["id_token"])).claims["sub"],
        "client_id": "app",
        "scope": "openid profile email offline_access",
        "exp": app.broker.clock.time + 604_800,
    }


def test_a_refresh_that_narrowed_the_scope_shows_in_the_access_token(
    app: App, tokens: dict[str, object]
) -> None:
    narrow = app.refresh(tokens["refresh_token"], scope="openid")
    assert app.introspect(narrow["access_token"])["scope"] == "openid"


def test_a_clients_own_token_is_described_too() -> None:
    management = Management(scopes=["clients:read"])
    told = management.app.introspect(management.token())
    assert (told["active"], told["scope"], told["aud"]) == (
        True,
        "clients:read",
        f"{ISSUER}/api/v1",
    )


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_another_client_learns_nothing(app: App, tokens: dict[str, object], kind: str) -> None:
    assert other_app(app.broker).introspect(tokens[kind]) == INACTIVE


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_revoked_login_has_no_active_token(
    app: App, tokens: dict[str, object], kind: str
) -> None:
    (grant_id,) = app.broker.grants.items
    app.broker.grants.revoke(grant_id)
    assert app.introspect(tokens[kind]) == INACTIVE


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("enabled", [None, False])
def test_a_login_through_a_connection_that_is_off_has_no_active_token(
    app: App,
    connection: Connection,
    tokens: dict[str, object],
    kind: str,
    *,
    enabled: bool | None,
) -> None:
    if enabled is None:
        app.broker.connections.items.clear()
    else:
        app.broker.connections.items[connection.id] = replace(connection, enabled=False)
    assert app.introspect(tokens[kind]) == INACTIVE


def test_expired_tokens_are_not_active(app: App, tokens: dict[str, object]) -> None:
    app.broker.clock.time += 3_599
    assert app.introspect(tokens["access_token"])["active"] is True
    app.broker.clock.time += 1
    assert app.introspect(tokens["access_token"]) == INACTIVE
    app.broker.clock.time += 604_800
    assert app.introspect(tokens["refresh_token"]) == INACTIVE


def test_a_familys_end_is_looked_at_by_itself(app: App, tokens: dict[str, object]) -> None:
    (grant,) = app.broker.grants.items.values()
    assert grant.refresh is not None
    over = replace(grant.refresh, expires_at=app.broker.clock.time)
    app.broker.grants.items[grant.id] = replace(grant, refresh=over)
    assert app.introspect(tokens["refresh_token"]) == INACTIVE


def test_what_our_key_signed_for_another_issuer_is_not_active(
    app: App, tokens: dict[str, object]
) -> None:
    key = signing_key(app.broker.keyrings.items["issuer"], app.broker.kms)
    claims = dict(read_unverified(str(tokens["access_token"])).claims)
    assert app.introspect(sign(claims, key=key, typ="at+jwt").compact)["active"] is True
    claims["iss"] = "https://other.example"
    assert app.introspect(sign(claims, key=key, typ="at+jwt").compact) == INACTIVE


def test_to_ask_about_a_used_refresh_token_ends_nothing(
    app: App, tokens: dict[str, object]
) -> None:
    fresh = app.refresh(tokens["refresh_token"])
    assert app.introspect(tokens["refresh_token"]) == INACTIVE
    assert app.introspect(fresh["refresh_token"])["active"] is True


def test_what_is_no_token_of_ours_is_not_active(
    app: App, connection: Connection, tokens: dict[str, object]
) -> None:
    (grant_id,) = app.broker.grants.items
    strangers = ["x", "a.b.c", grant_id, app.login(connection), tokens["id_token"], "é"]
    strangers += [app.assertion(), str(tokens["access_token"])[:-8] + "AAAAAAAA"]
    for stranger in strangers:
        assert app.introspect(stranger) == INACTIVE


def test_a_token_of_a_forgotten_grant_is_not_active(app: App, tokens: dict[str, object]) -> None:
    app.broker.grants.items.clear()
    assert app.introspect(tokens["access_token"]) == INACTIVE
    assert app.introspect(tokens["refresh_token"]) == INACTIVE


@pytest.mark.parametrize("changes", [{"client_assertion": None}, {"client_secret": "hunter2"}])
def test_nobody_asks_without_authenticating(
    app: App, tokens: dict[str, object], changes: dict[str, str | None]
) -> None:
    with pytest.raises(Denied) as refusal:
        app.introspect(tokens["access_token"], **changes)
    assert refusal.value.code == "invalid_client"


def test_an_assertion_asks_once(app: App, tokens: dict[str, object]) -> None:
    assertion = app.assertion()
    app.introspect(tokens["access_token"], client_assertion=assertion)
    with pytest.raises(Denied):
        app.introspect(tokens["access_token"], client_assertion=assertion)


def test_a_question_without_a_token_is_no_request(app: App) -> None:
    with pytest.raises(Rejected) as refusal:
        app.broker.introspect(app.authenticated(), authorization=None)
    assert refusal.value.code == "invalid_request"
