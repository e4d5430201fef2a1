"""Back-channel logout from providers: each rule of a logout token, and what a right one ends."""

from dataclasses import replace

import pytest
from tests.support.broker import App, Broker
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.canned_provider import CannedProvider
from tests.support.racing import race
from tests.support.signed_in import BACKCHANNEL, is_alive, is_signed_in, sign_in

from signet.errors import Rejected, Unavailable
from signet.jose.jws import sign
from signet.oidc.logout_token import EVENT

ABSENT = CannedProvider.ABSENT


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    made.connect()
    made.idp.claims = {"sid": "upstream-1"}
    return made


@pytest.fixture
def app(broker: Broker) -> App:
    return broker.register_app(
        backchannel_logout_uri=BACKCHANNEL,
        scopes=["openid", "profile", "email", "offline_access"],
    )


def token(broker: Broker, typ: str | None = "logout+jwt", **changes: object) -> str:
    """Sign a logout token that has to be accepted, with changes."""
    now = broker.clock.now()
    claims = {
        "iss": PROVIDER,
        "aud": "signet",
        "iat": now,
        "exp": now + 120,
        "jti": broker.entropy.token(),
        "sub": "user-1",
        "events": {EVENT: {}},
        **changes,
    }
    present = {name: value for name, value in claims.items() if value is not ABSENT}
    return sign(present, key=broker.idp.key, typ=typ).compact


def send(broker: Broker, logout_token: str | None, *, name: str = "acme") -> None:
    connection = broker.connections.find(name)
    assert connection is not None
    parameters = {} if logout_token is None else {"logout_token": logout_token}
    broker.provider_logout(connection.id, parameters)


def test_a_right_token_ends_every_session_of_the_person_and_what_they_gave(app: App) -> None:
    first, second = sign_in(app), sign_in(app)
    send(app.broker, token(app.broker))
    for person in (first, second):
        assert not is_signed_in(app, person.cookies)
        assert not is_alive(app.broker, person.access_token)
    told = {notice.sid for notice in app.broker.logout_notices.notices}
    assert told == {first.claims["sid"], second.claims["sid"]}


def test_a_providers_session_is_ended_alone(app: App) -> None:
    first = sign_in(app)
    app.broker.idp.claims["sid"] = "upstream-2"
    second = sign_in(app)
    send(app.broker, token(app.broker, sub=ABSENT, sid="upstream-2"))
    assert is_signed_in(app, first.cookies)
    assert not is_signed_in(app, second.cookies)


def test_a_token_that_names_both_means_what_fits_both(app: App) -> None:
    person = sign_in(app)
    send(app.broker, token(app.broker, sub="user-2", sid="upstream-1"))
    send(app.broker, token(app.broker, sub="user-1", sid="upstream-2"))
    assert is_signed_in(app, person.cookies)
    send(app.broker, token(app.broker, sub="user-1", sid="upstream-1"))
    assert not is_signed_in(app, person.cookies)


def test_refresh_tokens_end_too(app: App) -> None:
    person = sign_in(app, scope="openid offline_access")
    send(app.broker, token(app.broker))
    assert not is_signed_in(app, person.cookies)
    assert not is_alive(app.broker, person.access_token)


def test_a_session_that_its_browser_lost_ends_for_the_applications_too(app: App) -> None:
    person = sign_in(app)
    app.broker.sessions.items.clear()
    send(app.broker, token(app.broker))
    assert not is_alive(app.broker, person.access_token)


def test_a_person_who_is_not_signed_in_is_signed_out_already(app: App) -> None:
    person = sign_in(app)
    send(app.broker, token(app.broker, sub="nobody"))
    assert is_signed_in(app, person.cookies)


def test_no_provider_ends_a_session_of_another_connection(app: App) -> None:
    person = sign_in(app)
    app.broker.connect("other")
    send(app.broker, token(app.broker), name="other")
    send(app.broker, token(app.broker, sub=ABSENT, sid="upstream-1"), name="other")
    assert is_signed_in(app, person.cookies)


def test_the_provider_of_a_disabled_connection_is_heard(app: App) -> None:
    person = sign_in(app)
    connection = app.broker.connections.find("acme")
    assert connection is not None
    app.broker.connections.items[connection.id] = replace(connection, enabled=False)
    send(app.broker, token(app.broker))
    assert not is_alive(app.broker, person.access_token)


@pytest.mark.parametrize("typ", [None, "JWT", "logout+jwt", "application/logout+jwt", "LOGOUT+JWT"])
def test_providers_may_call_the_token_by_these_types(app: App, typ: str | None) -> None:
    person = sign_in(app)
    send(app.broker, token(app.broker, typ))
    assert not is_signed_in(app, person.cookies)


def test_the_event_may_say_more_than_its_name(app: App) -> None:
    send(app.broker, token(app.broker, events={EVENT: {"reason": "left"}, "other": {}}))
    send(app.broker, token(app.broker, aud=["signet"]))


