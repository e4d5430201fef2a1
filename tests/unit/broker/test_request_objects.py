"""Signed request objects: whose, for whom, for how long, and nothing beside them [RFC 9101]."""

import json
from dataclasses import replace

import pytest
from tests.support.broker import ISSUER, App, Broker, Started, answer_of
from tests.support.canned_provider import answer
from tests.support.forged_jws import segment, sign

from signet.broker.connection import Connection
from signet.broker.front_channel import AskForEmail, Redirection
from signet.errors import Denied, Rejected

SIGNED = {"request_object_signing_alg": "ES256"}


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def connection(broker: Broker) -> Connection:
    return broker.connect()


@pytest.fixture
def app(broker: Broker, connection: Connection) -> App:
    del connection
    return broker.register_app(**SIGNED)


def start(app: App, request: str, **query: str) -> Redirection | AskForEmail:
    return app.broker.start({"client_id": app.client_id, "request": request, **query})


def begin(app: App, request: str, **query: str) -> Started:
    """Begin with a request object that has to be taken."""
    return app.started(start(app, request, **query))


def push(app: App, request: str, **more: str) -> dict[str, object]:
    form = {**app.push_parameters(), "request": request, **more}
    named = ("client_id", "request", "client_assertion", "client_assertion_type", *more)
    return app.broker.push({name: form[name] for name in named}, authorization=None)


def refused(app: App, request: str) -> str:
    """Send a request object that must not be taken, to both endpoints; return the error's code."""
    codes = set()
    for send in (start, push):
        with pytest.raises(Rejected) as error:
            send(app, request)
        assert not error.value.redirectable
        codes.add(error.value.code)
    assert not app.broker.logins.items
    assert not app.broker.pushed_requests.items
    (code,) = codes
    return code


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT", None])
def test_a_signed_request_brings_the_application_its_code(
    app: App, connection: Connection, typ: str | None
) -> None:
    started = begin(app, app.request_object(typ=typ, max_age=60, jti="once"))
    assert started.query["max_age"] == "60"
    app.broker.idp.claims = {"auth_time": app.broker.clock.now()}
    back = answer_of(app.broker.callback(connection, started))
    assert back["state"] == "app-state"
    app.redeem(back["code"])


def test_a_signed_request_is_pushed_too(app: App, connection: Connection) -> None:
    pushed = push(app, app.request_object())
    started = app.open(str(pushed["request_uri"]))
    assert "code" in answer_of(app.broker.callback(connection, started))


def test_everything_comes_from_the_object_alone(app: App, connection: Connection) -> None:
    started = begin(
        app,
        app.request_object(state=None, claims={"userinfo": {"email": None}}),
        state="other",
        nonce="other",
        redirect_uri="https://evil.example/cb",
        prompt="login",
        login_hint="eve@evil.example",
        work_email="eve@evil.example",
        response_mode="form_post",
    )
    assert not {"prompt", "login_hint"} & set(started.query)
    back = answer_of(app.broker.callback(connection, started))
    assert "state" not in back
    (grant,) = app.broker.grants.items.values()
    assert (grant.nonce, grant.userinfo_claims) == ("app-nonce", ("email",))


def test_an_error_goes_back_by_what_the_object_says(app: App) -> None:
    outcome = start(app, app.request_object(scope="profile", state="signed"), state="other")
    assert isinstance(outcome, Redirection)
    back = answer_of(outcome)
    assert (back["error"], back["state"], back["iss"]) == ("invalid_scope", "signed", ISSUER)


def test_a_client_that_did_not_register_for_it_sends_none(broker: Broker) -> None:
    broker.connect()
    app = broker.register_app()
    outcome = broker.start(app.request(request=app.request_object()))
    assert isinstance(outcome, Redirection)
    assert answer_of(outcome)["error"] == "request_not_supported"
    with pytest.raises(Rejected) as pushed:
        app.push(request=app.request_object())
    assert pushed.value.code == "request_not_supported"


def test_a_client_that_has_to_push_does_not_send_it_by_the_browser(app: App) -> None:
    app.broker.clients.put(replace(app.client, require_pushed_authorization_requests=True))
    outcome = start(app, app.request_object())
    assert isinstance(outcome, Redirection)
    assert answer_of(outcome)["error"] == "invalid_request"
    push(app, app.request_object())


def test_a_plain_request_of_such_a_client_is_taken_still(app: App) -> None:
    app.begin()


