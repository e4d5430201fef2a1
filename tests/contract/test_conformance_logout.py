"""Sessions and logout as the OpenID Foundation's suite checks them, over HTTP.

Each test is named after the suite's module, or after the case of an advisory (OP-…).
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.support.application import REDIRECT_URI, Application
from tests.support.browser import Browser, form_of, query_of
from tests.support.clock import now
from tests.support.forged_jws import public_jwk, sign
from tests.support.lying_provider import (
    ABSENT,
    CLIENT_ID,
    ProviderKey,
    Tenant,
    changed,
    lying_provider,
)
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import Stage, app_answer
from tests.support.told_application import ToldApplication, told_application
from tests.support.travelled import Response, Travelled, Wire

from signet.jose.jws import read_unverified

BACK = "http://127.0.0.1:9/signed-out"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
COOKIE = "signet-session"
NAME, OTHER_NAME = "acme", "globex"


@pytest.fixture(scope="module")
def travelled() -> Travelled:
    return Travelled()


@pytest.fixture(scope="module")
def stage(travelled: Travelled) -> Iterator[Stage]:
    wire = Wire(travelled)
    with searched(Stack(), travelled) as stack, lying_provider(travelled) as liar:
        made = Stage(stack, liar, wire)
        made.connect([NAME, OTHER_NAME])
        for each in liar.tenants.values():
            each.claims = lambda _: {"auth_time": now() - 30, "sid": "at-the-provider"}
        yield made
    wire.close()


@pytest.fixture(scope="module")
def told() -> Iterator[ToldApplication]:
    with told_application() as application:
        yield application


@pytest.fixture(scope="module")
def app(stage: Stage, told: ToldApplication) -> Application:
    return stage.application(
        "logout-app",
        post_logout_redirect_uris=[BACK],
        backchannel_logout_uri=told.uri,
        backchannel_logout_session_required=True,
    )


@pytest.fixture(scope="module")
def other_app(stage: Stage) -> Application:
    return stage.application(
        "other-app",
        post_logout_redirect_uris=["http://127.0.0.1:9/other-signed-out"],
        connections=[OTHER_NAME],
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in, with a browser of their own."""

    stage: Stage
    browser: Browser
    tokens: dict[str, Any] = field(repr=False)

    @property
    def id_token(self) -> str:
        return str(self.tokens["id_token"])

    @property
    def claims(self) -> dict[str, Any]:
        return dict(read_unverified(self.id_token).claims)

    def authorize(self, app: Application, connection: object, **changes: Any) -> Response:
        sign_in = app.request(NAME, connection=connection, **changes)
        return self.browser.open(f"{self.stage.issuer}/authorize", sign_in.parameters)

    def silently(self, app: Application, connection: object = NAME, **changes: Any) -> str:
        """Ask for a code without a page; return `code`, or the error."""
        back = app_answer(self.authorize(app, connection, prompt="none", **changes))
        assert back["iss"] == self.stage.issuer
        return back.get("error", "code")

    def logout(self, **parameters: str) -> Response:
        return self.browser.open(f"{self.stage.issuer}/logout", parameters)


def sign_in(stage: Stage, app: Application, name: str = NAME) -> Person:
    begun = stage.begin(app, name)
    back = app_answer(begun.come_back())
    tokens = app.redeem(back["code"], begun.sign_in.verifier).json()
    return Person(stage, begun.browser, tokens)


# --- sessions: oidcc prompt and max_age, and advisories ---


def test_prompt_none_not_logged_in(stage: Stage, app: Application) -> None:
    request = app.request(NAME, prompt="none")
    response = stage.browser().open(f"{stage.issuer}/authorize", request.parameters)
    back = app_answer(response)
    assert (back["error"], back["state"]) == ("login_required", request.state)
    assert back["iss"] == stage.issuer


def test_prompt_none_logged_in(stage: Stage, app: Application) -> None:
    person = sign_in(stage, app)
    request = app.request(NAME, prompt="none")
    back = app_answer(person.browser.open(f"{stage.issuer}/authorize", request.parameters))
    tokens = app.redeem(back["code"], request.verifier).json()
    claims = read_unverified(tokens["id_token"]).claims
    assert claims["sub"] == person.claims["sub"]
    assert claims["sid"] == person.claims["sid"]
    assert claims["auth_time"] == person.claims["auth_time"]
    assert claims["nonce"] == request.nonce


