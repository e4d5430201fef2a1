"""Logins through Keycloak: every algorithm, with pushed requests and without."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.application import Application
from tests.support.browser import Browser, query_of
from tests.support.stack import Stack
from tests.support.travelled import Wire

Connect = Callable[..., dict[str, Any]]

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
)  # fmt: skip


@pytest.fixture
def sign_in(stack: Stack, wire: Wire, app: Application) -> Callable[..., dict[str, Any]]:
    """Sign in as a person does; return what was seen on the way and told in the end."""

    def signed_in(name: str, login: str = "ada") -> dict[str, Any]:
        browser, begun = Browser(wire), app.request(name)
        response = browser.open(f"{stack.issuer}/authorize", begun.parameters)
        asked = query_of(response.headers["location"])
        back = browser.sign_in(response, login=login)
        assert (back["state"], back["iss"]) == (begun.state, stack.issuer), back
        assert "code" in back, (back, stack.log_text()[-1500:])
        tokens = app.redeem(back["code"], begun.verifier).json()
        return {"asked": asked, **app.userinfo(tokens["access_token"]).json()}

    return signed_in


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_signs_in_and_pushes_its_request(
    connect: Connect, sign_in: Callable[..., dict[str, Any]], alg: str
) -> None:
    made = connect(f"pushed-{alg.lower()}", token_endpoint_auth_signing_alg=alg)
    told = sign_in(made["name"])
    assert told["asked"].keys() == {"client_id", "request_uri"}
    assert (told["name"], told["email"]) == ("Ada Lovelace", "ada@acme.example")
    assert told["email_verified"] is True


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_a_request_that_is_not_pushed_signs_in_too(
    connect: Connect, sign_in: Callable[..., dict[str, Any]], alg: str
) -> None:
    made = connect(
        f"open-{alg.lower()}", token_endpoint_auth_signing_alg=alg, pushed_authorization="never"
    )
    told = sign_in(made["name"])
    assert told["asked"]["code_challenge_method"] == "S256"
    assert told["email"] == "ada@acme.example"


def test_a_client_that_has_to_push_its_requests_signs_in(
    connect: Connect, sign_in: Callable[..., dict[str, Any]]
) -> None:
    attributes = {"require.pushed.authorization.requests": "true"}
    made = connect("has-to-push", attributes=attributes, pushed_authorization="required")
    assert sign_in(made["name"])["email"] == "ada@acme.example"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_id_tokens_are_signed_as_the_connection_says(
    connect: Connect, sign_in: Callable[..., dict[str, Any]], alg: str
) -> None:
    made = connect(
        f"id-token-{alg.lower()}",
        attributes={"id.token.signed.response.alg": alg},
        id_token_signed_response_alg=alg,
    )
    assert sign_in(made["name"])["email"] == "ada@acme.example"


def test_keycloak_posts_its_answer_where_the_connection_asks_for_it(
    connect: Connect, sign_in: Callable[..., dict[str, Any]]
) -> None:
    made = connect("posted", response_mode="form_post")
    assert sign_in(made["name"])["email"] == "ada@acme.example"


def test_one_person_is_one_subject_and_another_is_another(
    connect: Connect, sign_in: Callable[..., dict[str, Any]]
) -> None:
    made = connect("subjects")
    first, again, other = (sign_in(made["name"], login) for login in ("ada", "ada", "alan"))
    assert first["sub"] == again["sub"] != other["sub"]


def test_prompt_none_without_a_session_comes_back_as_login_required(
    connect: Connect, stack: Stack, wire: Wire, app: Application
) -> None:
    made = connect("no-session")
    browser, begun = Browser(wire), app.request(made["name"], prompt="none")
    back = browser.sign_in(browser.open(f"{stack.issuer}/authorize", begun.parameters))
    assert back["error"] == "login_required"
    assert browser.submitted == []


def test_an_assertion_for_another_audience_signs_nobody_in(
    connect: Connect, stack: Stack, wire: Wire, app: Application
) -> None:
    made = connect(
        "another-audience", assertion={"audience": "https://elsewhere.example"},
        pushed_authorization="never",
    )  # fmt: skip
    browser, begun = Browser(wire), app.request(made["name"])
    back = browser.sign_in(browser.open(f"{stack.issuer}/authorize", begun.parameters))
    assert back["error"] == "server_error"
    assert "code" not in back
