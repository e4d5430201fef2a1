"""npm openid-client as the application: a strict relying party that is not ours, as it is."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.support.application import REDIRECT_URI
from tests.support.browser import query_of
from tests.support.library_app import LibraryApp
from tests.support.stage import Stage, app_answer
from tests.support.travelled import Travelled

NAME = "openid-client"


@pytest.fixture(scope="module")
def connected(stage: Stage) -> Stage:
    stage.connect([NAME])
    return stage


@pytest.fixture(scope="module", params=["ES256", "RS256", "PS256"])
def inline(
    request: pytest.FixtureRequest, connected: Stage, travelled: Travelled
) -> Iterator[LibraryApp]:
    """Register an application by its keys themselves."""
    alg = request.param
    app = LibraryApp(connected.issuer, travelled, client_id=f"inline-{alg}", alg=alg)
    connected.stack.register({"clients": [app.registration(jwks=app.jwks)]})
    yield app
    app.stop()


@pytest.fixture
def published(connected: Stage, travelled: Travelled) -> Iterator[LibraryApp]:
    """Register an application by the address of its keys."""
    app = LibraryApp(connected.issuer, travelled, client_id="published", alg="ES256")
    connected.stack.register({"clients": [app.registration(jwks_uri=app.jwks_uri)]})
    yield app
    app.stop()


def signed_in(
    stage: Stage, app: LibraryApp, *, by: tuple[str, ...] = (), **changes: Any
) -> dict[str, Any]:
    """Go from the application to the provider and back; return what the library made of it."""
    browser = stage.browser()
    began = app.tell(begin={"connection": NAME}, by=by)
    assert "url" in began, began
    tenant = stage.liar.tenants[NAME]
    authorization = query_of(browser.open(began["url"]).headers["location"])
    answer = {
        "code": tenant.expect(authorization),
        "state": authorization["state"],
        "iss": tenant.issuer,
    }
    back = app_answer(browser.open(stage.callbacks[NAME], answer))
    return app.tell(finish=f"{REDIRECT_URI}?{urlencode({**back, **changes})}")


def test_openid_client_signs_in_with_a_key_of_its_own(connected: Stage, inline: LibraryApp) -> None:
    result = signed_in(connected, inline)
    assert "error" not in result, result
    assert result["claims"]["iss"] == connected.issuer
    assert result["claims"]["aud"] == inline.client_id
    assert result["claims"]["connection"] == NAME
    assert result["userinfo"]["email"] == "ada@acme.example"
    assert result["userinfo"]["email_verified"] is True


@pytest.mark.parametrize("by", [("par",), ("jar",), ("jar", "par")], ids="+".join)
def test_openid_client_pushes_its_request_and_signs_it(
    connected: Stage, travelled: Travelled, by: tuple[str, ...]
) -> None:
    name = f"by-{'-'.join(by)}"
    app = LibraryApp(connected.issuer, travelled, client_id=name, alg="ES256")
    connected.stack.register({
        "clients": [
            app.registration(
                jwks=app.jwks,
                require_pushed_authorization_requests="par" in by,
                request_object_signing_alg="ES256",
            )
        ]
    })  # fmt: skip
    result = signed_in(connected, app, by=by)
    assert "error" not in result, result
    assert result["claims"]["aud"] == name
    refused = app.tell(begin={"connection": NAME, "response_type": "token"}, by=["par"])
    assert refused["error"] == "unsupported_response_type"
    app.stop()


def test_openid_client_checks_the_issuer_that_we_send(connected: Stage, inline: LibraryApp) -> None:
    """Were our `iss` wrong or not announced, this library would not have gone on above."""
    result = signed_in(connected, inline, iss="https://evil.example")
    assert result["code"] == "OAUTH_INVALID_RESPONSE"


def test_openid_client_understands_our_errors(connected: Stage, inline: LibraryApp) -> None:
    assert signed_in(connected, inline, code="c" * 43)["error"] == "invalid_grant"


def test_an_application_rotates_its_published_key_without_telling_us(
    connected: Stage, published: LibraryApp
) -> None:
    assert "error" not in signed_in(connected, published)
    assert published.tell(fetches=True)["count"] == 1
    published.tell(rotate="app-key-2")
    assert "error" not in signed_in(connected, published)
    assert published.tell(fetches=True)["count"] == 2
    assert "error" not in signed_in(connected, published)
    assert published.tell(fetches=True)["count"] == 2


def test_an_application_with_two_registered_keys_signs_with_either(
    connected: Stage, travelled: Travelled
) -> None:
    app = LibraryApp(connected.issuer, travelled, client_id="two-keys", alg="ES256")
    try:
        two = app.tell(rotate="app-key-2")["jwks"]
        assert [key["kid"] for key in two["keys"]] == ["app-key-1", "app-key-2"]
        connected.stack.register({"clients": [app.registration(jwks=two)]})
        for kid in ("app-key-1", "app-key-2"):
            app.tell(use=kid)
            assert "error" not in signed_in(connected, app), kid
    finally:
        app.stop()


def test_a_key_that_was_not_registered_is_refused(connected: Stage, inline: LibraryApp) -> None:
    inline.tell(rotate="never-registered")
    refused = signed_in(connected, inline)
    inline.tell(use="app-key-1")
    assert refused["error"] == "invalid_client"
    assert "error" not in signed_in(connected, inline)


@pytest.mark.parametrize("alg", ["ES256", "PS256"])
@pytest.mark.parametrize("nonces", [False, True], ids=["without nonces", "with nonces"])
@pytest.mark.parametrize("by", [(), ("par",)], ids=["by browser", "par"])
def test_openid_client_proves_a_key_of_its_own(
    connected: Stage, travelled: Travelled, alg: str, by: tuple[str, ...], *, nonces: bool
) -> None:
    """DPoP [RFC 9449]: a bound code and a bound token, and the nonce that it is asked for."""
    name = f"dpop-{alg}-{nonces}-{'-'.join(by)}"
    app = LibraryApp(connected.issuer, travelled, client_id=name, alg="ES256")
    try:
        asked = {"dpop_bound_access_tokens": True, "dpop_nonce_required": nonces}
        connected.stack.register({"clients": [{**app.registration(jwks=app.jwks), **asked}]})
        assert signed_in(connected, app)["error"] == "invalid_request"
        app.tell(prove=alg)
        result = signed_in(connected, app, by=by)
    finally:
        app.stop()
    assert "error" not in result, result
    assert result["tokenType"] == "dpop"
    assert result["userinfo"]["email"] == "ada@acme.example"
