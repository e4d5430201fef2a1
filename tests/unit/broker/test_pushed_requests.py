"""Pushed requests: who may push what, who may open it, and how often [RFC 9126]."""

from dataclasses import replace

import pytest
from tests.support.broker import ISSUER, REDIRECT_URI, App, Broker, Started, answer_of

from signet.broker.connection import Connection
from signet.broker.front_channel import AskForEmail, Redirection
from signet.errors import Denied, Rejected
from signet.oauth.request_uri import LIFETIME_SECONDS, PREFIX


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def connection(broker: Broker) -> Connection:
    return broker.connect()


@pytest.fixture
def app(broker: Broker, connection: Connection) -> App:
    del connection
    return broker.register_app()


def finish(app: App, connection: Connection, started: Started) -> dict[str, str]:
    app.broker.idp.nonce = started.query["nonce"]
    return answer_of(app.broker.callback(connection, started))


def refusal(app: App, request_uri: str, **query: str) -> str:
    """Open a pushed request that cannot be opened; nothing may be redirected."""
    with pytest.raises(Rejected) as refused:
        app.open(request_uri, **query)
    assert not refused.value.redirectable
    return refused.value.code


def test_a_pushed_request_brings_the_application_its_code(app: App, connection: Connection) -> None:
    back = finish(app, connection, app.open(app.push()))
    assert (back["state"], back["iss"]) == ("app-state", ISSUER)
    tokens = app.redeem(back["code"])
    assert tokens["token_type"] == "Bearer"


def test_the_answer_is_a_fresh_reference_and_for_how_long_it_is_good(app: App) -> None:
    answers = [app.broker.push(app.push_parameters(), authorization=None) for _ in range(20)]
    assert len({answer["request_uri"] for answer in answers}) == 20
    assert all(str(answer["request_uri"]).startswith(PREFIX) for answer in answers)
    assert {answer["expires_in"] for answer in answers} == {LIFETIME_SECONDS}
    assert 60 <= LIFETIME_SECONDS <= 90


def test_the_reference_is_not_stored_as_it_is(app: App) -> None:
    reference = app.push().removeprefix(PREFIX)
    assert reference not in repr(app.broker.pushed_requests.items)


def test_the_query_never_overrides_what_was_pushed(app: App, connection: Connection) -> None:
    app.broker.connect("beta")
    started = app.open(
        app.push(),
        state="other",
        nonce="other",
        redirect_uri="https://evil.example/cb",
        scope="openid",
        connection="beta",
        prompt="login",
        login_hint="eve@evil.example",
        work_email="eve@evil.example",
        code_challenge="x" * 43,
    )
    assert not {"prompt", "login_hint"} & set(started.query)
    back = finish(app, connection, started)
    assert back["state"] == "app-state"
    (record,) = app.broker.grants.items.values()
    assert record.nonce == "app-nonce"
    assert record.scope == ("openid", "profile", "email")
    assert record.redirect_uri == REDIRECT_URI
    app.redeem(back["code"])


# --- once, counted when a login completes ----------------------------------------------------


def test_the_page_may_be_opened_again_before_the_login_is_complete(
    app: App, connection: Connection
) -> None:
    request_uri = app.push()
    app.open(request_uri)
    assert "code" in finish(app, connection, app.open(request_uri))


def test_after_a_completed_login_the_reference_is_used_up(app: App, connection: Connection) -> None:
    request_uri = app.push()
    finish(app, connection, app.open(request_uri))
    assert refusal(app, request_uri) == "invalid_request_uri"


def test_of_two_logins_with_one_reference_the_first_to_complete_gets_the_code(
    app: App, connection: Connection
) -> None:
    request_uri = app.push()
    first, second = app.open(request_uri), app.open(request_uri)
    assert "code" in finish(app, connection, second)
    back = finish(app, connection, first)
    assert (back["error"], back["state"]) == ("invalid_request_uri", "app-state")
    assert "code" not in back


