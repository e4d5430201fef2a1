"""What has ended is refused: sign-ins and codes that are too old, and all that was switched off."""

import time
from collections.abc import Iterator

import pytest
from tests.support.application import Application
from tests.support.emulated import EmulatedAccount
from tests.support.lying_provider import LyingProvider
from tests.support.pages import shows_nothing_but_its_own_text
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import Stage, app_answer
from tests.support.travelled import Travelled, Wire


@pytest.fixture(scope="module")
def hasty(liar: LyingProvider, wire: Wire, travelled: Travelled) -> Iterator[Stage]:
    """Begin a stack whose sign-ins and codes live for a second."""
    stack = Stack(SIGNET_LOGIN_TTL_SECONDS="1", SIGNET_CODE_TTL_SECONDS="1")
    with searched(stack, travelled):
        stage = Stage(stack, liar, wire)
        stage.connect(["hasty"])
        yield stage


@pytest.fixture(scope="module")
def forgetful(liar: LyingProvider, wire: Wire, travelled: Travelled) -> Iterator[Stage]:
    """Begin a stack that remembers no connection and no client."""
    with searched(Stack(SIGNET_SIGNER_CACHE_SECONDS="0"), travelled) as stack:
        yield Stage(stack, liar, wire)


@pytest.fixture
def account(forgetful: Stage) -> Iterator[EmulatedAccount]:
    reached = EmulatedAccount(forgetful.stack)
    yield reached
    reached.close()


def test_a_sign_in_that_took_too_long_leads_nowhere(hasty: Stage) -> None:
    begun = hasty.begin(hasty.application("hasty-browser"), "hasty")
    asked_before = len(begun.tenant.token_requests())
    cookie = _cookie(begun.cookies())
    time.sleep(1.1)
    response = begun.browser.client.get(
        begun.callback, params=begun.answer(), headers={"cookie": cookie}
    )
    assert shows_nothing_but_its_own_text(response, begun.state, begun.code)
    assert "took too long" in response.text
    assert len(begun.tenant.token_requests()) == asked_before


def test_a_code_that_is_too_old_is_no_code(hasty: Stage) -> None:
    app = hasty.application("hasty-app")
    code, verifier = _code_in_time(hasty, app)
    time.sleep(1.1)
    answer = app.redeem(code, verifier)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_connection_that_is_switched_off_finishes_no_sign_in(
    forgetful: Stage, account: EmulatedAccount
) -> None:
    forgetful.connect(["off-at-callback"])
    app = forgetful.application("off-at-callback")
    begun = forgetful.begin(app, "off-at-callback")
    account.disable_connection(begun.callback)
    back = app_answer(begun.come_back())
    assert (back["error"], back["state"]) == ("access_denied", begun.sign_in.state)
    assert begun.tenant.token_requests() == []
    sign_in = app.request("off-at-callback")
    again = forgetful.browser().open(f"{forgetful.issuer}/authorize", sign_in.parameters)
    assert app_answer(again)["error"] == "invalid_request"


def test_a_connection_that_is_switched_off_gives_no_tokens(
    forgetful: Stage, account: EmulatedAccount
) -> None:
    forgetful.connect(["off-at-token"])
    app = forgetful.application("off-at-token")
    given, code = (forgetful.code(app, "off-at-token") for _ in range(2))
    token = app.redeem(*given).json()["access_token"]
    assert app.userinfo(token).status_code == 200
    account.disable_connection(forgetful.callbacks["off-at-token"])
    answer = app.redeem(*code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert app.userinfo(token).status_code == 401


def test_a_client_that_is_switched_off_gets_nothing_any_more(
    forgetful: Stage, account: EmulatedAccount
) -> None:
    forgetful.connect(["client-off"])
    app = forgetful.application("client-off")
    given, code = (forgetful.code(app, "client-off") for _ in range(2))
    token = app.redeem(*given).json()["access_token"]
    begun = forgetful.begin(app, "client-off")
    asked_before = len(begun.tenant.token_requests())
    account.disable_client("client-off")
    answer = app.redeem(*code)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert app.userinfo(token).status_code == 401
    assert shows_nothing_but_its_own_text(begun.come_back(), begun.state)
    assert len(begun.tenant.token_requests()) == asked_before
    sign_in = app.request("client-off")
    response = forgetful.browser().open(f"{forgetful.issuer}/authorize", sign_in.parameters)
    assert shows_nothing_but_its_own_text(response)


def _cookie(cookies: dict[str, str]) -> str:
    """Write a cookie header, also of a cookie that the jar has let go of."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _code_in_time(stage: Stage, app: Application) -> tuple[str, str]:
    """Go through a sign-in within its second; a busy machine may need another try."""
    for _ in range(20):
        begun = stage.begin(app, "hasty")
        response = begun.come_back()
        if response.is_redirect:
            return app_answer(response)["code"], begun.sign_in.verifier
    raise AssertionError("No sign-in was finished within a second.")