def test_prompt_login(stage: Stage, app: Application) -> None:
    person = sign_in(stage, app)
    location = person.authorize(app, NAME, prompt="login").headers["location"]
    assert query_of(location)["prompt"] == "login"
    assert location.startswith(stage.liar.tenants[NAME].issuer)


def test_max_age_1(stage: Stage, app: Application) -> None:
    person = sign_in(stage, app)
    location = person.authorize(app, NAME, max_age="1").headers["location"]
    assert query_of(location)["max_age"] == "1"
    assert person.silently(app, max_age="1") == "login_required"


def test_max_age_10000(stage: Stage, app: Application) -> None:
    assert sign_in(stage, app).silently(app, max_age="10000") == "code"


def test_op_055_a_session_of_another_connection_serves_nobody(
    stage: Stage, app: Application, other_app: Application
) -> None:
    person = sign_in(stage, app)
    assert person.silently(app, OTHER_NAME) == "login_required"
    assert person.silently(other_app, OTHER_NAME) == "login_required"
    assert person.silently(other_app, ABSENT) == "login_required"
    assert person.silently(other_app, NAME) == "invalid_request"
    assert person.silently(app, NAME) == "code"


def test_op_058_a_planted_cookie_is_worth_nothing_after_the_login(
    stage: Stage, app: Application
) -> None:
    planted = sign_in(stage, app)
    value = planted.browser.client.cookies[COOKIE]
    begun = stage.begin(app, NAME)
    begun.browser.client.cookies.set(COOKIE, value, domain="127.0.0.1", path="/")
    app_answer(begun.come_back())
    fresh = [c.value for c in begun.browser.client.cookies.jar if c.name == COOKIE]
    assert value not in fresh
    assert planted.silently(app) == "login_required"


def test_op_059_the_cookie_is_httponly_lax_host_only_and_bounded(
    stage: Stage, app: Application
) -> None:
    response = stage.begin(app, NAME).come_back()
    (cookie,) = [
        line for line in response.headers.get_list("set-cookie") if line.startswith(f"{COOKIE}=")
    ]
    assert re.fullmatch(
        rf"{COOKIE}=[A-Za-z0-9_-]{{43}}; Path=/; Max-Age=28800; HttpOnly; SameSite=Lax", cookie
    )


def test_op_041_nothing_else_of_a_session_is_its_cookie(stage: Stage, app: Application) -> None:
    person = sign_in(stage, app)
    for value in (person.claims["sid"], person.claims["sub"], person.tokens["access_token"]):
        person.browser.client.cookies.clear()
        person.browser.client.cookies.set(COOKIE, value, domain="127.0.0.1", path="/")
        assert person.silently(app) == "login_required"


# --- RP-initiated logout ---


def led_nowhere(response: Response) -> str:
    """Check that an answer is a page of ours that leads nowhere by itself; return it."""
    assert "location" not in response.headers
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    return response.text


def test_rp_initiated_logout(stage: Stage, app: Application, told: ToldApplication) -> None:
    person = sign_in(stage, app)
    response = person.logout(
        id_token_hint=person.id_token, post_logout_redirect_uri=BACK, state="a b&c"
    )
    assert response.status_code == 303
    assert response.headers["location"] == f"{BACK}?state=a%20b%26c"
    assert person.silently(app) == "login_required"
    assert app.userinfo(person.tokens["access_token"]).status_code == 401
    assert read_unverified(told.take()).claims["sid"] == person.claims["sid"]


def test_rp_initiated_logout_no_state(
    stage: Stage, app: Application, told: ToldApplication
) -> None:
    person = sign_in(stage, app)
    response = person.logout(id_token_hint=person.id_token, post_logout_redirect_uri=BACK)
    assert response.headers["location"] == BACK
    told.take()


def test_rp_initiated_logout_no_params(stage: Stage, app: Application) -> None:
    person = sign_in(stage, app)
    led_nowhere(person.logout())
    assert person.silently(app) == "code"


def test_rp_initiated_logout_no_id_token_hint(
    stage: Stage, app: Application, told: ToldApplication
) -> None:
    person = sign_in(stage, app)
    page = person.logout(client_id=app.client_id, post_logout_redirect_uri=BACK, state="state")
    form = form_of(led_nowhere(page))
    assert form is not None
    assert (form.method, form.action) == ("POST", "/logout")
    assert person.silently(app) == "code"
    response = person.browser.client.post(f"{stage.issuer}/logout", data=form.fields)
    assert response.headers["location"] == f"{BACK}?state=state"
    assert person.silently(app) == "login_required"
    told.take()


