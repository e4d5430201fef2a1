"""A connection's callback, attacked from the outside: state, browser, mix-up, replay, errors."""

from urllib.parse import urlencode

import pytest
from tests.support.application import Application
from tests.support.lying_provider import ABSENT
from tests.support.pages import shows_nothing_but_its_own_text
from tests.support.stage import Begun, Stage, app_answer

PROVIDER_ERRORS = {
    # OIDC Core 3.1.2.6 and RFC 6749 4.1.2.1: what means the same to the application.
    "access_denied": "access_denied",
    "login_required": "login_required",
    "interaction_required": "interaction_required",
    "consent_required": "consent_required",
    "account_selection_required": "account_selection_required",
    "temporarily_unavailable": "temporarily_unavailable",
    # What the application could not have caused and cannot mend.
    "invalid_request": "server_error",
    "unauthorized_client": "server_error",
    "unsupported_response_type": "server_error",
    "server_error": "server_error",
    "made_up": "server_error",
    "<script>alert(1)</script>": "server_error",
    "x" * 200: "server_error",
}
HTML = "<img src=x onerror=alert(1)>'\"&"

WRONG_ISSUERS = {
    "absent": ABSENT,
    "empty": "",
    "of another": "https://evil.example",
    "with a slash more": "{issuer}/",
    "in upper case": "HTTP://127.0.0.1",
}

WRONG_STATES = {
    "absent": ABSENT,
    "empty": "",
    "one character less": "{shorter}",
    "one character more": "{state}A",
    "another one of the same form": "A" * 43,
    "with a NUL": "{state}\x00",
    "with a newline": "{state}\n",
    "a path": "../../etc/passwd",
    "HTML": HTML,
}


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    stage.connect(["callback-one", "callback-two", "callback-silent"])
    silent = stage.liar.tenants["callback-silent"]
    silent.metadata = {"authorization_response_iss_parameter_supported": ABSENT}
    stage.connect(["callback-post"], response_mode="form_post")
    return stage.application("callback-app")


@pytest.fixture
def begun(stage: Stage, app: Application) -> Begun:
    tenant = stage.liar.tenants["callback-one"]
    tenant.received.clear()
    return stage.begin(app, "callback-one")


def works(begun: Begun) -> bool:
    """Tell whether the honest answer still signs the user in."""
    response = begun.come_back()
    return response.is_redirect and "code" in app_answer(response)


# --- state and browser -------------------------------------------------------------------------


@pytest.mark.parametrize("case", WRONG_STATES)
def test_a_wrong_state_leads_nowhere_and_spoils_nothing(begun: Begun, case: str) -> None:
    state = WRONG_STATES[case]
    if isinstance(state, str):
        state = state.format(state=begun.state, shorter=begun.state[:-1])
    response = begun.come_back(state=state)
    assert shows_nothing_but_its_own_text(response, str(state), begun.code)
    assert begun.tenant.token_requests() == []
    assert works(begun)


def test_a_state_that_comes_twice_leads_nowhere(begun: Begun) -> None:
    query = urlencode([*begun.answer().items(), ("state", begun.state)])
    response = begun.browser.open(f"{begun.callback}?{query}")
    assert shows_nothing_but_its_own_text(response, begun.state, begun.code)
    assert begun.tenant.token_requests() == []
    assert works(begun)


def test_a_code_that_comes_twice_leads_nowhere(begun: Begun) -> None:
    query = urlencode([("code", "injected"), *begun.answer().items()])
    assert shows_nothing_but_its_own_text(begun.browser.open(f"{begun.callback}?{query}"))
    assert begun.tenant.token_requests() == []


def test_the_answer_of_another_browsers_sign_in_leads_nowhere_and_is_spent(
    stage: Stage, begun: Begun
) -> None:
    response = stage.browser().open(begun.callback, begun.answer())
    assert shows_nothing_but_its_own_text(response, begun.state, begun.code)
    assert not works(begun)
    assert begun.tenant.token_requests() == []


def test_the_cookie_of_ones_own_sign_in_does_not_finish_another(
    stage: Stage, app: Application, begun: Begun
) -> None:
    attacker = stage.begin(app, "callback-one")
    (victims_name,) = begun.cookies()
    (attackers_value,) = attacker.cookies().values()
    attacker.browser.client.cookies.set(victims_name, attackers_value, domain="127.0.0.1")
    response = attacker.browser.open(begun.callback, begun.answer())
    assert shows_nothing_but_its_own_text(response)
    assert begun.tenant.token_requests() == []


def test_a_cookie_that_comes_twice_counts_as_planted(begun: Begun) -> None:
    ((name, value),) = begun.cookies().items()
    begun.browser.client.cookies.clear()
    response = begun.browser.client.get(
        begun.callback,
        params=begun.answer(),
        headers={"cookie": f"{name}={value}; {name}=planted"},
    )
    assert shows_nothing_but_its_own_text(response)
    assert begun.tenant.token_requests() == []


def test_two_sign_ins_in_one_browser_both_work(stage: Stage, app: Application) -> None:
    first, second = stage.begin(app, "callback-one"), stage.begin(app, "callback-one")
    for name, value in first.cookies().items():
        second.browser.client.cookies.set(name, value, domain="127.0.0.1")
    assert works(second)
    assert "code" in app_answer(second.browser.open(first.callback, first.answer()))


# --- mix-up ------------------------------------------------------------------------------------


