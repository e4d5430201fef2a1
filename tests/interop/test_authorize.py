"""/authorize from the application's side: what is refused, and to whom it is told."""

from typing import Any
from urllib.parse import urlencode

import pytest
from tests.support.application import REDIRECT_URI, Application
from tests.support.browser import query_of
from tests.support.lying_provider import ABSENT
from tests.support.pages import shows_nothing_but_its_own_text
from tests.support.stage import Stage, app_answer

NAME = "authorize"

# The redirect URI is not known to be the application's: nothing may be redirected to it.
SHOWN: dict[str, dict[str, Any]] = {
    "unknown client": {"client_id": "stranger"},
    "client with HTML": {"client_id": "<script>alert(1)</script>"},
    "client absent": {"client_id": ABSENT},
    "client empty": {"client_id": ""},
    "client too long": {"client_id": "c" * 2_000},
    "disabled client": {"client_id": "authorize-disabled"},
    "redirect_uri absent": {"redirect_uri": ABSENT},
    "redirect_uri empty": {"redirect_uri": ""},
    "redirect_uri of another host": {"redirect_uri": "https://evil.example/callback"},
    "redirect_uri on another port": {"redirect_uri": "http://127.0.0.1:10/callback"},
    "redirect_uri with a slash more": {"redirect_uri": f"{REDIRECT_URI}/"},
    "redirect_uri with a query more": {"redirect_uri": f"{REDIRECT_URI}?a=b"},
    "redirect_uri with an empty query": {"redirect_uri": f"{REDIRECT_URI}?"},
    "redirect_uri with a fragment": {"redirect_uri": f"{REDIRECT_URI}#a"},
    "redirect_uri with user-info": {"redirect_uri": "http://127.0.0.1:9@evil.example/callback"},
    "redirect_uri with a backslash": {"redirect_uri": "http://127.0.0.1:9\\@evil.example/callback"},
    "redirect_uri with a dot segment": {"redirect_uri": "http://127.0.0.1:9/a/../callback"},
    "redirect_uri escaped": {"redirect_uri": "http://127.0.0.1:9/%63allback"},
    "redirect_uri in upper case": {"redirect_uri": "HTTP://127.0.0.1:9/callback"},
    "redirect_uri of localhost": {"redirect_uri": "http://localhost:9/callback"},
    "redirect_uri of https": {"redirect_uri": "https://127.0.0.1:9/callback"},
    "redirect_uri under the registered one": {"redirect_uri": f"{REDIRECT_URI}/deeper"},
    "redirect_uri before the registered one": {"redirect_uri": "http://127.0.0.1:9/"},
    "redirect_uri javascript": {"redirect_uri": "javascript:alert(1)"},
    "redirect_uri with a newline": {"redirect_uri": f"{REDIRECT_URI}\r\nx: y"},
    "redirect_uri with a space": {"redirect_uri": f"{REDIRECT_URI} "},
    "redirect_uri of another client": {"redirect_uri": "http://127.0.0.1:9/other"},
}

TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "response_type absent": ({"response_type": ABSENT}, "invalid_request"),
    "response_type empty": ({"response_type": ""}, "invalid_request"),
    "response_type token": ({"response_type": "token"}, "unsupported_response_type"),
    "response_type id_token": ({"response_type": "id_token"}, "unsupported_response_type"),
    "response_type hybrid": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "response_type none": ({"response_type": "none"}, "unsupported_response_type"),
    "response_type in upper case": ({"response_type": "CODE"}, "unsupported_response_type"),
    "response_mode fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "response_mode jwt": ({"response_mode": "query.jwt"}, "invalid_request"),
    "response_mode web_message": ({"response_mode": "web_message"}, "invalid_request"),
    "no challenge": ({"code_challenge": ABSENT}, "invalid_request"),
    "no method": ({"code_challenge_method": ABSENT}, "invalid_request"),
    "neither": ({"code_challenge": ABSENT, "code_challenge_method": ABSENT}, "invalid_request"),
    "method plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "method in lower case": ({"code_challenge_method": "s256"}, "invalid_request"),
    "challenge too short": ({"code_challenge": "a" * 42}, "invalid_request"),
    "challenge too long": ({"code_challenge": "a" * 44}, "invalid_request"),
    "challenge of other characters": ({"code_challenge": "+" * 43}, "invalid_request"),
    "scope absent": ({"scope": ABSENT}, "invalid_scope"),
    "scope without openid": ({"scope": "profile"}, "invalid_scope"),
    "scope that is not registered": ({"scope": "openid connections:read"}, "invalid_scope"),
    "scope nobody knows": ({"scope": "openid everything"}, "invalid_scope"),
    "prompt unknown": ({"prompt": "always"}, "invalid_request"),
    "prompt none with another": ({"prompt": "none login"}, "invalid_request"),
    "max_age a text": ({"max_age": "soon"}, "invalid_request"),
    "max_age negative": ({"max_age": "-1"}, "invalid_request"),
    "max_age of other digits": ({"max_age": "\u0661"}, "invalid_request"),
    "request object": ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    "request_uri of elsewhere": (
        {"request_uri": "https://evil.example/request"},
        "request_uri_not_supported",
    ),
    "nonce too long": ({"nonce": "n" * 513}, "invalid_request"),
    "connection unknown": ({"connection": "nobodys"}, "invalid_request"),
    "connection not for this client": ({"connection": "authorize-other"}, "invalid_request"),
    "connection disabled": ({"connection": "authorize-off"}, "invalid_request"),
    "connection with HTML": ({"connection": "<script>"}, "invalid_request"),
}


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    stage.connect([NAME, "authorize-other"])
    stage.connect(["authorize-off"], enabled=False)
    stage.application(
        "authorize-neighbour",
        redirect_uris=["http://127.0.0.1:9/other"],
    )
    stage.application("authorize-disabled", enabled=False)
    return stage.application("authorize-app", connections=[NAME, "authorize-off"])


