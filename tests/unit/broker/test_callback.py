"""Finishing a login: mix-up, fixation, one-time use, and what the provider may answer."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.broker import ISSUER, App, Broker, answer_of
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.canned_provider import JSON, CannedProvider, answer

from signet.errors import Rejected
from signet.jose.jws import read_unverified, sign
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def app(broker: Broker) -> App:
    broker.connect()
    return broker.register_app()


def acme(broker: Broker) -> str:
    connection = broker.connections.find("acme")
    assert connection is not None
    return connection.id


def finish(app: App, **changes: str | None) -> dict[str, str]:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    return answer_of(app.broker.callback(connection, app.begin(), **changes))


def test_a_login_brings_the_application_a_code(app: App) -> None:
    back = finish(app)
    assert set(back) == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == ("app-state", ISSUER)
    (grant,) = app.broker.grants.items.values()
    assert back["code"] not in repr(grant)
    assert grant.profile["email"] == "ada@example.org"
    assert grant.login["connection"] == "acme"


def test_the_code_is_redeemed_with_a_fresh_assertion_of_the_connections_key(app: App) -> None:
    finish(app)
    finish(app)
    first, second = app.broker.idp.token_requests()
    keyring = app.broker.keyrings.get(acme(app.broker))
    assert keyring is not None
    for form in (first, second):
        token = read_unverified(form["client_assertion"])
        assert token.header["kid"] == keyring.current.kid
        assert token.claims["aud"] == PROVIDER
        assert token.claims["iss"] == token.claims["sub"] == form["client_id"] == "signet"
        assert int(str(token.claims["exp"])) - int(str(token.claims["iat"])) == 60
    assert first["client_assertion"] != second["client_assertion"]
    assert first["code_verifier"] != second["code_verifier"]


# --- session integrity, one-time use, mix-up (RP-008 to RP-018) ---


def test_a_state_is_used_once(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    login = app.begin()
    assert "code" in answer_of(app.broker.callback(connection, login))
    with pytest.raises(Rejected) as refused:
        app.broker.callback(connection, login)
    assert refused.value.code == "unknown_login"
    assert len(app.broker.idp.token_requests()) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: None,
        lambda _: "",
        lambda state: state[:-1],
        lambda state: state + "A",
        lambda state: state.swapcase(),
        lambda state: state + "\n",
        lambda _: "x" * 8_192,
        lambda _: "A" * 43,
    ],
)
def test_a_state_that_is_not_whole_is_refused(app: App, spoil: Callable[[str], str | None]) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    login = app.begin()
    # States of the counting entropy have digits only: give the case change something to change.
    state = spoil(login.state)
    if state == login.state:
        state = "a" * 43
    with pytest.raises(Rejected):
        app.broker.callback(connection, login, state=state)
    assert not app.broker.idp.token_requests()


@pytest.mark.parametrize("cookie", [None, "", "A" * 43])
def test_another_browser_gets_nothing_and_burns_the_login(app: App, cookie: str | None) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    login = app.begin()
    stolen = {} if cookie is None else dict.fromkeys(login.cookies, cookie)
    for cookies in (stolen, login.cookies):
        with pytest.raises(Rejected):
            app.broker.callback(connection, replace(login, cookies=cookies))
    assert not app.broker.idp.token_requests()
    # Without a cookie not even an assertion is signed: two challenges and a certificate are, and
    # the fourth is of the second try, which brought the cookie too late.
    assert cookie is not None or app.broker.kms.signatures == 4
    assert not app.broker.grants.items


def test_another_tabs_cookie_does_not_finish_this_tabs_login(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    first, second = app.begin(), app.begin()
    with pytest.raises(Rejected):
        app.broker.callback(connection, replace(first, cookies=second.cookies))


def test_several_tabs_log_in_at_once(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    tabs = [app.begin() for _ in range(3)]
    together = {name: value for tab in tabs for name, value in tab.cookies.items()}
    for tab in reversed(tabs):
        app.broker.idp.nonce = tab.query["nonce"]
        back = answer_of(app.broker.callback(connection, replace(tab, cookies=together)))
        assert "code" in back


def test_an_expired_login_is_refused_by_its_value(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    login = app.begin()
    app.broker.clock.time += 600
    with pytest.raises(Rejected) as refused:
        app.broker.callback(connection, login)
    assert refused.value.code == "login_expired"


def test_an_answer_at_another_connections_callback_burns_the_login(broker: Broker) -> None:
    mine = broker.connect("acme")
    other = broker.connect("other")
    app = broker.register_app()
    login = app.begin()
    with pytest.raises(Rejected) as refused:
        broker.callback(other, login)
    assert refused.value.code == "wrong_connection"
    with pytest.raises(Rejected):
        broker.callback(mine, login)
    assert not broker.idp.token_requests()


def test_a_login_whose_connection_got_another_issuer_is_refused(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    login = app.begin()
    moved = replace(connection, issuer="https://other.example")
    app.broker.connections.items[connection.id] = moved
    with pytest.raises(Rejected) as refused:
        app.broker.callback(moved, login)
    assert refused.value.code == "wrong_connection"


@pytest.mark.parametrize("path", ["", "con_unknown", "../", "CONNECTION#x", "con_" + "a" * 26])
def test_a_callback_of_no_connection_burns_the_login(app: App, path: str) -> None:
    login = app.begin()
    members = {"code": "c", "state": login.state, "iss": PROVIDER}
    with pytest.raises(Rejected):
        app.broker.finish(path, members, login.cookies)
    assert not app.broker.logins.items


@pytest.mark.parametrize(
    "iss", [None, "", "https://evil.example", PROVIDER + "/", PROVIDER.upper(), PROVIDER + ":443"]
)
def test_another_issuers_answer_stops_before_any_token_request(app: App, iss: str | None) -> None:
    assert finish(app, iss=iss)["error"] == "access_denied"
    assert not app.broker.idp.token_requests()
    assert app.broker.kms.signatures == 3  # two challenges and a certificate: no assertion


def test_iss_is_compared_also_where_it_was_not_promised(broker: Broker) -> None:
    broker.idp.metadata["authorization_response_iss_parameter_supported"] = False
    broker.connect()
    app = broker.register_app()
    assert "code" in finish(app, iss=None)
    assert "code" in finish(app)
    assert finish(app, iss="https://evil.example")["error"] == "access_denied"


def test_success_and_error_at_once_is_refused(app: App) -> None:
    assert finish(app, error="access_denied")["error"] == "server_error"
    assert not app.broker.idp.token_requests()


def test_neither_success_nor_error_is_refused(app: App) -> None:
    assert finish(app, code=None)["error"] == "server_error"


@pytest.mark.parametrize(
    ("error", "passed_on"),
    [
        ("access_denied", "access_denied"),
        ("login_required", "login_required"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("invalid_scope", "server_error"),
        ("<script>alert(1)</script>", "server_error"),
        ("x\r\nLocation: https://evil.example", "server_error"),
    ],
)
def test_a_providers_error_reaches_the_application_without_its_text(
    app: App, error: str, passed_on: str
) -> None:
    back = finish(app, code=None, error=error, error_description="<b>evil</b>")
    assert back["error"] == passed_on
    assert "evil" not in json.dumps(back)
    assert not app.broker.logins.items


def test_a_disabled_connection_ends_logins_that_are_at_the_provider(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    login = app.begin()
    app.broker.connections.items[connection.id] = replace(connection, enabled=False)
    assert answer_of(app.broker.callback(connection, login))["error"] == "access_denied"
    assert not app.broker.idp.token_requests()


def test_a_client_that_lost_the_connection_meanwhile_gets_nothing(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    login = app.begin()
    app.broker.clients.put(replace(app.client, connections=("other",)))
    assert answer_of(app.broker.callback(connection, login))["error"] == "access_denied"
    assert not app.broker.idp.token_requests()


def test_nobody_returns_to_an_address_that_is_registered_no_more(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    login = app.begin()
    app.broker.clients.put(replace(app.client, redirect_uris=("https://app.example/new",)))
    with pytest.raises(Rejected) as refused:
        app.broker.callback(connection, login)
    assert refused.value.code == "unknown_redirect_uri"
    assert not app.broker.idp.token_requests()


def test_a_connection_without_a_keyring_redeems_nothing(app: App) -> None:
    login = app.begin()
    del app.broker.keyrings.items[acme(app.broker)]
    connection = app.broker.connections.find("acme")
    assert connection is not None
    assert answer_of(app.broker.callback(connection, login))["error"] == "server_error"
    assert not app.broker.idp.token_requests()


def test_a_code_that_no_provider_would_give_is_not_redeemed(app: App) -> None:
    assert finish(app, code="c" * 8_193)["error"] == "server_error"
    assert not app.broker.idp.token_requests()


def test_an_application_that_sent_no_state_gets_none_back(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    for changes in ({}, {"code": None, "error": "access_denied"}):
        login = app.begin(state=None)
        assert "state" not in answer_of(app.broker.callback(connection, login, **changes))


def test_a_disabled_client_gets_nothing(app: App) -> None:
    login = app.begin()
    app.broker.clients.put(replace(app.client, enabled=False))
    connection = app.broker.connections.find("acme")
    assert connection is not None
    with pytest.raises(Rejected):
        app.broker.callback(connection, login)


# --- the token request (RP-005, RP-052, rule 20) ---


def test_a_503_is_tried_once_more_with_a_new_assertion(app: App) -> None:
    answers = iter([HttpAnswer(status=503, headers={}, body=b"")])
    idp = app.broker.idp

    def sometimes(_: HttpRequest) -> HttpAnswer:
        return next(answers, None) or answer(
            {"access_token": "a", "token_type": "bearer", "id_token": idp.id_token()}
        )

    idp.answers["/token"] = sometimes
    assert "code" in finish(app)
    first, second = (read_unverified(f["client_assertion"]) for f in idp.token_requests())
    assert first.claims["jti"] != second.claims["jti"]


def test_there_is_no_third_attempt(app: App) -> None:
    app.broker.idp.answers["/token"] = lambda _: HttpAnswer(status=503, headers={}, body=b"")
    assert finish(app)["error"] == "temporarily_unavailable"
    assert len(app.broker.idp.token_requests()) == 2


@pytest.mark.parametrize(("sent", "attempts"), [(True, 1), (False, 2)])
def test_a_code_is_not_sent_twice_when_its_answer_was_lost(
    app: App, *, sent: bool, attempts: int
) -> None:
    def lost(_: HttpRequest) -> HttpAnswer:
        raise Unreachable("the line was cut", sent=sent)

    app.broker.idp.answers["/token"] = lost
    assert finish(app)["error"] == "temporarily_unavailable"
    assert len(app.broker.idp.token_requests()) == attempts


REFUSALS = {
    "invalid_grant": (answer({"error": "invalid_grant"}, status=400), "access_denied"),
    "invalid_client": (answer({"error": "invalid_client"}, status=401), "server_error"),
    "an error without a code": (answer({}, status=400), "access_denied"),
    "an error as a page": (HttpAnswer(status=400, headers={}, body=b"<html>"), "access_denied"),
    "a redirect": (HttpAnswer(status=302, headers={}, body=b""), "access_denied"),
    "500": (HttpAnswer(status=500, headers={}, body=b""), "temporarily_unavailable"),
    "a page": (HttpAnswer(status=200, headers=JSON, body=b"<html>"), "server_error"),
    "a list": (HttpAnswer(status=200, headers=JSON, body=b"[]"), "server_error"),
    "tokens and an error": (
        answer({"error": "x", "access_token": "a", "id_token": "b", "token_type": "Bearer"}),
        "server_error",
    ),
    "two ID tokens": (
        HttpAnswer(
            status=200,
            headers=JSON,
            body=b'{"access_token":"a","token_type":"Bearer","id_token":"b","id_token":"c"}',
        ),
        "server_error",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_token_answer_that_cannot_be_used_ends_the_login(app: App, case: str) -> None:
    refusal, error = REFUSALS[case]
    app.broker.idp.answers["/token"] = lambda _: refusal
    assert finish(app)["error"] == error
    assert not app.broker.grants.items


@pytest.mark.parametrize(
    "members",
    [
        {"id_token": CannedProvider.ABSENT},
        {"id_token": None},
        {"id_token": 7},
        {"id_token": ""},
        {"access_token": CannedProvider.ABSENT},
        {"token_type": CannedProvider.ABSENT},
        {"token_type": "DPoP"},
    ],
)
def test_there_is_no_login_without_an_id_token(app: App, members: dict[str, object]) -> None:
    app.broker.idp.token_members = members
    assert finish(app)["error"] == "server_error"
    assert not app.broker.grants.items


def test_expires_in_may_be_absent_and_token_type_in_any_case(app: App) -> None:
    app.broker.idp.token_members = {"token_type": "bEARER"}
    assert "code" in finish(app)


# --- the ID token: one case for each class here; the whole table is in unit/oidc ---


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"nonce": "of another login"},
        {"exp": 1},
        {"sub": CannedProvider.ABSENT},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
def test_an_id_token_that_does_not_hold_ends_the_login(app: App, claims: dict[str, object]) -> None:
    app.broker.idp.claims = claims
    assert finish(app)["error"] == "access_denied"
    assert not app.broker.grants.items


def test_another_algorithm_than_the_connections_is_refused(broker: Broker) -> None:
    broker.connect(id_token_signed_response_alg="ES256")
    assert finish(broker.register_app())["error"] == "access_denied"


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "client-authentication+jwt"])
def test_a_token_of_another_kind_is_no_id_token(app: App, typ: str) -> None:
    idp = app.broker.idp
    claims = {"iss": PROVIDER, "sub": "user-1", "aud": "signet"}

    def other_kind(_: HttpRequest) -> HttpAnswer:
        now = idp.clock.now()
        times = {"exp": now + 60, "iat": now, "nonce": idp.nonce}
        token = sign({**claims, **times}, key=idp.key, typ=typ).compact
        return answer({"access_token": "a", "token_type": "Bearer", "id_token": token})

    idp.answers["/token"] = other_kind
    assert finish(app)["error"] == "access_denied"


def test_a_provider_that_just_rotated_its_key_is_asked_once(app: App) -> None:
    assert "code" in finish(app)
    app.broker.idp.rotate()
    assert "code" in finish(app)
    jwks = [r for r in app.broker.idp.requests if r.url.endswith("/jwks")]
    assert len(jwks) == 2


# --- userinfo (RP-051) ---


def test_userinfo_is_asked_when_the_id_token_lacks_what_was_asked(app: App) -> None:
    app.broker.idp.claims = {"email": CannedProvider.ABSENT}
    app.broker.idp.userinfo = {"sub": "user-1", "email": "from@userinfo.example", "name": "Other"}
    assert "code" in finish(app)
    request = app.broker.idp.requests[-1]
    assert request.headers["authorization"] == "Bearer upstream-access-token"
    (grant,) = app.broker.grants.items.values()
    assert grant.profile["email"] == "from@userinfo.example"
    assert grant.profile["name"] == "Ada"  # what was signed wins


def test_userinfo_is_not_asked_otherwise(app: App) -> None:
    finish(app)
    assert not any(r.url.endswith("/me") for r in app.broker.idp.requests)


@pytest.mark.parametrize(
    "body",
    [
        b'{"sub":"user-2","email":"a@b.example"}',
        b'{"email":"a@b.example"}',
        b'[{"sub":"user-1"}]',
        b"<html>",
        b'{"sub":"user-2","sub":"user-1"}',
        b'{"sub":["user-1"]}',
        b'{"sub":7}',
        b'{"sub":"user-1","a":NaN}',
    ],
)
def test_userinfo_of_anybody_else_ends_the_login(app: App, body: bytes) -> None:
    idp = app.broker.idp
    idp.claims = {"email": CannedProvider.ABSENT}
    idp.answers["/me"] = lambda _: HttpAnswer(status=200, headers=JSON, body=body)
    assert finish(app)["error"] == "access_denied"
    assert not app.broker.grants.items


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, "access_denied"), (302, "access_denied"), (503, "temporarily_unavailable")],
)
def test_userinfo_that_is_refused_ends_the_login(app: App, status: int, error: str) -> None:
    idp = app.broker.idp
    idp.claims = {"email": CannedProvider.ABSENT}
    # The body would do: it is the status that refuses.
    idp.answers["/me"] = lambda _: answer({"sub": "user-1"}, status=status)
    assert finish(app)["error"] == error
    assert not app.broker.grants.items


def test_max_age_and_the_connections_context_class_are_enforced(broker: Broker) -> None:
    broker.connect(upstream_params={"acr_values": "high higher"})
    app = broker.register_app()
    connection = broker.connections.find("acme")
    assert connection is not None
    now = broker.clock.now()

    def outcome(**claims: object) -> str:
        broker.idp.claims = claims
        return answer_of(broker.callback(connection, app.begin(max_age="300"))).get("error", "code")

    assert outcome(acr="high", auth_time=now) == "code"
    assert outcome(acr="low", auth_time=now) == "access_denied"
    assert outcome(auth_time=now) == "access_denied"
    assert outcome(acr="high", auth_time=now - 1_000) == "login_required"
    assert outcome(acr="high") == "login_required"


def test_no_signature_no_login_and_no_other_key(app: App) -> None:
    login = app.begin()
    app.broker.kms.fail = 1
    connection = app.broker.connections.find("acme")
    assert connection is not None
    assert answer_of(app.broker.callback(connection, login))["error"] == "temporarily_unavailable"
    assert not app.broker.idp.token_requests()
