"""RP-initiated logout: who is signed out by what, and where nobody is sent (OP-056, OP-068)."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.broker import ISSUER, REDIRECT_URI, App, Broker
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.canned_provider import answer
from tests.support.signed_in import (
    BACKCHANNEL,
    POST_LOGOUT,
    SignedIn,
    is_alive,
    is_signed_in,
    sign_in,
)

from signet.broker.front_channel import ConfirmLogout, Redirection, SignedOut
from signet.broker.keyring import ISSUER as OWNER
from signet.broker.session import COOKIE
from signet.broker.signing import signing_key
from signet.errors import Misconfigured, Rejected
from signet.jose.jws import read_unverified, sign
from signet.web.logout_page import logout_page
from signet.web.pages import confirm_logout_page_body


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    made.connect()
    return made


@pytest.fixture
def app(broker: Broker) -> App:
    return broker.register_app(
        post_logout_redirect_uris=[POST_LOGOUT],
        backchannel_logout_uri=BACKCHANNEL,
        scopes=["openid", "profile", "email", "offline_access"],
    )


def ask(
    app: App, cookies: dict[str, str], *, posted: bool = False, **parameters: str | None
) -> Redirection | ConfirmLogout | SignedOut:
    present = {name: value for name, value in parameters.items() if value is not None}
    return app.broker.logout(present, cookies, posted=posted)


def signed(app: App, claims: dict[str, Any], *, typ: str | None = "JWT") -> str:
    """Sign claims with the issuer's own key."""
    keyring = app.broker.keyrings.get(OWNER)
    assert keyring is not None
    return sign(claims, key=signing_key(keyring, app.broker.kms), typ=typ).compact


def test_a_hint_of_this_browsers_person_ends_the_session_and_leads_back(app: App) -> None:
    person = sign_in(app)
    outcome = ask(
        app,
        person.cookies,
        id_token_hint=person.id_token,
        post_logout_redirect_uri=POST_LOGOUT,
        state="a state",
    )
    assert isinstance(outcome, Redirection)
    assert outcome.url == f"{POST_LOGOUT}?state=a%20state"
    assert [(c.name, c.value, c.max_age) for c in outcome.cookies] == [(COOKIE, "", 0)]
    assert not is_signed_in(app, person.cookies)
    assert not is_alive(app.broker, person.access_token)


def test_a_hint_may_have_expired(app: App) -> None:
    person = sign_in(app)
    app.broker.clock.time += 30 * 86_400
    outcome = ask(
        app, person.cookies, id_token_hint=person.id_token, post_logout_redirect_uri=POST_LOGOUT
    )
    assert isinstance(outcome, Redirection)
    assert outcome.url == POST_LOGOUT
    assert not is_alive(app.broker, person.access_token)