def test_a_login_that_fails_leaves_the_reference_usable(app: App, connection: Connection) -> None:
    request_uri = app.push()
    denied = app.broker.callback(
        connection, app.open(request_uri), code=None, error="access_denied"
    )
    assert answer_of(denied)["error"] == "access_denied"
    assert "code" in finish(app, connection, app.open(request_uri))


def test_a_reference_expires_by_its_value(app: App) -> None:
    request_uri = app.push()
    app.broker.clock.time += LIFETIME_SECONDS - 1
    app.open(request_uri)
    app.broker.clock.time += 1
    assert refusal(app, request_uri) == "invalid_request_uri"


def test_a_login_that_began_in_time_completes_after_the_reference_expired(
    app: App, connection: Connection
) -> None:
    started = app.open(app.push())
    app.broker.clock.time += LIFETIME_SECONDS + 60
    assert "code" in finish(app, connection, started)


# --- whose it is -------------------------------------------------------------------------------


def test_another_client_cannot_open_it_and_it_stays_usable(app: App) -> None:
    other = App(app.broker, "other")
    app.broker.clients.put(replace(app.client, client_id="other", jwks={"keys": [other.jwk]}))
    request_uri = app.push()
    assert refusal(other, request_uri) == "invalid_request_uri"
    app.open(request_uri)


@pytest.mark.parametrize("change", ["", "x", "x" * 43, "#", "PAR#", "ä" * 43])
def test_a_guessed_or_truncated_reference_opens_nothing(app: App, change: str) -> None:
    request_uri = app.push()
    assert refusal(app, PREFIX + change) == "invalid_request_uri"
    assert refusal(app, request_uri[:-1]) == "invalid_request_uri"
    assert refusal(app, request_uri + "x") == "invalid_request_uri"


def test_a_login_or_a_code_is_no_reference(app: App, connection: Connection) -> None:
    started = app.open(app.push())
    assert refusal(app, PREFIX + started.state) == "invalid_request_uri"
    code = finish(app, connection, started)["code"]
    assert refusal(app, PREFIX + code) == "invalid_request_uri"


def test_a_reference_and_a_request_object_are_refused_together(app: App) -> None:
    assert refusal(app, app.push(), request="e30.e30.") == "invalid_request"


def test_a_pushed_redirect_uri_has_to_be_registered_still(app: App) -> None:
    request_uri = app.push()
    app.broker.clients.put(replace(app.client, redirect_uris=("https://app.example/new",)))
    assert refusal(app, request_uri) == "unknown_redirect_uri"


def test_a_pushed_scope_has_to_be_the_clients_still(app: App) -> None:
    request_uri = app.push()
    app.broker.clients.put(replace(app.client, scopes=("openid",)))
    back = answer_of(app.broker.start({"client_id": "app", "request_uri": request_uri}))
    assert (back["error"], back["state"]) == ("invalid_scope", "app-state")


def test_a_client_that_may_not_sign_people_in_begins_nothing(app: App) -> None:
    request_uri = app.push()
    app.broker.clients.put(replace(app.client, grant_types=("client_credentials",)))
    for query in (app.request(), {"client_id": "app", "request_uri": request_uri}):
        assert answer_of(app.broker.start(query))["error"] == "unauthorized_client"
    with pytest.raises(Rejected) as refused:
        app.push()
    assert refused.value.code == "unauthorized_client"