NOW = Broker().clock.now()
CLAIMS: dict[str, dict[str, object]] = {
    "no iss": {"iss": None},
    "another client": {"iss": "other"},
    "no aud": {"aud": None},
    "another audience": {"aud": f"{ISSUER}/par"},
    "audience in a list": {"aud": [ISSUER]},
    "audiences": {"aud": [ISSUER, "https://evil.example"]},
    "no exp": {"exp": None},
    "exp past": {"exp": NOW},
    "exp too far": {"exp": NOW + 3_601},
    "exp a text": {"exp": "2100"},
    "exp true": {"exp": True},
    "no nbf": {"nbf": None},
    "nbf 61 s ahead": {"nbf": NOW + 61},
    "nbf long ago": {"nbf": NOW - 3_661},
    "nbf negative": {"nbf": -1},
    "an assertion": {"sub": "app"},
    "jti a number": {"jti": 7},
    "jti empty": {"jti": ""},
    "jti too long": {"jti": "j" * 256},
    "another client_id": {"client_id": "other"},
    "a request in it": {"request": "e30.e30."},
    "a request_uri in it": {"request_uri": "urn:x"},
    "a parameter in a list": {"scope": ["openid"]},
    "a parameter that is true": {"state": True},
    "a control character": {"state": "a\r\nb"},
    "too long": {"login_hint": "x" * 16_385},
}


@pytest.mark.parametrize("case", CLAIMS)
def test_an_object_that_does_not_hold_goes_nowhere(app: App, case: str) -> None:
    assert refused(app, app.request_object(**CLAIMS[case])) == "invalid_request_object"


@pytest.mark.parametrize(
    "changes", [{"nbf": NOW + 8}, {"nbf": NOW + 60}, {"exp": NOW + 3_600}, {"nbf": NOW - 3_600}]
)
def test_clocks_may_be_a_little_apart(app: App, changes: dict[str, object]) -> None:
    begin(app, app.request_object(**changes))


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt"])
def test_a_token_of_another_kind_is_no_request(app: App, typ: str) -> None:
    assert refused(app, app.request_object(typ=typ)) == "invalid_request_object"


def test_an_assertion_of_the_client_is_no_request(app: App) -> None:
    assert refused(app, app.assertion()) == "invalid_request_object"


def test_a_request_object_is_no_assertion(app: App) -> None:
    with pytest.raises(Denied):
        app.push(client_assertion=app.request_object())


def test_only_the_clients_own_key_signs(app: App) -> None:
    other = App(app.broker)
    assert refused(app, other.request_object()) == "invalid_request_object"


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "e30.e30.", "x" * 9_000, "e30.e30.AA", '{"alg":"none"}'],
)
def test_what_is_no_signed_token_is_no_request(app: App, token: str) -> None:
    sent = {"client_id": "app", "request": token}
    with pytest.raises(Rejected) as error:
        app.broker.start(sent)
    assert not error.value.redirectable


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_an_unsigned_object_is_refused(app: App, alg: str) -> None:
    payload = json.loads(json.dumps({"iss": "app", "aud": ISSUER, **app.request()}))
    payload |= {"nbf": NOW, "exp": NOW + 60}
    header = {"alg": alg, "kid": app.key.kid}
    token = sign(header, payload, key=segment(app.jwk).encode(), alg=alg)
    assert refused(app, token) == "invalid_request_object"


def test_the_registered_algorithm_decides(app: App) -> None:
    app.broker.clients.put(replace(app.client, request_object_signing_alg="PS256"))
    assert refused(app, app.request_object()) == "invalid_request_object"


def test_keys_by_address_verify_it_too(broker: Broker) -> None:
    broker.connect()
    app = App(broker)
    broker.idp.answers["/app-jwks"] = lambda _: answer({"keys": [app.jwk]})
    broker.registration.register_client(
        {
            "client_id": "app",
            "name": "App",
            "redirect_uris": ["https://app.example/cb"],
            "jwks_uri": "https://idp.example/app-jwks",
            **SIGNED,
        }
    )
    begin(app, app.request_object())
    with pytest.raises(Rejected):
        start(app, App(broker).request_object())


def test_beside_a_pushed_object_stands_nothing_else(app: App) -> None:
    with pytest.raises(Rejected) as error:
        push(app, app.request_object(), scope="openid")
    assert error.value.code == "invalid_request"
    assert not app.broker.pushed_requests.items
    push(app, app.request_object(), scope="openid profile email")


def test_the_page_that_asks_for_the_address_carries_the_object() -> None:
    broker = Broker()
    broker.connect(domains=["acme.example"])
    app = broker.register_app(**SIGNED)
    request = app.request_object(connection=None)
    asked = start(app, request, state="other")
    assert isinstance(asked, AskForEmail)
    assert asked.parameters == {"client_id": "app", "request": request}
    found = broker.start({**asked.parameters, asked.field: "ada@acme.example"})
    assert isinstance(found, Redirection)
    assert broker.idp.visit(found.url)["login_hint"] == "ada@acme.example"


@pytest.mark.parametrize("alg", ["none", "HS256", "EdDSA", "", 1])
def test_an_algorithm_that_is_not_ours_cannot_be_registered(broker: Broker, alg: object) -> None:
    with pytest.raises(Rejected, match="request_object_signing_alg"):
        broker.register_app(request_object_signing_alg=alg)