def test_without_a_place_to_go_back_to_a_page_says_that_it_is_done(app: App) -> None:
    person = sign_in(app)
    outcome = ask(app, person.cookies, id_token_hint=person.id_token)
    assert isinstance(outcome, SignedOut)
    answer = logout_page(outcome, secure=True).event()
    assert answer["cookies"] == [
        f"__Host-{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    ]
    assert "You are signed out" in answer["body"]


def test_every_application_of_the_session_is_told_once(app: App) -> None:
    first = sign_in(app)
    second = sign_in(app, first.cookies)
    assert is_signed_in(app, second.cookies)
    ask(app, second.cookies, id_token_hint=second.id_token)
    (notice,) = app.broker.logout_notices.notices
    assert (notice.client_id, notice.subject, notice.sid) == (
        "app",
        second.claims["sub"],
        second.claims["sid"],
    )


def test_an_application_that_wants_to_hear_nothing_is_told_nothing(broker: Broker) -> None:
    app = broker.register_app()
    person = sign_in(app)
    ask(app, person.cookies, id_token_hint=person.id_token)
    assert not broker.logout_notices.notices


def test_a_disabled_application_is_told_nothing(app: App) -> None:
    person = sign_in(app)
    app.broker.clients.put(replace(app.client, enabled=False))
    app.broker.end_sessions([str(person.claims["sid"])])
    assert not app.broker.logout_notices.notices


def test_every_grant_of_the_session_ends_refresh_tokens_too(app: App) -> None:
    person = sign_in(app, scope="openid offline_access")
    other = sign_in(app, person.cookies)
    ask(app, other.cookies, id_token_hint=other.id_token)
    assert not is_alive(app.broker, person.access_token)
    assert not is_alive(app.broker, other.access_token)


def test_another_session_of_the_same_person_goes_on(app: App) -> None:
    person, elsewhere = sign_in(app), sign_in(app)
    ask(app, person.cookies, id_token_hint=person.id_token)
    assert is_signed_in(app, elsewhere.cookies)
    assert is_alive(app.broker, elsewhere.access_token)


# --- without a hint that says who is meant ---


def confirm(app: App, person: SignedIn, **parameters: str) -> ConfirmLogout:
    outcome = ask(app, person.cookies, **parameters)
    assert isinstance(outcome, ConfirmLogout)
    assert is_signed_in(app, person.cookies)
    return outcome


def test_without_a_hint_the_person_is_asked_and_comes_back_to_the_named_client(app: App) -> None:
    person = sign_in(app)
    page = confirm(
        app, person, client_id="app", post_logout_redirect_uri=POST_LOGOUT, state="state"
    )
    outcome = app.broker.logout(page.parameters, person.cookies, posted=True)
    assert isinstance(outcome, Redirection)
    assert outcome.url == f"{POST_LOGOUT}?state=state"
    assert not is_signed_in(app, person.cookies)


def test_a_confirmation_is_one_sessions_and_is_used_up_with_it(app: App) -> None:
    person, another = sign_in(app), sign_in(app)
    page = confirm(app, person)
    outcome = app.broker.logout(page.parameters, another.cookies, posted=True)
    assert isinstance(outcome, ConfirmLogout)
    assert is_signed_in(app, another.cookies)
    assert isinstance(app.broker.logout(page.parameters, person.cookies, posted=True), SignedOut)
    later = sign_in(app)
    assert isinstance(app.broker.logout(page.parameters, later.cookies, posted=True), ConfirmLogout)
    assert is_signed_in(app, later.cookies)


@pytest.mark.parametrize("guess", ["", "1", "é", "LOGOUT#" + "A" * 43])
def test_a_guessed_confirmation_ends_nothing(app: App, guess: str) -> None:
    person = sign_in(app)
    assert isinstance(ask(app, person.cookies, posted=True, confirm=guess), ConfirmLogout)
    assert isinstance(ask(app, person.cookies, posted=True, again="1"), ConfirmLogout)
    assert is_signed_in(app, person.cookies)


def test_a_confirmation_is_not_what_is_stored_or_known_to_applications(app: App) -> None:
    person = sign_in(app)
    value = confirm(app, person).parameters["confirm"]
    assert value not in repr(app.broker.sessions.items)
    assert value.removeprefix("LOGOUT#") not in repr(app.broker.sessions.items)
    assert value not in person.id_token


def test_a_hint_at_another_person_ends_nobodys_session_unasked(app: App) -> None:
    victim = sign_in(app)
    app.broker.idp.claims["sub"] = "user-2"
    app.broker.idp.userinfo["sub"] = "user-2"
    attacker = sign_in(app)
    confirm(app, attacker, id_token_hint=victim.id_token)
    assert is_signed_in(app, victim.cookies)
    assert is_alive(app.broker, victim.access_token)


def test_a_post_from_another_site_comes_without_the_cookie_and_the_person_is_asked(
    app: App,
) -> None:
    person = sign_in(app)
    page = ask(
        app, {}, posted=True, id_token_hint=person.id_token, post_logout_redirect_uri=POST_LOGOUT
    )
    assert isinstance(page, ConfirmLogout)
    outcome = app.broker.logout(page.parameters, person.cookies, posted=True)
    assert isinstance(outcome, Redirection)
    assert outcome.url == POST_LOGOUT
    assert not is_signed_in(app, person.cookies)


def test_who_is_not_signed_in_is_sent_back_by_a_hint_and_by_nothing_less(app: App) -> None:
    person = sign_in(app)
    hinted = ask(app, {}, id_token_hint=person.id_token, post_logout_redirect_uri=POST_LOGOUT)
    assert isinstance(hinted, Redirection)
    assert hinted.cookies == ()
    named = ask(app, {}, client_id="app", post_logout_redirect_uri=POST_LOGOUT)
    assert isinstance(named, SignedOut)
    assert isinstance(ask(app, {}), SignedOut)
    assert is_signed_in(app, person.cookies)


# --- hints and addresses that do not hold (OP-056) ---


def without_signature(token: str) -> str:
    return token.rpartition(".")[0] + "."


def other_signature(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[:8]}{'A' if signature[8] != 'A' else 'B'}{signature[9:]}"


@pytest.mark.parametrize(
    "spoil",
    [
        without_signature,
        other_signature,
        lambda _: "e30.e30.e30",
        lambda _: "x",
        lambda token: f"{token}.",
        lambda _: "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.",
    ],
)
def test_a_hint_that_does_not_hold_ends_nothing_and_leads_nowhere(
    app: App, spoil: Callable[[str], str]
) -> None:
    person = sign_in(app)
    refused(app, person, id_token_hint=spoil(person.id_token), post_logout_redirect_uri=POST_LOGOUT)


def refused(app: App, person: SignedIn, **parameters: str | None) -> str:
    with pytest.raises(Rejected) as problem:
        ask(app, person.cookies, **parameters)
    assert not problem.value.redirectable
    assert is_signed_in(app, person.cookies)
    return problem.value.code


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": ["app"]},
        {"aud": None},
        {"sub": 7},
        {"sub": None},
    ],
)
def test_a_token_of_ours_that_is_no_id_token_of_one_client_is_no_hint(
    app: App, changes: dict[str, object]
) -> None:
    person = sign_in(app)
    claims = {name: v for name, v in {**person.claims, **changes}.items() if v is not None}
    assert refused(app, person, id_token_hint=signed(app, claims)) == "invalid_id_token_hint"


