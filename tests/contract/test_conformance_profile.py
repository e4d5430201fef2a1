"""FAPI 2.0's modules that need PAR, DPoP, refresh tokens and sessions at once, over HTTP.

Each test is named after its module (fapi2-security-profile-final-…), but for those at the end. The
client is the plan's: it has to push, its tokens are always bound, and it may stay signed in.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.application import Application, SignIn
from tests.support.browser import Browser, query_of
from tests.support.lying_provider import lying_provider
from tests.support.proofs import Prover
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import Stage, app_answer
from tests.support.travelled import Response, Travelled, Wire

from signet.jose.jws import read_unverified

NAME = "profile"
SCOPE = "openid profile email offline_access"
BACK = "http://127.0.0.1:9/signed-out"
PLAN: dict[str, Any] = {
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": ["openid", "profile", "email", "offline_access"],
    "require_pushed_authorization_requests": True,
    "dpop_bound_access_tokens": True,
    "post_logout_redirect_uris": [BACK],
}


class Profile:
    """A client of the plan, with its key and one browser."""

    def __init__(self, stage: Stage, app: Application, browser: Browser | None = None) -> None:
        self.stage = stage
        self.app = app
        self.browser = browser or stage.browser()
        self.prover = Prover()

    def proof(self, path: str, method: str = "POST", **changes: Any) -> str:
        return self.prover.proof(method, f"{self.stage.issuer}{path}", **changes)

    def send(self, path: str, form: dict[str, str], proof: str | None) -> Response:
        headers = {"dpop": proof} if proof is not None else {}
        return self.app.http.post(f"{self.stage.issuer}{path}", data=form, headers=headers)

    def push(self, sign_in: SignIn, proof: str | None = None) -> Response:
        return self.send("/par", self.app.authenticated(**sign_in.parameters), proof)

    def open(self, pushed: Response) -> Response:
        assert pushed.status_code == 201, pushed.text
        carried = {"client_id": self.app.client_id, "request_uri": pushed.json()["request_uri"]}
        return self.browser.open(f"{self.stage.issuer}/authorize", carried)

    def signed_in(self, pushed: Response) -> str:
        """Go through the login of a pushed request in this browser; return its code."""
        location = self.open(pushed).headers["location"]
        tenant = self.stage.liar.tenants[NAME]
        assert location.startswith(f"{tenant.issuer}/authorize?"), location
        authorization = query_of(location)
        answer = {
            "code": tenant.expect(authorization),
            "state": tenant.state_of(authorization),
            "iss": tenant.issuer,
        }
        return app_answer(self.browser.open(self.stage.callbacks[NAME], answer))["code"]

    def redeem(self, code: str, sign_in: SignIn, proof: str | None) -> Response:
        return self.send("/token", self.app.form(code, sign_in.verifier), proof)

    def login(self) -> dict[str, Any]:
        """Push with a proof, sign in, redeem with a proof."""
        sign_in = self.app.request(NAME, scope=SCOPE)
        code = self.signed_in(self.push(sign_in, self.proof("/par")))
        return given(self.redeem(code, sign_in, self.proof("/token")))

    def refresh(self, token: str, proof: str | None) -> Response:
        form = self.app.authenticated(grant_type="refresh_token", refresh_token=token)
        return self.send("/token", form, proof)

    def userinfo(self, token: str) -> Response:
        proof = self.proof("/userinfo", "GET", token=token)
        headers = {"authorization": f"DPoP {token}", "dpop": proof}
        return self.app.http.get(f"{self.stage.issuer}/userinfo", headers=headers)

    def is_active(self, token: str) -> bool:
        told = self.app.post("/introspect", token=token)
        assert told.status_code == 200, told.text
        return told.json()["active"] is True


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    travelled = Travelled()
    wire = Wire(travelled)
    with searched(Stack(), travelled) as stack, lying_provider(travelled) as liar:
        made = Stage(stack, liar, wire)
        made.connect([NAME])
        yield made
    wire.close()


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    return stage.application("profile-app", **PLAN)


@pytest.fixture
def profile(stage: Stage, app: Application) -> Profile:
    return Profile(stage, app)


def given(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def error(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_happy_flow_of_everything(profile: Profile) -> None:
    tokens = profile.login()
    assert tokens["token_type"] == "DPoP"
    assert profile.userinfo(tokens["access_token"]).json()["sub"]
    fresh = given(profile.refresh(tokens["refresh_token"], profile.proof("/token")))
    assert profile.userinfo(fresh["access_token"]).status_code == 200
    assert profile.is_active(fresh["refresh_token"])


def test_ensure_dpopproof_at_par_endpoint_binding_success(profile: Profile) -> None:
    sign_in = profile.app.request(NAME)
    code = profile.signed_in(profile.push(sign_in, profile.proof("/par")))
    given(profile.redeem(code, sign_in, profile.proof("/token")))


def test_ensure_mismatched_dpop_jkt_fails(profile: Profile) -> None:
    sign_in = profile.app.request(NAME, dpop_jkt=Prover().jkt)
    refused = profile.push(sign_in, profile.proof("/par"))
    assert error(refused) in {(400, "invalid_request"), (400, "invalid_dpop_proof")}


def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    stage: Stage, profile: Profile
) -> None:
    sign_in = profile.app.request(NAME)
    code = profile.signed_in(profile.push(sign_in, profile.proof("/par")))
    other = Prover().proof("POST", f"{stage.issuer}/token")
    assert error(profile.redeem(code, sign_in, other)) == (400, "invalid_grant")


def test_refresh_token(stage: Stage, profile: Profile) -> None:
    tokens = profile.login()
    stolen, by_thief = tokens["refresh_token"], Prover().proof("POST", f"{stage.issuer}/token")
    assert error(profile.refresh(stolen, by_thief)) == (400, "invalid_grant")
    assert error(profile.refresh(stolen, None)) == (400, "invalid_request")
    fresh = given(profile.refresh(tokens["refresh_token"], profile.proof("/token")))
    first, second = (read_unverified(t["id_token"]).claims for t in (tokens, fresh))
    for name in ("iss", "sub", "aud", "auth_time", "sid"):
        assert first.get(name) == second.get(name)
    bound = read_unverified(fresh["access_token"]).claims["cnf"]
    assert bound == {"jkt": profile.prover.jkt}
    again = profile.refresh(tokens["refresh_token"], profile.proof("/token"))
    assert error(again) == (400, "invalid_grant")
    assert not profile.is_active(fresh["refresh_token"])


# --- what is no module: sessions of the same client ---


def test_a_session_answers_a_pushed_request_once_and_for_its_key(profile: Profile) -> None:
    profile.login()
    sign_in = profile.app.request(NAME, prompt="none", scope=SCOPE)
    pushed = profile.push(sign_in, profile.proof("/par"))
    back = app_answer(profile.open(pushed))
    assert (back["state"], back["iss"]) == (sign_in.state, profile.stage.issuer)
    assert profile.open(pushed).status_code == 400
    tokens = given(profile.redeem(back["code"], sign_in, profile.proof("/token")))
    assert tokens["token_type"] == "DPoP"


def test_a_pushed_request_that_allows_no_page_needs_a_session(profile: Profile) -> None:
    sign_in = profile.app.request(NAME, prompt="none")
    back = app_answer(profile.open(profile.push(sign_in)))
    assert (back["error"], back["state"]) == ("login_required", sign_in.state)


def test_a_session_posts_its_answer_when_the_application_asks(profile: Profile) -> None:
    profile.login()
    sign_in = profile.app.request(NAME, prompt="none", response_mode="form_post")
    page = profile.open(profile.push(sign_in, profile.proof("/par")))
    assert page.status_code == 200
    assert 'name="code"' in page.text
    assert sign_in.state in page.text


def test_a_sign_out_ends_everything_of_the_login(profile: Profile) -> None:
    tokens = profile.login()
    led = profile.browser.open(
        f"{profile.stage.issuer}/logout",
        {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BACK},
    )
    assert led.headers["location"] == BACK
    assert profile.userinfo(tokens["access_token"]).status_code == 401
    refused = profile.refresh(tokens["refresh_token"], profile.proof("/token"))
    assert error(refused) == (400, "invalid_grant")
    for name in ("access_token", "refresh_token"):
        assert not profile.is_active(tokens[name])