def test_another_connections_callback_refuses_and_the_sign_in_is_spent(
    stage: Stage, begun: Begun
) -> None:
    other = stage.liar.tenants["callback-two"]
    answer = begun.answer(iss=other.issuer)
    response = begun.browser.open(stage.callbacks["callback-two"], answer)
    assert shows_nothing_but_its_own_text(response, begun.state, begun.code)
    assert not works(begun)
    assert begun.tenant.token_requests() == other.token_requests() == []


@pytest.mark.parametrize("connection_id", ["con_aaaaaaaaaaaaaaaaaaaaaaaaaa", "con_", "..%2Fx"])
def test_a_connection_that_is_not_there_refuses_and_the_sign_in_is_spent(
    stage: Stage, begun: Begun, connection_id: str
) -> None:
    address = f"{stage.issuer}/connections/{connection_id}/callback"
    assert shows_nothing_but_its_own_text(begun.browser.open(address, begun.answer()))
    assert not works(begun)
    assert begun.tenant.token_requests() == []


@pytest.mark.parametrize("case", WRONG_ISSUERS)
def test_an_answer_of_another_issuer_is_no_answer(stage: Stage, begun: Begun, case: str) -> None:
    iss = WRONG_ISSUERS[case]
    if isinstance(iss, str):
        iss = iss.format(issuer=begun.tenant.issuer)
    back = app_answer(begun.come_back(iss=iss))
    assert (back["error"], back["state"]) == ("access_denied", begun.sign_in.state)
    assert back["iss"] == stage.issuer
    assert begun.tenant.token_requests() == []
    assert not works(begun)


def test_an_error_of_another_issuer_is_not_passed_on(begun: Begun) -> None:
    answer = {"code": ABSENT, "error": "login_required", "iss": "https://evil.example"}
    assert app_answer(begun.come_back(**answer))["error"] == "access_denied"


def test_where_no_issuer_is_promised_its_absence_is_fine(stage: Stage, app: Application) -> None:
    assert works(stage.begin(app, "callback-silent"))
    assert "code" in app_answer(stage.begin(app, "callback-silent").come_back(iss=ABSENT))


def test_where_no_issuer_is_promised_another_one_is_refused(stage: Stage, app: Application) -> None:
    begun = stage.begin(app, "callback-silent")
    back = app_answer(begun.come_back(iss="https://evil.example"))
    assert back["error"] == "access_denied"


# --- what the provider answers -----------------------------------------------------------------


@pytest.mark.parametrize("error", PROVIDER_ERRORS)
def test_an_error_of_the_provider_goes_to_the_application(
    stage: Stage, begun: Begun, error: str
) -> None:
    response = begun.come_back(
        code=ABSENT, error=error, error_description=HTML, error_uri="https://evil.example"
    )
    back = app_answer(response)
    assert back.keys() == {"error", "error_description", "state", "iss"}
    assert back["error"] == PROVIDER_ERRORS[error]
    assert (back["state"], back["iss"]) == (begun.sign_in.state, stage.issuer)
    assert "onerror" not in response.headers["location"] + response.text
    assert begun.tenant.token_requests() == []
    assert not works(begun)


@pytest.mark.parametrize("changes", [{"error": "access_denied"}, {"code": ABSENT}, {"code": ""}])
def test_an_answer_with_both_code_and_error_or_neither_is_no_answer(
    begun: Begun, changes: dict[str, object]
) -> None:
    back = app_answer(begun.come_back(**changes))
    assert (back["error"], back["state"]) == ("server_error", begun.sign_in.state)
    assert begun.tenant.token_requests() == []


def test_html_in_an_answer_without_a_sign_in_is_nowhere_rendered(stage: Stage) -> None:
    answer = {"state": HTML, "error": HTML, "error_description": HTML, "iss": HTML}
    response = stage.browser().open(stage.callbacks["callback-one"], answer)
    assert shows_nothing_but_its_own_text(response, HTML, "onerror")


# --- one time, and by which method ---------------------------------------------------------------


def test_an_answer_that_comes_again_leads_nowhere(begun: Begun) -> None:
    assert works(begun)
    assert shows_nothing_but_its_own_text(begun.come_back(), begun.state, begun.code)
    assert len(begun.tenant.token_requests()) == 1


def test_an_answer_comes_by_form_post_where_the_connection_asks_for_it(
    stage: Stage, app: Application
) -> None:
    begun = stage.begin(app, "callback-post")
    assert begun.authorization["response_mode"] == "form_post"
    response = begun.browser.client.post(begun.callback, data=begun.answer())
    assert "code" in app_answer(response)
    assert response.status_code == 303


def test_parameters_of_query_and_body_are_never_put_together(begun: Begun) -> None:
    answer = begun.answer()
    code = {"code": answer.pop("code")}
    response = begun.browser.client.post(f"{begun.callback}?{urlencode(answer)}", data=code)
    assert shows_nothing_but_its_own_text(response)
    response = begun.browser.client.post(f"{begun.callback}?{urlencode(code)}", data=answer)
    assert shows_nothing_but_its_own_text(response)
    assert begun.tenant.token_requests() == []
    assert works(begun)


def test_a_body_that_is_no_form_leads_nowhere(begun: Begun) -> None:
    response = begun.browser.client.post(begun.callback, json=begun.answer())
    assert shows_nothing_but_its_own_text(response)
    assert works(begun)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_there(begun: Begun, method: str) -> None:
    query = urlencode(begun.answer())
    response = begun.browser.client.request(method, f"{begun.callback}?{query}")
    assert response.status_code == 405
    assert works(begun)