# --- what may be pushed ------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "request_uri": ({"request_uri": PREFIX + "x" * 43}, "invalid_request"),
    "foreign request_uri": ({"request_uri": "https://evil.example/r"}, "invalid_request"),
    "request object": ({"request": "e30.e30."}, "request_not_supported"),
    "no redirect_uri": ({"redirect_uri": None}, "invalid_request"),
    "redirect_uri not registered": ({"redirect_uri": f"{REDIRECT_URI}/"}, "invalid_request"),
    "no response_type": ({"response_type": None}, "invalid_request"),
    "token": ({"response_type": "token"}, "unsupported_response_type"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "scope not registered": ({"scope": "openid admin"}, "invalid_scope"),
    "unknown connection": ({"connection": "other"}, "invalid_request"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_authorize_would_refuse_is_refused_when_it_is_pushed(app: App, case: str) -> None:
    changes, code = REFUSED[case]
    with pytest.raises(Rejected) as refused:
        app.push(**changes)
    assert refused.value.code == code
    assert not app.broker.pushed_requests.items


@pytest.mark.parametrize(
    "changes",
    [
        {"client_assertion": None},
        {"client_assertion_type": "password"},
        {"client_id": "other"},
        {"client_secret": "s"},
    ],
)
def test_only_the_client_itself_pushes(app: App, changes: dict[str, str | None]) -> None:
    with pytest.raises(Denied):
        app.push(**changes)
    assert not app.broker.pushed_requests.items


def test_an_assertion_pushes_once(app: App) -> None:
    assertion = app.assertion()
    app.push(client_assertion=assertion)
    with pytest.raises(Denied):
        app.push(client_assertion=assertion)


def test_a_refused_request_uses_its_assertion_up(app: App) -> None:
    assertion = app.assertion()
    with pytest.raises(Rejected):
        app.push(client_assertion=assertion, scope="profile")
    with pytest.raises(Denied):
        app.push(client_assertion=assertion)


@pytest.mark.parametrize("audience", [f"{ISSUER}/par", f"{ISSUER}/token", [ISSUER], f"{ISSUER}/"])
def test_an_assertion_names_the_issuer_alone(app: App, audience: object) -> None:
    with pytest.raises(Denied):
        app.push(client_assertion=app.assertion(aud=audience))


@pytest.mark.parametrize("endpoint", ["par", "token"])
def test_a_compatible_client_may_name_the_endpoint(app: App, endpoint: str) -> None:
    compatible = replace(app.client, assertion_audience="token_endpoint_compat")
    app.broker.clients.put(compatible)
    app.push(client_assertion=app.assertion(aud=f"{ISSUER}/{endpoint}"))


# --- clients that have to push -------------------------------------------------------------------


def test_a_client_that_has_to_push_is_refused_otherwise(app: App, connection: Connection) -> None:
    app.broker.clients.put(replace(app.client, require_pushed_authorization_requests=True))
    back = answer_of(app.broker.start(app.request()))
    assert (back["error"], back["state"]) == ("invalid_request", "app-state")
    assert not app.broker.logins.items
    assert "code" in finish(app, connection, app.open(app.push()))


def test_whether_a_client_has_to_push_is_registered(broker: Broker) -> None:
    assert not broker.register_app().client.require_pushed_authorization_requests
    app = broker.register_app(client_id="strict", require_pushed_authorization_requests=True)
    assert app.client.require_pushed_authorization_requests


# --- the page that asks for the work email -------------------------------------------------------


def test_the_page_carries_the_reference_and_nothing_of_the_request() -> None:
    broker = Broker()
    broker.connect(domains=["acme.example"])
    app = broker.register_app()
    request_uri = app.push(connection=None)
    query = {"client_id": "app", "request_uri": request_uri}
    asked = broker.start(query)
    assert isinstance(asked, AskForEmail)
    assert (asked.parameters, asked.unknown) == (query, False)
    wrong = broker.start({**query, asked.field: "ada@nobody.example"})
    assert isinstance(wrong, AskForEmail)
    assert wrong.unknown
    overlong = broker.start({**query, asked.field: "a" * 400 + "@acme.example"})
    assert isinstance(overlong, AskForEmail)
    found = broker.start({**query, asked.field: "ada@acme.example"})
    assert isinstance(found, Redirection)
    assert broker.idp.visit(found.url)["login_hint"] == "ada@acme.example"
