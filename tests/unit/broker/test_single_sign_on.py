"""Single sign-on: which browser gets a code at once, which never does (OP-055, OP-058)."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.broker import ISSUER, REDIRECT_URI, App, Broker, answer_of
from tests.support.canned_provider import ISSUER as PROVIDER

from signet.broker.front_channel import AskForEmail, Redirection
from signet.broker.session import COOKIE
from signet.jose.jws import read_unverified

OTHER = "https://other.example"


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    made.idp.claims = {"auth_time": made.clock.now(), "sid": "upstream-sid", "acr": "high"}
    return made


@pytest.fixture
def app(broker: Broker) -> App:
    broker.connect()
    return broker.register_app()


def sign_in(app: App, cookies: dict[str, str] | None = None, **changes: str | None) -> Any:
    """Go through a whole login in a browser that has these cookies; return what it gets back."""
    connection = app.broker.connections.find("acme")
    assert connection is not None
    started = app.begin(**changes)
    return app.broker.callback(
        connection, replace(started, cookies=started.cookies | (cookies or {}))
    )


def session_cookie(redirection: Redirection) -> dict[str, str]:
    return {c.name: c.value for c in redirection.cookies if c.name == COOKIE and c.value}


def again(app: App, cookies: dict[str, str], **changes: str | None) -> dict[str, str]:
    """Ask for another code without a page; return what the application is told."""
    return answer_of(app.broker.start(app.request(prompt="none", **changes), cookies))


def test_a_browser_that_signed_in_gets_a_code_without_the_provider(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    asked = len(app.broker.idp.requests)
    back = answer_of(app.broker.start(app.request(nonce="another"), cookies))
    assert set(back) == {"code", "state", "iss"}
    assert len(app.broker.idp.requests) == asked
    tokens = app.redeem(back["code"])
    claims = read_unverified(str(tokens["id_token"])).claims
    assert claims["nonce"] == "another"
    assert claims["email"] == "ada@example.org"
    assert claims["auth_time"] == app.broker.clock.now()


def test_every_token_of_one_session_names_it_by_one_sid_that_is_no_credential(app: App) -> None:
    finished = sign_in(app)
    cookies = session_cookie(finished)
    codes = [answer_of(finished)["code"], again(app, cookies)["code"]]
    sids = {read_unverified(str(app.redeem(c)["id_token"])).claims["sid"] for c in codes}
    (sid,) = sids
    assert sid not in cookies.values()
    assert again(app, {COOKIE: str(sid)})["error"] == "login_required"


def test_the_cookie_is_new_at_each_login_and_stored_nowhere(app: App) -> None:
    first = session_cookie(sign_in(app))
    second = session_cookie(sign_in(app, first))
    assert first[COOKIE] != second[COOKIE]
    assert first[COOKIE] not in repr(app.broker.sessions.items)
    assert second[COOKIE] not in repr(app.broker.sessions.items)


def test_a_cookie_that_was_there_before_the_login_is_worth_nothing_after_it(app: App) -> None:
    planted = {COOKIE: "A" * 43}
    session = session_cookie(sign_in(app, planted))
    assert session[COOKIE] != planted[COOKIE]
    assert again(app, planted)["error"] == "login_required"
    renewed = session_cookie(sign_in(app, session, prompt="login"))
    assert again(app, session)["error"] == "login_required"
    assert "code" in again(app, renewed)


def test_one_person_who_signs_in_again_stays_in_one_session(app: App) -> None:
    first = sign_in(app)
    second = sign_in(app, session_cookie(first))
    app.broker.idp.claims["sub"] = "user-2"
    app.broker.idp.userinfo["sub"] = "user-2"
    third = sign_in(app, session_cookie(second))
    sids = [
        read_unverified(str(app.redeem(answer_of(it)["code"])["id_token"])).claims["sid"]
        for it in (first, second, third)
    ]
    assert sids[0] == sids[1] != sids[2]


def test_the_cookie_lives_as_long_as_the_session_and_never_crosses_sites(app: App) -> None:
    (cookie,) = [c for c in sign_in(app).cookies if c.name == COOKIE]
    assert (cookie.max_age, cookie.cross_site) == (28_800, False)
    assert len(cookie.value) == 43


def test_a_session_ends_when_it_is_idle_and_lives_on_while_it_is_used(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    for _ in range(3):
        app.broker.clock.time += 3_599
        assert "code" in again(app, cookies)
    app.broker.clock.time += 3_600
    assert app.broker.sign_on.find(cookies) is None
    assert again(app, cookies)["error"] == "login_required"


def test_a_session_ends_after_its_time_however_often_it_is_used(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    for _ in range(16):
        app.broker.clock.time += 1_799
        assert "code" in again(app, cookies)
    app.broker.clock.time += 16
    assert app.broker.sign_on.find(cookies) is None
    assert again(app, cookies)["error"] == "login_required"


@pytest.mark.parametrize("off", [{"session_seconds": 0}, {"session_idle": 0}])
def test_a_deployment_may_keep_no_sessions(off: dict[str, int]) -> None:
    broker = Broker(**off)
    broker.connect()
    app = broker.register_app()
    finished = sign_in(app)
    assert not session_cookie(finished)
    assert not broker.sessions.items
    assert again(app, {COOKIE: "A" * 43})["error"] == "login_required"
    tokens = app.redeem(answer_of(finished)["code"])
    assert "sid" not in read_unverified(str(tokens["id_token"])).claims


@pytest.mark.parametrize("cookies", [{}, {COOKIE: ""}, {COOKIE: "A" * 43}, {COOKIE: "x" * 5_000}])
def test_prompt_none_without_a_session_says_login_required(
    app: App, cookies: dict[str, str]
) -> None:
    back = again(app, cookies)
    assert (back["error"], back["state"], back["iss"]) == ("login_required", "app-state", ISSUER)
    assert not app.broker.logins.items


def test_a_hash_of_the_cookie_is_no_cookie(app: App) -> None:
    session_cookie(sign_in(app))
    (key,) = app.broker.sessions.items
    assert again(app, {COOKIE: key})["error"] == "login_required"


@pytest.mark.parametrize(
    ("prompt", "passed_on"),
    [
        ("login", "login"),
        ("consent", None),
        ("select_account", "select_account"),
        ("login consent", "login"),
    ],
)
def test_an_application_that_wants_a_new_sign_in_gets_one(
    app: App, prompt: str, passed_on: str | None
) -> None:
    cookies = session_cookie(sign_in(app))
    redirection = app.broker.start(app.request(prompt=prompt), cookies)
    assert redirection.url.startswith(f"{PROVIDER}/auth?")
    assert app.broker.idp.visit(redirection.url).get("prompt") == passed_on


def test_an_administrator_who_wants_a_new_sign_in_each_time_gets_one(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    change(app, upstream_params={"prompt": "login"})
    assert again(app, cookies)["error"] == "login_required"


@pytest.mark.parametrize(
    ("max_age", "later", "silent"),
    [("0", 0, False), ("60", 59, True), ("60", 60, False), ("9999999", 3_000, True)],
)
def test_max_age_counts_from_when_the_person_signed_in(
    app: App, max_age: str, later: int, *, silent: bool
) -> None:
    cookies = session_cookie(sign_in(app))
    app.broker.clock.time += later
    assert ("code" in again(app, cookies, max_age=max_age)) is silent


def test_max_age_is_not_met_by_a_session_whose_beginning_nobody_knows(app: App) -> None:
    del app.broker.idp.claims["auth_time"]
    cookies = session_cookie(sign_in(app))
    assert "code" in again(app, cookies)
    assert again(app, cookies, max_age="9999")["error"] == "login_required"


@pytest.mark.parametrize(("demanded", "silent"), [("61", True), ("60", False), ("soon", False)])
def test_an_administrators_max_age_counts_too(app: App, demanded: str, *, silent: bool) -> None:
    cookies = session_cookie(sign_in(app))
    change(app, upstream_params={"max_age": demanded})
    app.broker.clock.time += 60
    assert ("code" in again(app, cookies)) is silent


def test_an_administrators_max_age_counts_beside_the_applications(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    change(app, upstream_params={"max_age": "60"})
    app.broker.clock.time += 60
    assert again(app, cookies, max_age="3600")["error"] == "login_required"


@pytest.mark.parametrize(
    ("asked", "silent"), [("low high", True), ("higher", False), ("hig", False)]
)
def test_a_class_that_is_asked_for_has_to_be_the_sessions(
    app: App, asked: str, *, silent: bool
) -> None:
    cookies = session_cookie(sign_in(app))
    assert ("code" in again(app, cookies, acr_values=asked)) is silent


def test_a_class_that_is_demanded_since_has_to_be_the_sessions(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    change(app, upstream_params={"acr_values": "higher"})
    assert again(app, cookies)["error"] == "login_required"


@pytest.mark.parametrize(
    ("hint", "silent"),
    [("Ada@Example.org", True), ("eve@example.org", False), ("ada", False), ("", False)],
)
def test_a_hint_at_somebody_else_gets_nobody_elses_code(
    app: App, hint: str, *, silent: bool
) -> None:
    cookies = session_cookie(sign_in(app))
    assert ("code" in again(app, cookies, login_hint=hint)) is silent


def test_no_session_serves_another_connection(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    app.broker.connect("other")
    assert again(app, cookies, connection="other")["error"] == "login_required"
    redirection = app.broker.start(app.request(connection="other"), cookies)
    assert redirection.url.startswith(f"{PROVIDER}/auth?")


def test_a_request_that_names_no_connection_is_served_by_the_sessions(app: App) -> None:
    app.broker.connect("other")
    cookies = session_cookie(sign_in(app))
    assert "code" in again(app, cookies, connection=None)
    assert isinstance(app.broker.start(app.request(connection=None), {}), AskForEmail)


def test_a_client_that_may_not_use_the_sessions_connection_gets_nothing_of_it(app: App) -> None:
    app.broker.connect("other")
    cookies = session_cookie(sign_in(app))
    stranger = App(app.broker, "stranger")
    app.broker.registration.register_client({
        "client_id": "stranger",
        "name": "Stranger",
        "redirect_uris": [REDIRECT_URI],
        "jwks": {"keys": [stranger.jwk]},
        "connections": ["other", "third"],
    })  # fmt: skip
    assert again(stranger, cookies, connection=None)["error"] == "login_required"
    assert again(stranger, cookies, connection="other")["error"] == "login_required"
    assert again(stranger, cookies, connection="acme")["error"] == "invalid_request"


def test_a_connection_that_is_disabled_or_gone_ends_the_use_of_its_sessions(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    change(app, enabled=False)
    assert again(app, cookies, connection=None)["error"] == "login_required"
    app.broker.connections.items.clear()
    assert again(app, cookies, connection=None)["error"] == "login_required"


def test_a_connection_that_got_another_provider_knows_no_earlier_session(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    change(app, issuer=OTHER)
    assert again(app, cookies)["error"] == "login_required"


def test_a_session_that_ends_at_the_last_moment_gives_no_code(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    (session,) = app.broker.sessions.items.values()
    app.broker.sessions.meanwhile = lambda: app.broker.sessions.end(session.sid)
    assert again(app, cookies)["error"] == "login_required"


def test_without_the_store_nobody_is_signed_in_and_nobody_is_sent_on(app: App) -> None:
    cookies = session_cookie(sign_in(app))
    app.broker.sessions.down = True
    assert again(app, cookies)["error"] == "temporarily_unavailable"
    assert "error" in answer_of(app.broker.start(app.request(), cookies))


def change(app: App, **members: object) -> None:
    """Change the connection as it is stored."""
    connection = app.broker.connections.find("acme")
    assert connection is not None
    changed = replace(connection, **members)  # type: ignore[arg-type]
    app.broker.connections.items[connection.id] = changed
