"""Starting a login: what an application may ask, and what leaves for the provider."""

from dataclasses import replace

import pytest
from tests.support.broker import ISSUER, App, Broker, answer_of
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.canned_provider import answer

from signet.errors import Rejected
from signet.jose.jws import read_unverified
from signet.oauth.http_message import HttpAnswer


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def app(broker: Broker) -> App:
    broker.connect()
    return broker.register_app()


def test_every_login_has_its_own_state_nonce_challenge_and_cookie(app: App) -> None:
    logins = [app.begin() for _ in range(20)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({login.query[name] for login in logins}) == 20
    assert len({value for login in logins for value in login.cookies.values()}) == 20
    assert len({name for login in logins for name in login.cookies}) == 20
    assert {login.query["code_challenge_method"] for login in logins} == {"S256"}


def test_the_request_to_the_provider_is_the_connections_own(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    query = app.begin().query
    assert query["client_id"] == "signet"
    assert query["redirect_uri"] == f"{ISSUER}/connections/{connection.id}/callback"
    assert query["scope"] == "openid profile email"
    assert query["response_type"] == "code"


def test_nothing_that_can_finish_a_login_is_stored_as_it_is(app: App) -> None:
    login = app.begin()
    (record,) = app.broker.logins.items.values()
    stored = repr(record)
    assert login.state not in stored
    assert not any(value in stored for value in login.cookies.values())


def test_a_request_is_pushed_when_the_provider_can_take_it(broker: Broker) -> None:
    broker.idp.metadata["pushed_authorization_request_endpoint"] = f"{PROVIDER}/par"
    broker.connect()
    app = broker.register_app()
    redirection = broker.start(app.request())
    assert redirection.url == f"{PROVIDER}/auth?client_id=signet&request_uri=urn%3Aexample%3Aone"
    pushed = broker.idp.requests[-1]
    assert pushed.form is not None
    claims = read_unverified(pushed.form["client_assertion"]).claims
    assert claims["aud"] == PROVIDER  # CVE-2025-27370: never the endpoint that metadata name
    assert pushed.form["client_id"] == "signet"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"request_uri":7}', b'{"request_uri":""}']
)
def test_a_push_without_a_request_uri_ends_the_login(broker: Broker, body: bytes) -> None:
    broker.idp.metadata["pushed_authorization_request_endpoint"] = f"{PROVIDER}/par"
    broker.idp.answers["/par"] = lambda _: HttpAnswer(status=201, headers={}, body=body)
    broker.connect()
    app = broker.register_app()
    redirection = broker.start(app.request())
    assert answer_of(redirection)["error"] == "server_error"
    assert redirection.problem is not None
    assert redirection.problem.code == "provider_answer"


def test_a_connection_without_a_keyring_pushes_nothing(broker: Broker) -> None:
    broker.idp.metadata["pushed_authorization_request_endpoint"] = f"{PROVIDER}/par"
    connection = broker.connect()
    app = broker.register_app()
    del broker.keyrings.items[connection.id]
    assert answer_of(broker.start(app.request()))["error"] == "server_error"
    assert not [r for r in broker.idp.requests if r.url.endswith("/par")]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"issuer":1,"issuer":2}'])
def test_no_login_starts_on_metadata_that_cannot_be_read(broker: Broker, body: bytes) -> None:
    path = "/.well-known/openid-configuration"
    broker.idp.answers[path] = lambda _: HttpAnswer(status=200, headers={}, body=body)
    broker.connect()
    app = broker.register_app()
    assert answer_of(broker.start(app.request()))["error"] == "server_error"


def test_an_overlong_state_is_refused_and_not_echoed(app: App) -> None:
    back = answer_of(app.broker.start(app.request(state="s" * 2_049)))
    assert back["error"] == "invalid_request"
    assert "state" not in back


def test_a_refused_push_goes_back_to_the_application(broker: Broker) -> None:
    broker.idp.metadata["pushed_authorization_request_endpoint"] = f"{PROVIDER}/par"
    broker.idp.answers["/par"] = lambda _: answer({"error": "invalid_client"}, status=401)
    broker.connect()
    app = broker.register_app()
    assert answer_of(broker.start(app.request()))["error"] == "server_error"


def test_hints_are_passed_on_and_the_connections_own_parameters_win(broker: Broker) -> None:
    broker.connect(upstream_params={"acr_values": "high", "prompt": "login"})
    app = broker.register_app()
    query = app.begin(
        acr_values="low", prompt="consent", login_hint="ada@example.org", max_age="60"
    ).query
    assert (query["acr_values"], query["prompt"]) == ("high", "login")
    assert (query["login_hint"], query["max_age"]) == ("ada@example.org", "60")


