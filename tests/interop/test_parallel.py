"""A hundred at once: one code, refresh token, sign-in or assertion, and exactly one success."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlencode

import pytest
from tests.support.application import Application
from tests.support.stage import Stage
from tests.support.travelled import Response

AT_ONCE = 100
ROUNDS = range(3)
NAME = "parallel"


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    stage.connect([NAME])
    return stage.application(
        "parallel-app",
        grant_types=["authorization_code", "refresh_token"],
        scopes=["openid", "profile", "email", "offline_access"],
    )


def at_once(send: Callable[[int], Callable[[], Response]]) -> list[Response]:
    """Make the requests, let all of them begin together, and return every answer."""
    requests, together = [send(number) for number in range(AT_ONCE)], Barrier(AT_ONCE)

    def run(request: Callable[[], Response]) -> Response:
        together.wait()
        return request()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, requests))


def kinds(answers: list[Response]) -> Counter[str]:
    """Count the answers by what they say."""
    return Counter(
        "given" if answer.status_code == 200 else answer.json()["error"] for answer in answers
    )


@pytest.mark.parametrize("round_number", ROUNDS)
def test_one_code_gives_tokens_once(stage: Stage, app: Application, round_number: int) -> None:
    code, verifier = stage.code(app, NAME)
    answers = at_once(lambda _: _post(app, app.form(code, verifier)))
    counted = kinds(answers)
    assert counted == {"given": 1, "invalid_grant": AT_ONCE - 1}
    (given,) = [answer for answer in answers if answer.status_code == 200]
    # The code was used again, so what it gave is ended too [RFC 6749 4.1.2].
    assert app.userinfo(given.json()["access_token"]).status_code == 401


@pytest.mark.parametrize("round_number", ROUNDS)
def test_one_refresh_token_gives_tokens_once(
    stage: Stage, app: Application, round_number: int
) -> None:
    first = app.redeem(*stage.code(app, NAME, scope="openid offline_access")).json()
    grant = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    answers = at_once(lambda _: _post(app, app.authenticated(**grant)))
    assert kinds(answers) == {"given": 1, "invalid_grant": AT_ONCE - 1}
    (given,) = [answer.json() for answer in answers if answer.status_code == 200]
    # One of two holders stole it, and nobody can tell which [RFC 9700 4.14.2].
    for tokens in (first, given):
        assert app.userinfo(tokens["access_token"]).status_code == 401
    assert app.refresh(given["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("round_number", ROUNDS)
def test_one_assertion_authenticates_once(
    stage: Stage, app: Application, round_number: int
) -> None:
    assertion = app.assertion()
    form = app.form("c" * 43, "v" * 43, client_assertion=assertion)
    answers = at_once(lambda _: _post(app, form))
    assert kinds(answers) == {"invalid_grant": 1, "invalid_client": AT_ONCE - 1}


@pytest.mark.parametrize("round_number", ROUNDS)
def test_one_sign_in_finishes_once(stage: Stage, app: Application, round_number: int) -> None:
    begun = stage.begin(app, NAME)
    begun.tenant.received.clear()
    address = f"{begun.callback}?{urlencode(begun.answer())}"
    answers = at_once(lambda _: lambda: begun.browser.open(address))
    assert Counter(answer.status_code for answer in answers) == {303: 1, 400: AT_ONCE - 1}
    (finished,) = [answer for answer in answers if answer.status_code == 303]
    assert "code=" in finished.headers["location"]
    assert len(begun.tenant.token_requests()) == 1


def _post(app: Application, form: dict[str, str]) -> Callable[[], Response]:
    return lambda: app.http.post(f"{app.issuer}/token", data=form)
