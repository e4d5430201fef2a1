"""Refreshing at /token: who may, with which token, how often, for how long."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.broker import ISSUER, App, Broker, answer_of

from signet.broker.connection import Connection
from signet.errors import Denied, Misconfigured, Rejected, SignetError, Unavailable
from signet.jose.jws import read_unverified
from signet.oidc.id_token import half_hash

DAY = 86_400
OFFLINE = {
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": ["openid", "profile", "email", "offline_access"],
}


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


def refused(app: App, token: object, **changes: str | None) -> str:
    with pytest.raises(SignetError) as refusal:
        app.refresh(token, **changes)
    return refusal.value.code


def userinfo(app: App, tokens: dict[str, object]) -> dict[str, object]:
    return app.broker.userinfo(f"Bearer {tokens['access_token']}")


def other_app(broker: Broker, client_id: str = "other") -> App:
    other = App(broker, client_id)
    document = {
        "client_id": client_id,
        "name": "Other",
        "redirect_uris": ["https://app.example/cb"],
        "jwks": {"keys": [other.jwk]},
        **OFFLINE,
    }
    other.client = broker.registration.register_client(document)
    return other


# --- when there is one ---


def test_an_offline_login_brings_a_refresh_token_of_512_secret_bits(
    tokens: dict[str, object],
) -> None:
    prefix, grant, family, secret = str(tokens["refresh_token"]).split(".")
    assert (prefix, len(grant), len(family), len(secret)) == ("rt", 43, 43, 43)
    assert family != secret


def test_there_is_none_unless_the_application_asked(app: App, connection: Connection) -> None:
    assert "refresh_token" not in app.redeem(app.login(connection))


def test_there_is_none_for_a_client_without_the_grant_type(
    broker: Broker, connection: Connection
) -> None:
    app = broker.register_app(scopes=[*OFFLINE["scopes"]])
    assert "refresh_token" not in app.login_offline(connection)


def test_offline_access_is_refused_where_it_is_not_allowed(
    broker: Broker, connection: Connection
) -> None:
    app = broker.register_app(grant_types=OFFLINE["grant_types"])
    redirection = broker.start(app.request(scope="openid offline_access"))
    assert answer_of(redirection)["error"] == "invalid_scope"  # type: ignore[arg-type]


def test_nothing_of_a_refresh_token_is_stored_but_its_hashes(
    app: App, tokens: dict[str, object]
) -> None:
    _, _, family, secret = str(tokens["refresh_token"]).split(".")
    stored = repr(app.broker.grants.items)
    assert family not in stored
    assert secret not in stored


# --- what a refresh gives ---


def test_a_refresh_gives_the_next_token_and_fresh_ones_of_the_same_login(
    app: App, tokens: dict[str, object]
) -> None:
    app.broker.clock.time += 100
    fresh = app.refresh(tokens["refresh_token"])
    before, after = (read_unverified(str(t["id_token"])).claims for t in (tokens, fresh))
    same = ("iss", "sub", "aud", "auth_time", "acr", "amr", "connection")
    assert {n: after.get(n) for n in same} == {n: before.get(n) for n in same}
    assert after["iat"] == app.broker.clock.time
    assert "nonce" not in after
    assert after["at_hash"] == half_hash(str(fresh["access_token"]), alg="RS256")
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert fresh["access_token"] != tokens["access_token"]
    assert (fresh["token_type"], fresh["expires_in"]) == ("Bearer", 3_600)
    assert userinfo(app, fresh)["email"] == "ada@example.org"


def test_a_family_goes_on_from_token_to_token(app: App, tokens: dict[str, object]) -> None:
    for _ in range(5):
        tokens = app.refresh(tokens["refresh_token"])
    assert userinfo(app, tokens)["sub"]


def test_the_scope_may_be_narrowed_and_is_whole_again_the_next_time(
    app: App, tokens: dict[str, object]
) -> None:
    narrow = app.refresh(tokens["refresh_token"], scope="openid")
    assert narrow["scope"] == "openid"
    assert set(userinfo(app, narrow)) == {"sub"}
    assert "email" not in read_unverified(str(narrow["id_token"])).claims
    whole = app.refresh(narrow["refresh_token"])
    assert whole["scope"] == "openid profile email offline_access"
    assert "email" in userinfo(app, whole)


def test_without_openid_there_is_no_id_token_and_no_userinfo(
    app: App, tokens: dict[str, object]
) -> None:
    narrow = app.refresh(tokens["refresh_token"], scope="email")
    assert "id_token" not in narrow
    with pytest.raises(Denied) as refusal:
        userinfo(app, narrow)
    assert refusal.value.code == "insufficient_scope"
    assert [e.detail["purpose"] for e in app.broker.audit.events[-1:]] == ["access_token"]


@pytest.mark.parametrize("scope", ["openid phone", "openid connections:read", "x", "openid  email"])
def test_more_scope_is_refused_and_the_token_stays_good(
    app: App, tokens: dict[str, object], scope: str
) -> None:
    assert refused(app, tokens["refresh_token"], scope=scope) == "invalid_scope"
    assert "access_token" in app.refresh(tokens["refresh_token"])


# --- once ---


def test_a_used_token_ends_its_family_and_the_access_tokens(
    app: App, tokens: dict[str, object]
) -> None:
    fresh = app.refresh(tokens["refresh_token"])
    signatures = app.broker.kms.signatures
    assert refused(app, tokens["refresh_token"]) == "invalid_grant"
    assert app.broker.kms.signatures == signatures  # nothing is signed for a used token
    for ended in (tokens, fresh):
        with pytest.raises(Denied):
            userinfo(app, ended)
    assert refused(app, fresh["refresh_token"]) == "invalid_grant"


def ended_logins(app: App) -> list[tuple[str, str | None, str]]:
    return [
        (event.subject, event.connection, event.detail["reason"])
        for event in app.broker.audit.events
        if event.type == "LoginEnded"
    ]


def test_a_login_that_ended_so_is_told_once_in_the_audit(
    app: App, connection: Connection, tokens: dict[str, object]
) -> None:
    app.refresh(tokens["refresh_token"])
    for _ in range(3):
        assert refused(app, tokens["refresh_token"]) == "invalid_grant"
    reason = "the refresh token was used before"
    assert ended_logins(app) == [("app", connection.id, reason)]


def test_a_code_that_is_used_again_is_told_once_in_the_audit(
    app: App, connection: Connection
) -> None:
    code, spoiled = app.login(connection), app.login(connection)
    app.redeem(code)
    for _ in range(3):
        with pytest.raises(Rejected):
            app.redeem(code)
    with pytest.raises(Rejected):
        app.redeem(spoiled, code_verifier="w" * 43)  # nothing was given for this one
    assert ended_logins(app) == [("app", connection.id, "the code was used before")]


def test_a_used_token_ends_its_family_even_where_that_cannot_be_recorded(
    app: App, tokens: dict[str, object]
) -> None:
    fresh = app.refresh(tokens["refresh_token"])
    app.broker.audit.down = True
    with pytest.raises(Unavailable):
        app.refresh(tokens["refresh_token"])
    app.broker.audit.down = False
    assert refused(app, fresh["refresh_token"]) == "invalid_grant"


def test_a_much_older_token_ends_its_family_too(app: App, tokens: dict[str, object]) -> None:
    first = tokens["refresh_token"]
    for _ in range(4):
        tokens = app.refresh(tokens["refresh_token"])
    assert refused(app, first) == "invalid_grant"
    assert refused(app, tokens["refresh_token"]) == "invalid_grant"


def test_the_loser_of_two_refreshes_at_once_ends_the_family(
    app: App, tokens: dict[str, object]
) -> None:
    grants = app.broker.grants
    winner: list[dict[str, object]] = []

    class Rival:
        """Reads before and rotates after another request did."""

        def __getattr__(self, name: str) -> object:
            return getattr(grants, name)

        def rotate(self, grant_id: str, **arguments: object) -> bool:
            winner.append(app.refresh(tokens["refresh_token"]))
            return grants.rotate(grant_id, **arguments)  # type: ignore[arg-type]

    slow = replace(app.broker.refresh, grants=Rival())
    form = app.authenticated(grant_type="refresh_token", refresh_token=str(tokens["refresh_token"]))
    with pytest.raises(Rejected) as refusal:
        slow(form, authorization=None)
    assert refusal.value.code == "invalid_grant"
    with pytest.raises(Denied):
        userinfo(app, winner[0])
    assert refused(app, winner[0]["refresh_token"]) == "invalid_grant"


def test_a_code_that_is_used_again_ends_the_refresh_tokens_too(
    app: App, connection: Connection
) -> None:
    begun = app.begin(scope="openid offline_access")
    code = answer_of(app.broker.callback(connection, begun))["code"]
    tokens = app.redeem(code)
    with pytest.raises(Rejected):
        app.redeem(code)
    assert refused(app, tokens["refresh_token"]) == "invalid_grant"


def test_a_replayed_assertion_neither_rotates_nor_ends(app: App, tokens: dict[str, object]) -> None:
    assertion = app.assertion()
    fresh = app.refresh(tokens["refresh_token"], client_assertion=assertion)
    for token in (tokens["refresh_token"], fresh["refresh_token"]):
        assert refused(app, token, client_assertion=assertion) == "invalid_client"
    assert "access_token" in app.refresh(fresh["refresh_token"])


# --- whose ---


def test_another_clients_token_is_refused_and_stays_good(
    app: App, tokens: dict[str, object]
) -> None:
    thief = other_app(app.broker)
    assert refused(thief, tokens["refresh_token"]) == "invalid_grant"
    assert refused(thief, tokens["refresh_token"], client_id="app") == "invalid_client"
    assert "access_token" in app.refresh(tokens["refresh_token"])


def test_whoever_knows_a_grants_id_alone_ends_nothing(app: App, tokens: dict[str, object]) -> None:
    _, grant, _, secret = str(tokens["refresh_token"]).split(".")
    guesses = (f"rt.{grant}.{'A' * 43}.{'A' * 43}", f"rt.{grant}.{'A' * 43}.{secret}")
    for guess in guesses:
        assert refused(app, guess) == "invalid_grant"
    assert "access_token" in app.refresh(tokens["refresh_token"])


def test_no_other_record_or_token_is_a_refresh_token(
    app: App, connection: Connection, tokens: dict[str, object]
) -> None:
    (grant_id,) = app.broker.grants.items
    code = app.login(connection)
    impostors = [code, grant_id, tokens["access_token"], tokens["id_token"], app.assertion()]
    impostors += [str(tokens["refresh_token"]) + "A", "rt...", "é" * 43, "rt." + "A" * 5_000]
    for impostor in impostors:
        assert refused(app, impostor) == "invalid_grant"
    for used_as_code in (tokens["refresh_token"], str(tokens["refresh_token"]).split(".")[3]):
        with pytest.raises(Rejected):
            app.redeem(str(used_as_code))
    assert "id_token" in app.redeem(code)
    assert "access_token" in app.refresh(tokens["refresh_token"])


def test_a_grant_without_refresh_tokens_takes_none(app: App, connection: Connection) -> None:
    app.redeem(app.login(connection))
    (grant_id,) = app.broker.grants.items
    forged = f"rt.{grant_id.removeprefix('CODE#')}.{'A' * 43}.{'A' * 43}"
    assert refused(app, forged) == "invalid_grant"


def test_a_client_that_lost_the_grant_type_refreshes_no_more(
    app: App, tokens: dict[str, object]
) -> None:
    app.broker.clients.put(replace(app.client, grant_types=("authorization_code",)))
    assert refused(app, tokens["refresh_token"]) == "unauthorized_client"


def test_a_refresh_without_a_token_is_no_request(app: App) -> None:
    with pytest.raises(Rejected) as refusal:
        app.broker.refresh(app.authenticated(grant_type="refresh_token"), authorization=None)
    assert refusal.value.code == "invalid_request"


def test_a_refresh_authenticates_like_every_token_request(
    app: App, tokens: dict[str, object]
) -> None:
    token = tokens["refresh_token"]
    assert refused(app, token, client_assertion=None) == "invalid_client"
    assert refused(app, token, client_secret="hunter2") == "invalid_client"
    aud = app.assertion(aud=f"{ISSUER}/token")
    assert refused(app, token, client_assertion=aud) == "invalid_client"
    assert "access_token" in app.refresh(token)


# --- for how long ---


def test_a_token_lies_unused_for_seven_days_at_most(app: App, tokens: dict[str, object]) -> None:
    app.broker.clock.time += 7 * DAY - 1
    fresh = app.refresh(tokens["refresh_token"])
    app.broker.clock.time += 7 * DAY
    assert refused(app, fresh["refresh_token"]) == "invalid_grant"


def test_a_family_ends_after_thirty_days_however_busy(app: App, tokens: dict[str, object]) -> None:
    for _ in range(5):
        app.broker.clock.time += 6 * DAY - 1
        tokens = app.refresh(tokens["refresh_token"])
    app.broker.clock.time += 5
    assert refused(app, tokens["refresh_token"]) == "invalid_grant"


# --- disabled means disabled (OP-045) ---


def _disable_connection(broker: Broker, connection: Connection, app: App) -> None:
    del app
    broker.connections.items[connection.id] = replace(connection, enabled=False)


def _remove_connection(broker: Broker, connection: Connection, app: App) -> None:
    del app
    del broker.connections.items[connection.id]


def _take_connection_away(broker: Broker, connection: Connection, app: App) -> None:
    del connection
    broker.clients.put(replace(app.client, connections=("other",)))


def _revoke_grant(broker: Broker, connection: Connection, app: App) -> None:
    del connection, app
    (grant_id,) = broker.grants.items
    broker.grants.revoke(grant_id)


@pytest.mark.parametrize(
    "end", [_disable_connection, _remove_connection, _take_connection_away, _revoke_grant]
)
def test_nothing_is_refreshed_whose_login_is_worth_nothing(
    app: App,
    connection: Connection,
    tokens: dict[str, object],
    end: Callable[[Broker, Connection, App], None],
) -> None:
    end(app.broker, connection, app)
    assert refused(app, tokens["refresh_token"]) == "invalid_grant"
    with pytest.raises(Denied):
        userinfo(app, tokens)


@pytest.mark.parametrize("removed", [True, False])
def test_a_client_that_is_gone_or_disabled_refreshes_nothing(
    app: App, tokens: dict[str, object], *, removed: bool
) -> None:
    if removed:
        app.broker.clients.items.clear()
    else:
        app.broker.clients.put(replace(app.client, enabled=False))
    assert refused(app, tokens["refresh_token"]) == "invalid_client"


def test_a_scope_that_the_client_lost_is_refreshed_no_more(
    app: App, tokens: dict[str, object]
) -> None:
    app.broker.clients.put(replace(app.client, scopes=("openid", "profile", "offline_access")))
    assert refused(app, tokens["refresh_token"], scope="openid email") == "invalid_scope"
    fresh = app.refresh(tokens["refresh_token"])
    assert fresh["scope"] == "openid profile offline_access"
    assert "email" not in userinfo(app, fresh)
    assert "email" not in read_unverified(str(fresh["id_token"])).claims


def test_a_client_that_lost_offline_access_refreshes_nothing(
    app: App, tokens: dict[str, object]
) -> None:
    app.broker.clients.put(replace(app.client, scopes=("openid", "profile", "email")))
    assert refused(app, tokens["refresh_token"]) == "invalid_grant"


def test_a_connection_that_is_enabled_again_refreshes_again(
    app: App, connection: Connection, tokens: dict[str, object]
) -> None:
    _disable_connection(app.broker, connection, app)
    assert refused(app, tokens["refresh_token"]) == "invalid_grant"
    app.broker.connections.items[connection.id] = connection
    assert "access_token" in app.refresh(tokens["refresh_token"])


# --- faults (OP-074) ---


@pytest.mark.parametrize("signature", [1, 2])
def test_a_refresh_token_is_good_again_when_kms_could_not_sign(
    app: App, tokens: dict[str, object], signature: int
) -> None:
    real = app.broker.kms.sign_digest
    calls = iter(range(1, 10))

    def failing(**arguments: object) -> object:
        if next(calls) == signature:
            raise Unavailable("signing_unavailable", "Not now.")
        return real(**arguments)  # type: ignore[arg-type]

    keys = replace(app.broker.keys, kms=_Signer(failing))  # type: ignore[arg-type]
    broken = replace(app.broker.redeem, keys=keys)
    app.broker.refresh = replace(app.broker.refresh, tokens=broken)
    with pytest.raises(Unavailable):
        app.refresh(tokens["refresh_token"])
    assert "access_token" in app.refresh(tokens["refresh_token"])


def test_what_cannot_be_recorded_goes_to_nobody(app: App, tokens: dict[str, object]) -> None:
    app.broker.audit.down = True
    with pytest.raises(Unavailable):
        app.refresh(tokens["refresh_token"])
    app.broker.audit.down = False
    assert "access_token" in app.refresh(tokens["refresh_token"])


def test_a_use_that_was_given_back_does_not_bring_an_ended_family_back(
    app: App, tokens: dict[str, object]
) -> None:
    (grant_id,) = app.broker.grants.items
    real = app.broker.grants.rotate

    def revoked_meanwhile(*arguments: str, **members: object) -> bool:
        won = real(*arguments, **members)  # type: ignore[arg-type]
        app.broker.grants.revoke(grant_id)
        app.broker.audit.down = True
        return won

    app.broker.grants.rotate = revoked_meanwhile  # type: ignore[method-assign, assignment]
    with pytest.raises(Unavailable):
        app.refresh(tokens["refresh_token"])
    app.broker.audit.down = False
    assert refused(app, tokens["refresh_token"]) == "invalid_grant"


def test_without_the_issuers_keyring_a_token_stays_good(
    app: App, tokens: dict[str, object]
) -> None:
    keyring = app.broker.keyrings.items.pop("issuer")
    with pytest.raises(Misconfigured):
        app.refresh(tokens["refresh_token"])
    app.broker.keyrings.items["issuer"] = keyring
    assert "access_token" in app.refresh(tokens["refresh_token"])


class _Signer:
    def __init__(self, sign: object) -> None:
        self.sign_digest = sign


def test_the_provider_is_not_asked_at_a_refresh(app: App, tokens: dict[str, object]) -> None:
    app.broker.idp.answers.clear()  # it would fail at any request
    assert "access_token" in app.refresh(tokens["refresh_token"])