def test_no_other_kind_of_our_tokens_is_a_hint(app: App) -> None:
    person = sign_in(app)
    for token in (
        person.access_token,
        signed(app, person.claims, typ="logout+jwt"),
        signed(app, person.claims, typ="at+jwt"),
        signed(app, person.claims, typ=None),
        app.assertion(),
    ):
        assert refused(app, person, id_token_hint=token) == "invalid_id_token_hint"


def test_a_key_that_is_published_no_more_signs_no_hint(app: App) -> None:
    person = sign_in(app)
    keyring = app.broker.keyrings.items[OWNER]
    other = App(app.broker, "other")
    other_key = replace(keyring.current, kid="k" * 43, jwk={**keyring.current.jwk, "kid": "k" * 43})
    app.broker.keyrings.items[OWNER] = replace(keyring, current=other_key)
    with pytest.raises(Rejected):
        ask(app, person.cookies, id_token_hint=person.id_token)
    assert other.client_id == "other"


def test_without_the_issuers_keyring_no_hint_is_believed(app: App) -> None:
    person = sign_in(app)
    del app.broker.keyrings.items[OWNER]
    with pytest.raises(Misconfigured):
        ask(app, person.cookies, id_token_hint=person.id_token)


def test_a_hint_of_another_client_than_the_one_named_is_refused(app: App) -> None:
    person = sign_in(app)
    assert refused(app, person, id_token_hint=person.id_token, client_id="other") == (
        "invalid_id_token_hint"
    )