def test_rp_initiated_logout_only_state(stage: Stage, app: Application) -> None:
    person = sign_in(stage, app)
    assert "state" in led_nowhere(person.logout(state="state"))
    assert person.silently(app) == "code"


def test_rp_initiated_logout_no_post_logout_redirect_uri(
    stage: Stage, app: Application, told: ToldApplication
) -> None:
    person = sign_in(stage, app)
    assert "You are signed out" in led_nowhere(person.logout(id_token_hint=person.id_token))
    assert person.silently(app) == "login_required"
    told.take()


BAD_HINTS = {
    "modified": lambda token: token[:-10] + ("A" * 10 if token[-10:] != "A" * 10 else "B" * 10),
    "alg none": lambda token: "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + token.split(".")[1] + ".",
    "no token": lambda _: "hint",
}


@pytest.mark.parametrize("spoil", BAD_HINTS.values(), ids=BAD_HINTS)
def test_rp_initiated_logout_modified_id_token_hint(
    stage: Stage, app: Application, spoil: Any
) -> None:
    person = sign_in(stage, app)
    response = person.logout(
        id_token_hint=spoil(person.id_token), post_logout_redirect_uri=BACK, state="state"
    )
    assert response.status_code == 400
    assert "Sign-out did not complete" in led_nowhere(response)
    assert person.silently(app) == "code"


@pytest.mark.parametrize(
    "uri", [f"{BACK}?foo=bar", f"{BACK}/", REDIRECT_URI, "https://evil.example/", "javascript:a()"]
)
def test_rp_initiated_logout_bad_post_logout_redirect_uri(
    stage: Stage, app: Application, uri: str
) -> None:
    person = sign_in(stage, app)
    response = person.logout(id_token_hint=person.id_token, post_logout_redirect_uri=uri)
    assert response.status_code == 400
    led_nowhere(response)
    assert person.silently(app) == "code"


def test_op_056_a_hint_or_an_address_of_another_client_leads_nowhere(
    stage: Stage, app: Application, other_app: Application
) -> None:
    person, other = sign_in(stage, app), sign_in(stage, other_app, OTHER_NAME)
    named = person.logout(
        id_token_hint=other.id_token, client_id=app.client_id, post_logout_redirect_uri=BACK
    )
    led_nowhere(named)
    led_nowhere(person.logout(id_token_hint=other.id_token, post_logout_redirect_uri=BACK))
    led_nowhere(person.logout(id_token_hint=other.id_token))
    assert person.silently(app) == "code"
    assert other.silently(other_app, OTHER_NAME) == "code"


def test_op_068_a_page_of_one_session_signs_nobody_else_out(stage: Stage, app: Application) -> None:
    attacker, victim = sign_in(stage, app), sign_in(stage, app)
    form = form_of(led_nowhere(attacker.logout()))
    assert form is not None
    response = victim.browser.client.post(f"{stage.issuer}/logout", data=form.fields)
    led_nowhere(response)
    assert victim.silently(app) == "code"


def test_rp_initiated_logout_goes_on_to_the_provider_and_comes_back(
    stage: Stage, app: Application, told: ToldApplication
) -> None:
    stage.connect(["leaving"], upstream_logout=True)
    at = stage.liar.tenants["leaving"]
    at.metadata["end_session_endpoint"] = f"{at.issuer}/logout"
    person = sign_in(stage, app, "leaving")
    response = person.logout(
        id_token_hint=person.id_token, post_logout_redirect_uri=BACK, state="state"
    )
    location = response.headers["location"]
    assert location.startswith(f"{at.issuer}/logout?")
    asked = query_of(location)
    assert asked["client_id"] == CLIENT_ID
    assert asked["post_logout_redirect_uri"] == f"{stage.issuer}/logout/callback"
    back = person.browser.open(asked["post_logout_redirect_uri"], {"state": asked["state"]})
    assert back.headers["location"] == f"{BACK}?state=state"
    again = person.browser.open(asked["post_logout_redirect_uri"], {"state": asked["state"]})
    assert "You are signed out" in led_nowhere(again)
    assert person.silently(app, "leaving") == "login_required"
    told.take()


# --- back-channel logout, sent to applications ---


