"""No secret, token, code, assertion, cookie or state in any log line of the whole run.

This module runs last, on the stack that all the others used; a stack of a module's own is searched
in the same way when it ends. The collecting is done on the wire (tests/support/travelled.py).
"""

import json
import re

import pytest
from tests.support.application import Application
from tests.support.lying_provider import Answer, Tenant
from tests.support.proofs import Prover
from tests.support.stage import Stage, app_answer
from tests.support.travelled import CARRIED, Travelled

NAME = "logs"
EVERY_KIND = {
    "state", "nonce", "code", "code_verifier", "client_assertion", "access_token", "id_token",
    "request", "request_uri", "cookie", "authorization", "client_secret", "private key", "dpop",
    "refresh_token", "id_token_hint", "confirm", "logout_token",
}  # fmt: skip


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    """Let everything travel here, so that this module by itself is a run of its own."""
    stage.connect([NAME])
    tenant = stage.liar.tenants[NAME]
    tenant.metadata = {"pushed_authorization_request_endpoint": f"{tenant.issuer}/par"}
    app = stage.application(
        "logs-app",
        grant_types=["authorization_code", "refresh_token"],
        scopes=["openid", "profile", "email", "offline_access"],
    )
    travel_well(stage, app)
    travel_on(stage, app)
    travel_badly(stage, app, tenant)
    return app


def travel_well(stage: Stage, app: Application) -> None:
    tokens = app.redeem(*stage.code(app, NAME)).json()
    assert app.userinfo(tokens["access_token"]).status_code == 200


def travel_on(stage: Stage, app: Application) -> None:
    """Prove a key, refresh, sign out by a confirmation and by a hint, and have a provider do so."""
    begun = stage.begin(app, NAME, scope="openid offline_access")
    code = app_answer(begun.come_back())["code"]
    proof = Prover().proof("POST", f"{stage.issuer}/token")
    form = app.form(code, begun.sign_in.verifier)
    tokens = app.http.post(f"{stage.issuer}/token", data=form, headers={"dpop": proof}).json()
    assert app.refresh(tokens["refresh_token"]).status_code == 400
    page = begun.browser.open(f"{stage.issuer}/logout")
    found = re.search(r'name="confirm" value="([^"]+)"', page.text)
    assert found is not None
    confirmed = {"confirm": found.group(1)}
    assert begun.browser.client.post(f"{stage.issuer}/logout", data=confirmed).status_code == 200
    hinted = {"id_token_hint": tokens["id_token"]}
    assert begun.browser.open(f"{stage.issuer}/logout", hinted).status_code == 200
    address = stage.callbacks[NAME].removesuffix("callback") + "backchannel-logout"
    assert app.http.post(address, data={"logout_token": app.assertion()}).status_code == 400


def travel_badly(stage: Stage, app: Application, tenant: Tenant) -> None:
    """Make requests that are refused, for those are the ones that a log tells of."""
    code, verifier = stage.code(app, NAME)
    assertion = app.assertion(app.claims(aud="https://evil.example"))
    secret = {"client_secret": "a-secret-that-nobody-ever-gave"}
    assert app.redeem(code, verifier, client_assertion=assertion).status_code == 401
    assert app.redeem(code, verifier, **secret).status_code == 401
    assert app.redeem(code, "v" * 43).status_code == 400
    assert app.userinfo(f"{assertion}x").status_code == 401
    signed = app.request(NAME, request=app.assertion()).parameters
    back = app_answer(stage.browser().open(f"{stage.issuer}/authorize", signed))
    assert back["error"] == "request_not_supported"
    begun = stage.begin(app, NAME)
    assert stage.browser().open(begun.callback, begun.answer()).status_code == 400
    for lie in (Answer.of({"error": "invalid_client"}, status=401), Answer.of({}, status=500)):
        tenant.token_answers = [lie]
        assert "error" in app_answer(stage.begin(app, NAME).come_back())
    begun = stage.begin(app, NAME)
    tenant.key, right = type(tenant.key).new(tenant.key.kid), tenant.key
    tenant.jwks = {"keys": [right.public()]}
    assert app_answer(begun.come_back())["error"] == "access_denied"


def test_every_kind_of_value_travelled(app: Application, travelled: Travelled) -> None:
    assert travelled.kinds() >= EVERY_KIND
    assert CARRIED <= EVERY_KIND


def test_the_logs_tell_of_what_was_refused(stage: Stage, app: Application) -> None:
    """An empty log would hold nothing either."""
    log = stage.stack.log_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    told = {line["code"] for line in lines if line.get("message") == "request refused"}
    assert told >= {"invalid_client", "invalid_grant", "invalid_token", "wrong_browser"}
    routes = {line["route"] for line in lines if "route" in line}
    assert routes >= {"ANY /authorize", "ANY /token", "ANY /userinfo"}


def test_no_log_line_holds_anything_that_travelled(
    stage: Stage, app: Application, travelled: Travelled
) -> None:
    assert travelled.found_in(stage.stack.log_text()) == []


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_single_part_of_a_token_in_a_log_would_be_found(
    stage: Stage, app: Application, part: int
) -> None:
    """The search is one that can fail: it finds what a careless line would hold."""
    travelled = Travelled()
    token = app.assertion()
    travelled.note(token, "client_assertion")
    line = json.dumps({"message": "defect", "reason": f"near {token.split('.')[part]!r}"})
    assert travelled.found_in(stage.stack.log_text()) == []
    assert travelled.found_in(f"{stage.stack.log_text()}\n{line}\n") == ["client_assertion"]


def test_what_the_logs_do_hold_would_be_found(stage: Stage, app: Application) -> None:
    travelled = Travelled()
    travelled.note("/connections/{connection_id}/callback", "control")
    assert travelled.found_in(stage.stack.log_text()) == ["control"]