@pytest.mark.parametrize(
    "uri",
    [
        f"{POST_LOGOUT}?x=1",
        f"{POST_LOGOUT}/",
        f"{POST_LOGOUT}#f",
        "https://APP.example/signed-out",
        "https://app.example/signed-out/../x",
        "javascript:alert(1)",
        REDIRECT_URI,
        "https://other.example/signed-out",
    ],
)
def test_nobody_is_sent_to_an_address_that_the_client_did_not_register(app: App, uri: str) -> None:
    other = App(app.broker, "other")
    app.broker.registration.register_client({
        "client_id": "other",
        "name": "Other",
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": ["https://other.example/signed-out"],
        "jwks": {"keys": [other.jwk]},
    })  # fmt: skip
    person = sign_in(app)
    code = "unknown_post_logout_redirect_uri"
    hint = person.id_token
    assert refused(app, person, id_token_hint=hint, post_logout_redirect_uri=uri) == code
    assert refused(app, person, client_id="app", post_logout_redirect_uri=uri) == code
    assert refused(app, person, post_logout_redirect_uri=uri) == code
    assert refused(app, person, client_id="nobody", post_logout_redirect_uri=uri) == code


def test_nobody_is_sent_to_a_disabled_application(app: App) -> None:
    person = sign_in(app)
    app.broker.clients.put(replace(app.client, enabled=False))
    with pytest.raises(Rejected):
        ask(
            app, person.cookies, id_token_hint=person.id_token, post_logout_redirect_uri=POST_LOGOUT
        )
    assert is_alive(app.broker, person.access_token)


def test_an_overlong_state_is_refused(app: App) -> None:
    person = sign_in(app)
    assert refused(app, person, id_token_hint=person.id_token, state="s" * 2_049) == (
        "invalid_request"
    )


# --- the page ---


