"""Back-channel logout to applications: what the token says, and what comes of each answer."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from tests.support.broker import ISSUER, App, Broker
from tests.support.canned_provider import CannedProvider
from tests.support.signed_in import BACKCHANNEL

from signet.broker.keyring import ISSUER as OWNER
from signet.broker.ports import LogoutNotice
from signet.broker.signing import own_keys
from signet.errors import Misconfigured, Rejected, Unavailable
from signet.jose.jws import verify
from signet.oauth.http_message import HttpAnswer
from signet.oidc.logout_token import EVENT

NOTICE = LogoutNotice(client_id="app", subject="the-subject", sid="the-sid")


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    answering(made.idp, 200)
    return made


@pytest.fixture
def app(broker: Broker) -> App:
    return broker.register_app(backchannel_logout_uri=BACKCHANNEL)


def answering(idp: CannedProvider, status: int) -> None:
    path = urlsplit(BACKCHANNEL).path
    idp.answers[path] = lambda _: HttpAnswer(status=status, headers={}, body=b"")


def test_the_application_gets_a_logout_token_that_we_signed(app: App) -> None:
    app.broker.send_logout(NOTICE)
    (request,) = app.broker.idp.requests
    assert (request.method, request.url, request.reads_body) == ("POST", BACKCHANNEL, False)
    assert request.form is not None
    keyring = app.broker.keyrings.get(OWNER)
    assert keyring is not None
    verified = verify(
        request.form["logout_token"],
        keys=own_keys(keyring),
        alg="RS256",
        types=frozenset({"logout+jwt"}),
    )
    now = app.broker.clock.now()
    assert {name: v for name, v in verified.claims.items() if name != "jti"} == {
        "iss": ISSUER,
        "aud": "app",
        "sub": "the-subject",
        "sid": "the-sid",
        "iat": now,
        "exp": now + 120,
        "events": {EVENT: {}},
    }


def test_every_attempt_has_a_token_of_its_own(app: App) -> None:
    app.broker.send_logout(NOTICE)
    app.broker.send_logout(NOTICE)
    first, second = (dict(request.form or {}) for request in app.broker.idp.requests)
    assert first["logout_token"] != second["logout_token"]


def test_the_signature_is_in_the_audit_before_the_token_leaves(app: App) -> None:
    app.broker.send_logout(NOTICE)
    (event,) = app.broker.audit.events
    assert (event.type, event.actor, event.detail["purpose"]) == (
        "SignatureMade",
        "app",
        "logout_token",
    )
    app.broker.audit.down = True
    with pytest.raises(Unavailable):
        app.broker.send_logout(NOTICE)
    assert len(app.broker.idp.requests) == 1


@pytest.mark.parametrize("status", [200, 204])
def test_these_answers_mean_that_it_was_taken(app: App, status: int) -> None:
    answering(app.broker.idp, status)
    app.broker.send_logout(NOTICE)


@pytest.mark.parametrize("status", [201, 202, 401, 403, 404, 429, 500, 501, 503])
def test_any_other_answer_is_tried_again(app: App, status: int) -> None:
    answering(app.broker.idp, status)
    with pytest.raises(Unavailable):
        app.broker.send_logout(NOTICE)


def test_a_refusal_is_final(app: App) -> None:
    answering(app.broker.idp, 400)
    with pytest.raises(Rejected):
        app.broker.send_logout(NOTICE)


def test_who_is_gone_or_disabled_or_wants_nothing_by_now_is_told_nothing(app: App) -> None:
    clients = app.broker.clients
    for client in (
        replace(app.client, enabled=False),
        replace(app.client, backchannel_logout_uri=None),
    ):
        clients.put(client)
        app.broker.send_logout(NOTICE)
    clients.items.clear()
    app.broker.send_logout(NOTICE)
    assert not app.broker.idp.requests
    assert not app.broker.audit.events


def test_without_the_issuers_keyring_nothing_is_sent(app: App) -> None:
    del app.broker.keyrings.items[OWNER]
    with pytest.raises(Misconfigured):
        app.broker.send_logout(NOTICE)
    assert not app.broker.idp.requests