REFUSED: dict[str, dict[str, object]] = {
    "iss of another": {"iss": "https://evil.example"},
    "iss missing": {"iss": ABSENT},
    "iss with a slash": {"iss": f"{PROVIDER}/"},
    "aud of another": {"aud": "another"},
    "aud missing": {"aud": ABSENT},
    "aud of two": {"aud": ["signet", "another"]},
    "iat missing": {"iat": ABSENT},
    "iat ahead": {"iat": 1_800_000_061, "exp": 1_800_000_100},
    "iat a text": {"iat": "1800000000"},
    "iat true": {"iat": True},
    "iat negative": {"iat": -1},
    "exp missing": {"exp": ABSENT},
    "exp past": {"iat": 1_799_999_000, "exp": 1_799_999_940},
    "exp too far": {"exp": 1_800_000_000 + 86_401},
    "neither sub nor sid": {"sub": ABSENT},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 7},
    "sub too long": {"sub": "s" * 256},
    "sid null": {"sid": None},
    "sid a list": {"sid": ["upstream-1"]},
    "events missing": {"events": ABSENT},
    "events of another kind": {"events": {"http://schemas.openid.net/event/other": {}}},
    "events a list": {"events": [EVENT]},
    "event not an object": {"events": {EVENT: True}},
    "nonce": {"nonce": "n"},
    "nonce null": {"nonce": None},
    "jti missing": {"jti": ABSENT},
    "jti empty": {"jti": ""},
    "jti a number": {"jti": 7},
    "jti too long": {"jti": "j" * 256},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_a_token_that_does_not_hold_ends_nothing_and_uses_nothing_up(
    app: App, changes: dict[str, object]
) -> None:
    person = sign_in(app)
    used = dict(app.broker.replay.used)
    refused(app.broker, token(app.broker, **changes))
    assert is_signed_in(app, person.cookies)
    assert app.broker.replay.used == used


def refused(broker: Broker, logout_token: str | None) -> None:
    with pytest.raises(Rejected) as problem:
        send(broker, logout_token)
    assert (problem.value.code, problem.value.status) == ("invalid_request", 400)
    assert problem.value.public == "The logout token is not valid."


def test_an_id_token_is_no_logout_token(app: App) -> None:
    sign_in(app)
    refused(app.broker, app.broker.idp.id_token())


@pytest.mark.parametrize("typ", ["at+jwt", "secevent+jwt", "client-authentication+jwt"])
def test_a_token_of_another_kind_is_refused(app: App, typ: str) -> None:
    refused(app.broker, token(app.broker, typ))


@pytest.mark.parametrize("made_up", [None, "", "x", "e30.e30.", "x" * 16_385, "é.é.é"])
def test_what_is_no_token_is_refused(app: App, made_up: str | None) -> None:
    refused(app.broker, made_up)


def test_a_token_under_another_algorithm_or_key_is_refused(app: App) -> None:
    sign_in(app)
    idp = app.broker.idp
    old = idp.key
    idp.rotate()
    app.broker.clock.time += 30  # a set is asked for again at most so often
    send(app.broker, token(app.broker))
    now = app.broker.clock.now()
    claims = {
        "iss": PROVIDER, "aud": "signet", "iat": now, "exp": now + 60, "jti": "j", "sub": "user-1",
        "events": {EVENT: {}},
    }  # fmt: skip
    for key in (old, replace(old, kid=idp.key.kid), app.key, replace(app.key, kid=idp.key.kid)):
        refused(app.broker, sign(claims, key=key, typ="logout+jwt").compact)
    send(app.broker, sign(claims, key=idp.key, typ="logout+jwt").compact)
    header, payload, _ = token(app.broker).split(".")
    refused(app.broker, f"{header}.{payload}.")
    refused(app.broker, f"eyJhbGciOiJub25lIn0.{payload}.")


def test_the_header_does_not_choose_the_algorithm(app: App) -> None:
    person = sign_in(app)
    connection = app.broker.connections.find("acme")
    assert connection is not None
    app.broker.connections.items[connection.id] = replace(connection, id_token_alg="PS256")
    refused(app.broker, token(app.broker))
    assert is_signed_in(app, person.cookies)


@pytest.mark.parametrize("connection_id", ["", "con_" + "a" * 26, "../x", "acme", "x" * 5_000])
def test_nobody_signs_out_at_a_connection_that_is_not_there(app: App, connection_id: str) -> None:
    with pytest.raises(Rejected) as problem:
        app.broker.provider_logout(connection_id, {"logout_token": token(app.broker)})
    assert problem.value.public == "The logout token is not valid."


def test_a_token_is_used_once(app: App) -> None:
    logout_token = token(app.broker)
    send(app.broker, logout_token)
    person = sign_in(app)
    app.broker.clock.time += 179
    refused(app.broker, logout_token)
    assert is_signed_in(app, person.cookies)


def test_a_jti_is_remembered_for_longer_than_its_token_is_valid(app: App) -> None:
    send(app.broker, token(app.broker, exp=app.broker.clock.now() + 3_600))
    (until,) = (t for key, t in app.broker.replay.used.items() if key.startswith("LOGOUT_JTI#"))
    assert until > app.broker.clock.now() + 3_600 + 60


def test_a_jti_is_of_one_connection(app: App) -> None:
    app.broker.connect("other")
    send(app.broker, token(app.broker, jti="same"), name="other")
    person = sign_in(app)
    send(app.broker, token(app.broker, jti="same"))
    assert not is_signed_in(app, person.cookies)


def test_of_many_deliveries_of_one_token_exactly_one_is_taken(app: App) -> None:
    for _ in range(10):
        logout_token = token(app.broker)

        def deliver(_: int, logout_token: str = logout_token) -> bool:
            try:
                send(app.broker, logout_token)
            except Rejected:
                return False
            return True

        assert sum(race(deliver)) == 1


def test_without_the_providers_keys_nothing_is_believed(app: App) -> None:
    app.broker.idp.answers["/jwks"] = lambda _: (_ for _ in ()).throw(
        Unavailable("destination_unavailable", "Later.")
    )
    with pytest.raises(Unavailable):
        send(app.broker, token(app.broker))