def test_the_only_connection_of_a_client_needs_no_name(broker: Broker) -> None:
    broker.connect()
    app = broker.register_app(connections=["acme"])
    assert app.begin(connection=None).query["client_id"] == "signet"


REDIRECTED = {
    "no response_type": ({"response_type": None}, "invalid_request"),
    "token": ({"response_type": "token"}, "unsupported_response_type"),
    "code id_token": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "code in capitals": ({"response_type": "CODE"}, "unsupported_response_type"),
    "fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "web_message": ({"response_mode": "web_message"}, "invalid_request"),
    "request object": ({"request": "e30.e30."}, "request_not_supported"),
    "request_uri": ({"request_uri": "urn:x"}, "request_uri_not_supported"),
    "no openid": ({"scope": "profile"}, "invalid_scope"),
    "scope not registered": ({"scope": "openid admin"}, "invalid_scope"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "none login": ({"prompt": "none login"}, "invalid_request"),
    "unknown prompt": ({"prompt": "create"}, "invalid_request"),
    "max_age not a number": ({"max_age": "soon"}, "invalid_request"),
    "max_age negative": ({"max_age": "-1"}, "invalid_request"),
    "nonce too long": ({"nonce": "n" * 513}, "invalid_request"),
    "hint too long": ({"login_hint": "h" * 50_000}, "invalid_request"),
    "unknown connection": ({"connection": "other"}, "invalid_request"),
    "two connections in one": ({"connection": "acme other"}, "invalid_request"),
}


@pytest.mark.parametrize("case", REDIRECTED)
def test_a_request_that_does_not_hold_goes_back_with_an_error(app: App, case: str) -> None:
    changes, code = REDIRECTED[case]
    back = answer_of(app.broker.start(app.request(**changes)))
    assert (back["error"], back["state"], back["iss"]) == (code, "app-state", ISSUER)
    assert not app.broker.logins.items


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "unknown"},
        {"redirect_uri": None},
        {"redirect_uri": "https://app.example/cb/"},
        {"redirect_uri": "https://app.example/cb?x=1"},
        {"redirect_uri": "https://app.example/CB"},
        {"redirect_uri": "https://app.example:443/cb"},
        {"redirect_uri": "https://evil.example/cb"},
        {"redirect_uri": "https://app.example/cb\x00"},
    ],
)
def test_nobody_is_redirected_before_client_and_redirect_uri_are_known(
    app: App, changes: dict[str, str | None]
) -> None:
    with pytest.raises(Rejected):
        app.broker.start(app.request(**changes))


def test_unknown_and_disabled_clients_read_the_same(app: App) -> None:
    with pytest.raises(Rejected) as unknown:
        app.broker.start(app.request(client_id="unknown"))
    app.broker.clients.put(replace(app.client, enabled=False))
    with pytest.raises(Rejected) as disabled:
        app.broker.start(app.request())
    assert unknown.value.public == disabled.value.public


def test_disabled_absent_and_forbidden_connections_read_the_same(broker: Broker) -> None:
    connection = broker.connect("acme")
    broker.connect("beta")
    app = broker.register_app(connections=["acme"])
    forbidden = answer_of(broker.start(app.request(connection="beta")))
    absent = answer_of(broker.start(app.request(connection="gamma")))
    broker.connections.items[connection.id] = replace(connection, enabled=False)
    disabled = answer_of(broker.start(app.request()))
    assert forbidden == absent == disabled


WRONG_METADATA = {
    "another issuer": {"issuer": "https://idp.example/"},
    "issuer missing": {"issuer": None},
    "issuer is a list": {"issuer": [PROVIDER]},
    "PKCE without S256": {"code_challenge_methods_supported": ["plain"]},
    "no private_key_jwt": {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
    "no token endpoint": {"token_endpoint": None},
    "authorization endpoint is a script": {"authorization_endpoint": "javascript:alert(1)"},
    "authorization endpoint breaks a header": {
        "authorization_endpoint": f"{PROVIDER}/auth\r\nset-cookie: x=1"
    },
    "authorization endpoint has a fragment": {"authorization_endpoint": f"{PROVIDER}/auth#"},
    "authorization endpoint is no address": {"authorization_endpoint": "https://[idp"},
    "authorization endpoint is a number": {"authorization_endpoint": 7},
    "authorization endpoint is too long": {"authorization_endpoint": PROVIDER + "/x" * 1_024},
    "userinfo endpoint is no address": {"userinfo_endpoint": ["https://idp.example/me"]},
}


@pytest.mark.parametrize("case", WRONG_METADATA)
def test_no_login_starts_on_metadata_that_do_not_hold(broker: Broker, case: str) -> None:
    broker.idp.metadata.update(WRONG_METADATA[case])
    broker.connect()
    app = broker.register_app()
    assert answer_of(broker.start(app.request()))["error"] == "server_error"
    assert not broker.logins.items
