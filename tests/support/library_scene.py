"""Signet before a provider, and an application made of a real library in front of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.browser import Browser, query_of
from tests.support.library_app import LibraryApp
from tests.support.stack import PROJECT
from tests.support.stage import Stage
from tests.support.travelled import Response, Travelled

NAME = "libraries"
WORKS = {"yes", "by the app", "by a hook"}
OFFLINE = {
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": ["openid", "profile", "email", "offline_access"],
}
SCOPE = "openid profile email offline_access"


def table() -> dict[str, dict[str, str]]:
    """Read the page's table: library, then column, then cell."""
    page = (PROJECT / "docs" / "libraries.md").read_text("utf-8")
    lines = [line for line in page.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


TABLE = table()


def libraries(column: str) -> list[str]:
    """Return the libraries of which the page says that it works."""
    return [library for library, row in TABLE.items() if row[column] in WORKS]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in to an application, with a browser of their own."""

    browser: Browser
    login: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """An application made of a library, and Signet before a provider."""

    stage: Stage
    app: LibraryApp

    def begin(self, browser: Browser, by: tuple[str, ...] = (), **parameters: str) -> str:
        """Go from the application to Signet; return the address."""
        asked = {"connection": NAME, **parameters}
        began = self.app.tell(begin=asked, by=list(by))
        assert "url" in began, began
        return str(began["url"])

    def came_back(self, response: Response) -> str:
        """Return the address at which the application is come back to."""
        assert response.status_code == 303, f"{response.status_code}: {response.text}"
        address = response.headers["location"]
        assert address.startswith(f"{self.app.redirect_uri}?"), "not the application's address"
        return str(address)

    def at_the_provider(self, browser: Browser, address: str) -> str:
        """Sign in at the provider; return the address at which the application is come back to."""
        tenant = self.stage.liar.tenants[NAME]
        authorization = query_of(browser.open(address).headers["location"])
        answer = {
            "code": tenant.expect(authorization),
            "state": authorization["state"],
            "iss": tenant.issuer,
        }
        return self.came_back(browser.open(self.stage.callbacks[NAME], answer))

    def finish(self, browser: Browser, address: str) -> Person:
        """Have the application redeem its code."""
        login = parse_qs(urlsplit(address).query)["state"][0]
        result = self.app.tell(finish=address, login=login)
        assert "error" not in result, (result, self.stage.stack.log_text()[-600:])
        return Person(browser, login, result)

    def sign_in(self, by: tuple[str, ...] = (), **parameters: str) -> Person:
        """Go through a whole login in a new browser."""
        browser = self.stage.browser()
        address = self.at_the_provider(browser, self.begin(browser, by, **parameters))
        return self.finish(browser, address)

    def refresh(self, person: Person) -> dict[str, Any]:
        """Have the application refresh the tokens of a login."""
        result = self.app.tell(refresh=person.login)
        assert "error" not in result, (result, self.stage.stack.log_text()[-600:])
        return result

    def signs_out(self, person: Person) -> None:
        """Go to Signet's logout and come back to the application, with what it sent along."""
        address = self.app.tell(logout=person.login)["url"]
        gone = person.browser.open(address)
        assert gone.status_code == 303, gone.text
        state = query_of(address)["state"]
        back = f"{self.app.post_logout_redirect_uri}?{urlencode({'state': state})}"
        assert gone.headers["location"] == back


@contextmanager
def scene_of(
    stage: Stage,
    travelled: Travelled,
    library: str,
    what: str,
    *,
    options: dict[str, Any] | None = None,
    published: bool = False,
    **document: Any,
) -> Iterator[Scene]:
    """Start an application of a library and register it."""
    client_id = re.sub(r"[^a-z0-9]+", "-", f"{library} {what}".lower()).strip("-")
    app = LibraryApp(
        stage.issuer, travelled, client_id=client_id, library=library, **(options or {})
    )
    try:
        keys = {"jwks_uri": app.jwks_uri} if published else {"jwks": app.jwks}
        stage.stack.register({"clients": [app.registration(**keys, **document)]})
        yield Scene(stage, app)
    finally:
        app.stop()


def is_about_ada(result: dict[str, Any], scene: Scene) -> None:
    """Check what a library made of a login or of a refresh."""
    assert result["claims"]["iss"] == scene.stage.issuer
    assert result["claims"]["aud"] == scene.app.client_id
    assert result["userinfo"]["sub"] == result["claims"]["sub"]
    assert result["userinfo"]["email"] == "ada@acme.example"