def test_backchannel_rp_initiated_logout(
    stage: Stage, app: Application, told: ToldApplication
) -> None:
    person = sign_in(stage, app)
    person.logout(id_token_hint=person.id_token)
    token = read_unverified(told.take())
    issued = token.claims["iat"]
    assert token.header["typ"] == "logout+jwt"
    keys = app.http.get(f"{stage.issuer}/.well-known/jwks.json").json()["keys"]
    assert token.header["kid"] in {key["kid"] for key in keys}
    assert changed(token.claims, {"jti": ABSENT}) == {
        "iss": stage.issuer,
        "aud": app.client_id,
        "sub": person.claims["sub"],
        "sid": person.claims["sid"],
        "iat": issued,
        "exp": issued + 120,
        "events": {EVENT: {}},
    }


# --- back-channel logout, received from providers ---


def logout_token(at: Tenant, /, header: dict[str, Any] | None = None, **changes: Any) -> str:
    honest = {
        "iss": at.issuer,
        "aud": CLIENT_ID,
        "iat": now(),
        "exp": now() + 120,
        "jti": str(uuid.uuid4()),
        "sub": "user-ada",
        "events": {EVENT: {}},
    }
    full = changed({"alg": "ES256", "kid": at.key.kid, "typ": "logout+jwt"}, header or {})
    return sign(full, changed(honest, changes), key=at.key.private, alg="ES256")


def deliver(stage: Stage, token: str, name: str = NAME) -> Response:
    address = stage.callbacks[name].replace("/callback", "/backchannel-logout")
    return stage.browser().client.post(address, data={"logout_token": token})


def test_backchannel_logout_received_ends_the_session(
    stage: Stage, app: Application, told: ToldApplication
) -> None:
    person = sign_in(stage, app)
    response = deliver(stage, logout_token(stage.liar.tenants[NAME]))
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["cache-control"] == "no-store"
    assert person.silently(app) == "login_required"
    assert app.userinfo(person.tokens["access_token"]).status_code == 401
    sids = set()
    while person.claims["sid"] not in sids:  # whoever else was signed in as this person is told too
        sids.add(read_unverified(told.take()).claims["sid"])


WRONG: dict[str, dict[str, Any]] = {
    "alg": {"header": {"alg": "RS256"}},
    "alg none": {"header": {"alg": "none"}},
    "typ of an access token": {"header": {"typ": "at+jwt"}},
    "aud": {"aud": "another"},
    "iss": {"iss": "https://evil.example"},
    "events": {"events": {"http://schemas.openid.net/event/other": {}}},
    "no events": {"events": ABSENT},
    "nonce": {"nonce": "nonce"},
    "no iat": {"iat": ABSENT},
    "no jti": {"jti": ABSENT},
    "neither sub nor sid": {"sub": ABSENT},
    "no exp": {"exp": ABSENT},
    "expired": {"iat": 1_000_000_000, "exp": 1_000_000_120},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_backchannel_logout_received_wrong(
    stage: Stage, app: Application, wrong: dict[str, Any]
) -> None:
    person = sign_in(stage, app)
    response = deliver(stage, logout_token(stage.liar.tenants[NAME], **wrong))
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert response.headers["cache-control"] == "no-store"
    assert person.silently(app) == "code"


def test_backchannel_logout_received_from_another_key(stage: Stage, app: Application) -> None:
    person = sign_in(stage, app)
    at = stage.liar.tenants[NAME]
    stranger = ProviderKey.new(at.key.kid)
    assert public_jwk(stranger.private) != public_jwk(at.key.private)
    forged = Tenant(issuer=at.issuer, key=stranger)
    assert deliver(stage, logout_token(forged)).status_code == 400
    assert person.silently(app) == "code"


def test_backchannel_logout_received_at_another_connection(stage: Stage, app: Application) -> None:
    person = sign_in(stage, app)
    assert deliver(stage, logout_token(stage.liar.tenants[NAME]), OTHER_NAME).status_code == 400
    assert (
        deliver(stage, logout_token(stage.liar.tenants[OTHER_NAME]), OTHER_NAME).status_code == 200
    )
    assert person.silently(app) == "code"


def test_backchannel_logout_received_replayed(stage: Stage, app: Application) -> None:
    token = logout_token(stage.liar.tenants[NAME])
    assert deliver(stage, token).status_code == 200
    person = sign_in(stage, app)
    assert deliver(stage, token).status_code == 400
    assert person.silently(app) == "code"


# --- metadata ---


def test_the_metadata_tell_of_logout_and_where_it_is(stage: Stage, app: Application) -> None:
    metadata = app.http.get(f"{stage.issuer}/.well-known/openid-configuration").json()
    assert metadata["end_session_endpoint"] == f"{stage.issuer}/logout"
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert "sid" in metadata["claims_supported"]