@pytest.mark.parametrize("case", SHOWN)
def test_a_request_of_nobody_we_know_is_answered_with_a_page(
    stage: Stage, app: Application, case: str
) -> None:
    sign_in = app.request(NAME, **SHOWN[case])
    response = stage.browser().open(f"{stage.issuer}/authorize", sign_in.parameters)
    sent = [str(value) for value in SHOWN[case].values()]
    assert shows_nothing_but_its_own_text(response, *sent, sign_in.state)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "code_challenge"])
@pytest.mark.parametrize("second", ["", "other"])
def test_a_parameter_that_comes_twice_is_answered_with_a_page(
    stage: Stage, app: Application, name: str, second: str
) -> None:
    query = urlencode([*app.request(NAME).parameters.items(), (name, second)])
    response = stage.browser().open(f"{stage.issuer}/authorize?{query}")
    assert shows_nothing_but_its_own_text(response)


@pytest.mark.parametrize("case", TOLD)
def test_a_request_of_an_application_we_know_is_answered_to_it(
    stage: Stage, app: Application, case: str
) -> None:
    changes, error = TOLD[case]
    sign_in = app.request(NAME, **changes)
    response = stage.browser().open(f"{stage.issuer}/authorize", sign_in.parameters)
    back = app_answer(response)
    assert back.keys() == {"error", "error_description", "state", "iss"}
    assert (back["error"], back["state"]) == (error, sign_in.state)
    assert back["iss"] == stage.issuer
    assert "set-cookie" not in response.headers
    assert not any(
        str(value) in back["error_description"] for value in changes.values() if len(str(value)) > 9
    )


def test_a_state_that_is_too_long_is_refused_and_not_repeated(
    stage: Stage, app: Application
) -> None:
    sign_in = app.request(NAME, state="s" * 2_049)
    response = stage.browser().open(f"{stage.issuer}/authorize", sign_in.parameters)
    back = app_answer(response)
    assert back.keys() == {"error", "error_description", "iss"}
    assert back["error"] == "invalid_request"


def test_an_answer_to_a_request_without_state_has_none(stage: Stage, app: Application) -> None:
    begun = stage.begin(app, NAME, state=ABSENT)
    assert app_answer(begun.come_back()).keys() == {"code", "iss"}


@pytest.mark.parametrize("state", ["a b+c/d=&e", "ü" * 40, "%2525", "<b>"])
def test_a_state_comes_back_as_it_was(stage: Stage, app: Application, state: str) -> None:
    assert app_answer(stage.begin(app, NAME, state=state).come_back())["state"] == state


def test_a_request_comes_by_post_too(stage: Stage, app: Application) -> None:
    parameters = app.request(NAME).parameters
    response = stage.browser().client.post(f"{stage.issuer}/authorize", data=parameters)
    assert response.status_code == 303
    assert response.headers["location"].startswith(stage.liar.tenants[NAME].issuer)


def test_parameters_of_query_and_body_are_never_put_together(
    stage: Stage, app: Application
) -> None:
    parameters = app.request(NAME).parameters
    redirect_uri = urlencode({"redirect_uri": parameters.pop("redirect_uri")})
    response = stage.browser().client.post(
        f"{stage.issuer}/authorize?{redirect_uri}", data=parameters
    )
    assert shows_nothing_but_its_own_text(response)


def test_what_the_application_asks_of_the_user_reaches_the_provider(
    stage: Stage, app: Application
) -> None:
    asked = {
        "prompt": "login",
        "max_age": "60",
        "login_hint": "ada@acme.example",
        "acr_values": "mfa",
        "ui_locales": "de",
    }
    authorization = stage.begin(app, NAME, **asked).authorization
    assert asked.items() <= authorization.items()


def test_nothing_of_the_application_takes_the_place_of_ours_at_the_provider(
    stage: Stage, app: Application
) -> None:
    begun = stage.begin(app, NAME)
    ours, theirs = begun.authorization, begun.sign_in.parameters
    for name in ("state", "nonce", "code_challenge", "client_id", "redirect_uri"):
        assert ours[name] != theirs[name]
    assert ours["redirect_uri"] == begun.callback


def test_addresses_are_built_from_the_issuer_and_not_from_the_host_header(
    stage: Stage, app: Application
) -> None:
    client = stage.browser().client
    response = client.get(
        f"{stage.issuer}/authorize",
        params=app.request(NAME).parameters,
        headers={
            "host": "evil.example",
            "x-forwarded-host": "evil.example",
            "forwarded": "host=evil.example",
        },
    )
    location = response.headers["location"]
    assert query_of(location)["redirect_uri"] == stage.callbacks[NAME]
    assert "evil.example" not in location