def test_the_page_can_be_framed_by_nobody_and_escapes_what_it_carries(app: App) -> None:
    person = sign_in(app)
    page = confirm(app, person, state='"><script>')
    answer = logout_page(page, secure=True).event()
    policy = answer["headers"]["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "<script>" not in answer["body"]
    assert 'method="post" action="/logout"' in answer["body"]
    assert answer["headers"]["cache-control"] == "no-store"
    assert "client_id" not in confirm_logout_page_body({})


def test_the_access_tokens_subject_is_the_hints(app: App) -> None:
    person = sign_in(app)
    assert read_unverified(person.access_token).claims["sub"] == person.claims["sub"]
    assert person.claims["iss"] == ISSUER


# --- the provider's own logout ---


def at_the_provider(app: App, person: SignedIn, **parameters: str) -> tuple[dict[str, str], Any]:
    """Sign out; return what the provider is asked, and the browser's cookies then."""
    outcome = ask(app, person.cookies, id_token_hint=person.id_token, **parameters)
    assert isinstance(outcome, Redirection)
    assert outcome.url.startswith(f"{PROVIDER}/logout?")
    query = {name: v[0] for name, v in parse_qs(urlsplit(outcome.url).query).items()}
    return query, {cookie.name: cookie.value for cookie in outcome.cookies if cookie.value}


def with_upstream_logout(app: App, **members: object) -> None:
    app.broker.idp.metadata["end_session_endpoint"] = f"{PROVIDER}/logout"
    connection = app.broker.connections.find("acme")
    assert connection is not None
    changed = replace(connection, upstream_logout=True, **members)  # type: ignore[arg-type]
    app.broker.connections.items[connection.id] = changed


def test_where_it_is_wanted_the_provider_signs_the_person_out_too(app: App) -> None:
    with_upstream_logout(app)
    person = sign_in(app)
    query, cookies = at_the_provider(
        app, person, post_logout_redirect_uri=POST_LOGOUT, state="state"
    )
    assert set(query) == {"client_id", "post_logout_redirect_uri", "state"}
    assert query["client_id"] == "signet"
    assert query["post_logout_redirect_uri"] == f"{ISSUER}/logout/callback"
    assert len(query["state"]) == 43
    assert not is_signed_in(app, person.cookies)
    back = app.broker.logout.come_back({"state": query["state"]}, cookies)
    assert isinstance(back, Redirection)
    assert back.url == f"{POST_LOGOUT}?state=state"
    assert {cookie.name for cookie in back.cookies} == set(cookies)
    assert not any(cookie.value for cookie in back.cookies)


def test_who_was_going_nowhere_sees_that_it_is_done(app: App) -> None:
    with_upstream_logout(app)
    query, cookies = at_the_provider(app, sign_in(app))
    assert cookies == {}
    assert isinstance(app.broker.logout.come_back({"state": query["state"]}, {}), SignedOut)


def test_what_does_not_fit_a_cookie_is_left_behind(app: App) -> None:
    with_upstream_logout(app)
    _, cookies = at_the_provider(
        app, sign_in(app), post_logout_redirect_uri=POST_LOGOUT, state="\U0001f510" * 2_000
    )
    assert cookies == {}


@pytest.mark.parametrize("endpoint", [None, "https://evil.example/logout", "no address", 7])
def test_a_provider_without_a_logout_at_an_agreed_origin_is_left_out(
    app: App, endpoint: object
) -> None:
    with_upstream_logout(app)
    app.broker.idp.metadata["end_session_endpoint"] = endpoint
    person = sign_in(app)
    outcome = ask(
        app, person.cookies, id_token_hint=person.id_token, post_logout_redirect_uri=POST_LOGOUT
    )
    assert isinstance(outcome, Redirection)
    assert outcome.url == POST_LOGOUT


def test_without_an_administrators_wish_the_provider_is_left_out(app: App) -> None:
    app.broker.idp.metadata["end_session_endpoint"] = f"{PROVIDER}/logout"
    person = sign_in(app)
    assert isinstance(ask(app, person.cookies, id_token_hint=person.id_token), SignedOut)


def test_a_connection_that_is_gone_or_disabled_is_left_out(app: App) -> None:
    with_upstream_logout(app)
    first, second = sign_in(app), sign_in(app)
    with_upstream_logout(app, enabled=False)
    assert isinstance(ask(app, first.cookies, id_token_hint=first.id_token), SignedOut)
    app.broker.connections.items.clear()
    assert isinstance(ask(app, second.cookies, id_token_hint=second.id_token), SignedOut)


def test_a_provider_that_cannot_be_asked_keeps_nobody_signed_in(app: App) -> None:
    with_upstream_logout(app, endpoints=None)
    person = sign_in(app)
    app.broker.idp.answers["/.well-known/openid-configuration"] = lambda _: answer({})
    app.broker.clock.time += 7 * 86_400
    outcome = ask(app, person.cookies, id_token_hint=person.id_token)
    assert isinstance(outcome, SignedOut)
    assert not is_alive(app.broker, person.access_token)


@pytest.mark.parametrize(
    "planted",
    [
        "x",
        "e30",
        "!!",
        "eyJjbGllbnRfaWQiOjcsInVyaSI6NywidXJpMiI6N30",
    ],
)
def test_a_cookie_that_says_nothing_leads_nowhere(app: App, planted: str) -> None:
    with_upstream_logout(app)
    query, cookies = at_the_provider(app, sign_in(app), post_logout_redirect_uri=POST_LOGOUT)
    forged = dict.fromkeys(cookies, planted)
    assert isinstance(app.broker.logout.come_back({"state": query["state"]}, forged), SignedOut)


def test_a_planted_cookie_leads_to_no_address_that_is_not_registered(app: App) -> None:
    with_upstream_logout(app)
    query, cookies = at_the_provider(app, sign_in(app), post_logout_redirect_uri=POST_LOGOUT)
    evil = b'{"client_id":"app","uri":"https://evil.example/","state":null}'
    forged = dict.fromkeys(cookies, urlsafe_b64encode(evil).decode().rstrip("="))
    with pytest.raises(Rejected):
        app.broker.logout.come_back({"state": query["state"]}, forged)
    with pytest.raises(Rejected):
        app.broker.logout.come_back({}, cookies)
