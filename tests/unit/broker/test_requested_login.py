"""What an application asks of a login: passed to the provider, and held to when it comes back."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.support.broker import ISSUER, REDIRECT_URI, App, Broker, answer_of

from signet.broker.connection import Connection
from signet.broker.front_channel import Redirection
from signet.broker.identity import subject_of
from signet.oidc.id_token import VerifiedIdToken


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


def login(
    app: App, connection: Connection, claims: dict[str, Any], /, **asked: str
) -> dict[str, str]:
    """Begin with a request, and come back from a provider that says these claims."""
    app.broker.idp.claims = claims
    return answer_of(app.broker.callback(connection, app.begin(**asked)))


def outcome(app: App, connection: Connection, claims: dict[str, Any], /, **asked: str) -> str:
    back = login(app, connection, claims, **asked)
    assert (back["state"], back["iss"]) == ("app-state", ISSUER)
    return "code" if "code" in back else back["error"]


# --- towards the provider --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("login", "login"),
        ("select_account", "select_account"),
        ("login select_account", "login select_account"),
        ("consent", None),
        ("consent login login", "login"),
    ],
)
def test_a_prompt_is_passed_on_but_for_consent(app: App, asked: str, sent: str | None) -> None:
    assert app.begin(prompt=asked).query.get("prompt") == sent


def test_hints_are_passed_on_as_they_are(app: App) -> None:
    asked = {
        "login_hint": "ada@example.org",
        "max_age": "60",
        "acr_values": "high low",
        "ui_locales": "de-CH de",
    }
    query = app.begin(**asked).query
    assert {name: query[name] for name in asked} == asked


PROTOCOL = {
    "response_type": "token",
    "client_id": "evil",
    "redirect_uri": "https://evil.example",
    "scope": "openid everything",
    "state": "s",
    "nonce": "n",
    "code_challenge": "c",
    "code_challenge_method": "plain",
}


def test_neither_an_application_nor_a_connection_displaces_what_protects_a_login() -> None:
    broker = Broker()
    # A record that nobody could register: the last line of defence.
    connection = broker.connect(upstream_params={"acr_values": "high"})
    planted = replace(connection, upstream_params=PROTOCOL)
    broker.connections.items[connection.id] = planted
    app = broker.register_app()
    query = app.begin().query
    assert [name for name in PROTOCOL if query[name] == PROTOCOL[name]] == []


def test_an_essential_acr_is_asked_for_first(app: App) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["high", "higher"]}}})
    assert app.begin(claims=claims, acr_values="low high").query["acr_values"] == "high higher low"


def test_claims_are_asked_for_by_the_providers_names_when_it_reads_them(broker: Broker) -> None:
    broker.idp.metadata["claims_parameter_supported"] = True
    broker.connect(claims_map={"email": "mail", "name": "name"})
    app = broker.register_app()
    asked = {
        "id_token": {"email": {"essential": True}, "acr": {"essential": True, "value": "high"}},
        "userinfo": {"name": None, "nickname": None},
    }
    sent = json.loads(app.begin(claims=json.dumps(asked)).query["claims"])
    assert sent == {
        "id_token": {"mail": None, "acr": {"essential": True, "values": ["high"]}},
        "userinfo": {"name": None},
    }
    assert "claims" not in app.begin().query
    assert "claims" not in app.begin(claims='{"userinfo":{"nickname":null}}').query


def test_a_provider_that_does_not_read_claims_is_sent_none(app: App) -> None:
    assert "claims" not in app.begin(claims='{"id_token":{"email":null}}').query


def test_without_a_session_nobody_signs_in_silently(app: App) -> None:
    back = answer_of(app.broker.start(app.request(prompt="none")))
    assert (back["error"], back["state"], back["iss"]) == ("login_required", "app-state", ISSUER)
    assert not app.broker.logins.items


@pytest.mark.parametrize(
    "asked",
    [
        {"acr_values": "a  b"},
        {"acr_values": " a"},
        {"acr_values": "ä"},
        {"acr_values": "a" * 513},
        {"ui_locales": "<script>"},
        {"ui_locales": "de_CH"},
        {"ui_locales": "d" * 129},
        {"ui_locales": "${jndi:ldap://x}"},
        {"claims": "{}}"},
        {"claims": "[" * 10_000},
        {"max_age": "1.5"},
        {"prompt": ""},
        {"prompt": "login  consent"},
        {"prompt": "none login"},
    ],
)
def test_a_hint_of_another_form_goes_back_with_an_error(app: App, asked: dict[str, str]) -> None:
    back = answer_of(app.broker.start(app.request(**asked)))
    assert back["error"] == "invalid_request"


# --- when the login comes back ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "expected"), [(0, "code"), (300, "code"), (360, "code"), (361, "login_required")]
)
def test_a_login_older_than_max_age_is_required_again(
    app: App, connection: Connection, age: int, expected: str
) -> None:
    now = app.broker.clock.now()
    assert outcome(app, connection, {"auth_time": now - age}, max_age="300") == expected


def test_a_provider_that_does_not_say_when_does_not_fulfil_max_age(
    app: App, connection: Connection
) -> None:
    assert outcome(app, connection, {}, max_age="300") == "login_required"


def test_a_time_at_the_provider_is_no_time_since_the_login(
    app: App, connection: Connection
) -> None:
    started = app.begin(max_age="0")
    app.broker.idp.claims = {"auth_time": app.broker.clock.now()}
    app.broker.clock.time += 300  # at a page of the provider
    app.broker.idp.claims["iat"] = app.broker.clock.now()
    assert "code" in answer_of(app.broker.callback(connection, started))


def test_a_login_that_was_not_repeated_is_required_again(app: App, connection: Connection) -> None:
    now = app.broker.clock.now()
    assert outcome(app, connection, {"auth_time": now - 61}, prompt="login") == "login_required"
    assert outcome(app, connection, {"auth_time": now - 61}) == "code"
    assert outcome(app, connection, {"auth_time": now}, prompt="login") == "code"
    assert outcome(app, connection, {}, prompt="login") == "code"


@pytest.mark.parametrize(("acr", "expected"), [("high", "code"), ("low", "unmet"), (None, "unmet")])
def test_an_essential_acr_is_reached_or_the_login_fails(
    app: App, connection: Connection, acr: str | None, expected: str
) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["high"]}}})
    found = outcome(app, connection, {} if acr is None else {"acr": acr}, claims=claims)
    assert found == {"unmet": "unmet_authentication_requirements"}.get(expected, expected)
    assert len(app.broker.grants.items) == (expected == "code")


def test_a_voluntary_acr_fails_no_login(app: App, connection: Connection) -> None:
    assert outcome(app, connection, {"acr": "low"}, acr_values="high") == "code"
    claims = '{"id_token":{"acr":{"values":["high"]}}}'
    assert outcome(app, connection, {"acr": "low"}, claims=claims) == "code"


def test_the_subject_that_was_asked_for_signs_in_and_nobody_else(
    app: App, connection: Connection
) -> None:
    issuer = connection.issuer
    ours = subject_of(connection, VerifiedIdToken(issuer=issuer, subject="user-1", claims={}))
    for subject, expected in ((ours, "code"), ("user-1", "login_required")):
        claims = json.dumps({"id_token": {"sub": {"value": subject}}})
        assert outcome(app, connection, {}, claims=claims) == expected


def test_what_the_administrator_demands_of_the_age_is_enforced(broker: Broker) -> None:
    connection = broker.connect(upstream_params={"max_age": "300"})
    app, now = broker.register_app(), broker.clock.now()
    assert outcome(app, connection, {"auth_time": now - 1_000}, max_age="9999") == "access_denied"
    assert outcome(app, connection, {"auth_time": now}, max_age="9999") == "code"
    assert app.begin(max_age="9999").query["max_age"] == "300"


# --- claims by name --------------------------------------------------------------------------


def test_claims_asked_for_by_name_are_released_where_they_were_asked_for(
    app: App, connection: Connection
) -> None:
    claims = '{"userinfo":{"email":{"essential":true}}}'
    code = login(app, connection, {}, scope="openid", claims=claims)["code"]
    tokens = app.redeem(code)
    assert app.broker.userinfo(f"Bearer {tokens['access_token']}")["email"] == "ada@example.org"
    (grant,) = app.broker.grants.items.values()
    assert (grant.id_token_claims, grant.userinfo_claims) == ((), ("email",))


# --- form_post -------------------------------------------------------------------------------


def test_an_answer_goes_back_as_a_form_when_the_application_asks(
    app: App, connection: Connection
) -> None:
    started = app.begin(response_mode="form_post")
    back = app.broker.callback(connection, started)
    assert back.url == REDIRECT_URI
    assert back.form is not None
    assert set(back.form) == {"code", "state", "iss"}
    app.redeem(back.form["code"])


def test_an_error_goes_back_as_a_form_too(app: App, connection: Connection) -> None:
    refused = app.broker.start(app.request(response_mode="form_post", scope="profile"))
    denied = app.broker.callback(
        connection, app.begin(response_mode="form_post"), code=None, error="access_denied"
    )
    pushed = app.push(response_mode="form_post", prompt="none")
    silent = app.broker.start({"client_id": "app", "request_uri": pushed})
    errors = []
    for outcome_ in (refused, denied, silent):
        assert isinstance(outcome_, Redirection)
        assert outcome_.url == REDIRECT_URI
        assert outcome_.form is not None
        assert (outcome_.form["state"], outcome_.form["iss"]) == ("app-state", ISSUER)
        errors.append(outcome_.form["error"])
    assert errors == ["invalid_scope", "access_denied", "login_required"]


@pytest.mark.parametrize("mode", ["fragment", "web_message", "query.jwt", "QUERY"])
def test_another_response_mode_is_refused_in_the_query(app: App, mode: str) -> None:
    back = answer_of(app.broker.start(app.request(response_mode=mode)))
    assert back["error"] == "invalid_request"
