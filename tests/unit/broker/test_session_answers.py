"""A session answers whatever a sign-in would: pushed requests, form_post, claims, bound codes."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.broker import ISSUER, REDIRECT_URI, App, Broker, answer_of
from tests.support.proofs import Prover

from signet.broker.front_channel import Redirection
from signet.broker.session import COOKIE
from signet.errors import Denied, Rejected
from signet.jose.jws import read_unverified, sign
from signet.oidc.logout_token import EVENT


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    made.idp.claims = {"auth_time": made.clock.now(), "sid": "upstream-sid", "acr": "high"}
    made.connect()
    return made


@pytest.fixture
def app(broker: Broker) -> App:
    return broker.register_app(
        grant_types=["authorization_code", "refresh_token"],
        scopes=["openid", "profile", "email", "offline_access"],
    )


def sign_in(app: App, cookies: dict[str, str] | None = None, **changes: str | None) -> Redirection:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    started = app.begin(**changes)
    carried = started.cookies | (cookies or {})
    return app.broker.callback(connection, replace(started, cookies=carried))


@pytest.fixture
def cookies(app: App) -> dict[str, str]:
    return {c.name: c.value for c in sign_in(app).cookies if c.name == COOKIE}


def again(app: App, cookies: dict[str, str], **changes: str | None) -> Redirection:
    outcome = app.broker.start(app.request(prompt="none", **changes), cookies)
    assert isinstance(outcome, Redirection)
    return outcome


def opened(app: App, cookies: dict[str, str], request_uri: str) -> Redirection:
    query = {"client_id": app.client_id, "request_uri": request_uri}
    outcome = app.broker.start(query, cookies)
    assert isinstance(outcome, Redirection)
    return outcome


def test_a_pushed_request_is_answered_by_a_session(app: App, cookies: dict[str, str]) -> None:
    back = answer_of(opened(app, cookies, app.push(prompt="none", state="pushed")))
    assert (back["state"], back["iss"]) == ("pushed", ISSUER)
    assert app.redeem(back["code"])["token_type"] == "Bearer"


def test_a_pushed_request_without_a_session_says_login_required(app: App) -> None:
    request_uri = app.push(prompt="none", state="pushed")
    back = answer_of(opened(app, {}, request_uri))
    assert (back["error"], back["state"]) == ("login_required", "pushed")


def test_a_pushed_request_is_used_up_by_the_code_that_a_session_gives(
    app: App, cookies: dict[str, str]
) -> None:
    request_uri = app.push()
    assert "code" in answer_of(opened(app, cookies, request_uri))
    with pytest.raises(Rejected) as refused:
        opened(app, cookies, request_uri)
    assert refused.value.code == "invalid_request_uri"


def test_of_a_session_and_a_sign_in_with_one_pushed_request_one_gets_a_code(
    app: App, cookies: dict[str, str]
) -> None:
    request_uri = app.push()
    started = app.open(request_uri)
    assert "code" in answer_of(opened(app, cookies, request_uri))
    app.broker.idp.nonce = started.query["nonce"]
    connection = app.broker.connections.find("acme")
    assert connection is not None
    back = answer_of(app.broker.callback(connection, started))
    assert back["error"] == "invalid_request_uri"


def test_a_code_of_a_session_is_bound_as_it_was_asked_for(
    app: App, cookies: dict[str, str]
) -> None:
    prover = Prover()
    code = answer_of(again(app, cookies, dpop_jkt=prover.jkt))["code"]
    proof = prover.proof("POST", f"{ISSUER}/token", iat=app.broker.clock.now())
    tokens = app.broker.redeem(app.token_parameters(code), authorization=None, dpop=proof)
    assert tokens["token_type"] == "DPoP"
    code = answer_of(again(app, cookies, dpop_jkt=prover.jkt))["code"]
    with pytest.raises(Rejected) as refused:
        app.redeem(code)
    assert refused.value.code == "invalid_grant"


@pytest.mark.parametrize("answer", ["code", "error"])
def test_an_answer_by_form_post_is_one_from_a_session_too(
    app: App, cookies: dict[str, str], answer: str
) -> None:
    back = again(app, cookies if answer == "code" else {}, response_mode="form_post")
    assert back.url == REDIRECT_URI
    assert back.form is not None
    assert answer in back.form
    assert back.form["state"] == "app-state"


def test_claims_that_are_asked_for_by_name_come_from_a_session_too(
    app: App, cookies: dict[str, str]
) -> None:
    asked = '{"id_token":{"email":null},"userinfo":{"name":null}}'
    code = answer_of(again(app, cookies, scope="openid", claims=asked))["code"]
    tokens = app.redeem(code)
    assert read_unverified(str(tokens["id_token"])).claims["email"] == "ada@example.org"
    told = app.broker.userinfo(f"Bearer {tokens['access_token']}")
    assert "name" in told
    assert "email" not in told


def asked_acr(*values: str) -> str:
    listed = ",".join(f'"{value}"' for value in values)
    return f'{{"id_token":{{"acr":{{"essential":true,"values":[{listed}]}}}}}}'


def test_an_essential_class_has_to_be_the_sessions(app: App, cookies: dict[str, str]) -> None:
    assert "code" in answer_of(again(app, cookies, claims=asked_acr("high", "higher")))
    back = answer_of(again(app, cookies, claims=asked_acr("higher")))
    assert back["error"] == "login_required"


def test_a_session_of_another_subject_than_is_asked_for_gives_no_code(
    app: App, cookies: dict[str, str]
) -> None:
    (session,) = app.broker.sessions.items.values()
    wanted: Any = f'{{"id_token":{{"sub":{{"value":"{session.subject}"}}}}}}'
    assert "code" in answer_of(again(app, cookies, claims=wanted))
    back = answer_of(again(app, cookies, claims='{"id_token":{"sub":{"value":"somebody"}}}'))
    assert back["error"] == "login_required"


def test_a_login_that_is_not_what_was_asked_for_begins_no_session(app: App) -> None:
    finished = sign_in(app, claims=asked_acr("higher"))
    assert answer_of(finished)["error"] == "unmet_authentication_requirements"
    assert not app.broker.sessions.items
    assert COOKIE not in {cookie.name for cookie in finished.cookies}


def test_a_refresh_token_of_a_session_is_of_that_session(app: App, cookies: dict[str, str]) -> None:
    code = answer_of(again(app, cookies, scope="openid offline_access"))["code"]
    tokens = app.redeem(code)
    fresh = app.refresh(tokens["refresh_token"])
    sids = {read_unverified(str(t["id_token"])).claims["sid"] for t in (tokens, fresh)}
    assert len(sids) == 1


@pytest.mark.parametrize("by", ["the person", "the provider"])
def test_a_sign_out_ends_what_refreshes_and_every_endpoint_says_so(
    app: App, cookies: dict[str, str], by: str
) -> None:
    code = answer_of(again(app, cookies, scope="openid offline_access"))["code"]
    tokens = app.redeem(code)
    if by == "the person":
        app.broker.logout({"id_token_hint": str(tokens["id_token"])}, cookies, posted=False)
    else:
        signed_out_by_the_provider(app)
    with pytest.raises(Rejected) as refused:
        app.refresh(tokens["refresh_token"])
    assert refused.value.code == "invalid_grant"
    for name in ("access_token", "refresh_token"):
        assert app.introspect(tokens[name]) == {"active": False}
    with pytest.raises(Denied) as denied:
        app.broker.userinfo(f"Bearer {tokens['access_token']}")
    assert denied.value.code == "invalid_token"


def signed_out_by_the_provider(app: App) -> None:
    connection = app.broker.connections.find("acme")
    assert connection is not None
    now = app.broker.clock.now()
    claims = {
        "iss": connection.issuer,
        "aud": connection.client_id,
        "iat": now,
        "exp": now + 120,
        "jti": app.broker.entropy.token(),
        "sid": "upstream-sid",
        "events": {EVENT: {}},
    }
    token = sign(claims, key=app.broker.idp.key, typ="logout+jwt").compact
    app.broker.provider_logout(connection.id, {"logout_token": token})
