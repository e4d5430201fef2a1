"""Signet from the outside: a running stack, the lying provider, and an application before it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.support.application import Application, SignIn
from tests.support.browser import Browser, query_of
from tests.support.lying_provider import ABSENT, CLIENT_ID, LyingProvider, Tenant, changed
from tests.support.stack import Stack
from tests.support.travelled import Response, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in that is at the provider; `code` is what the provider would answer with."""

    sign_in: SignIn
    browser: Browser
    tenant: Tenant
    callback: str
    state: str = field(repr=False)
    code: str = field(repr=False)
    authorization: dict[str, str] = field(repr=False)

    def answer(self, **changes: Any) -> dict[str, Any]:
        """Write the provider's answer, with changes."""
        honest = {"code": self.code, "state": self.state, "iss": self.tenant.issuer}
        return changed(honest, changes)

    def come_back(self, **changes: Any) -> Response:
        """Bring the answer to the connection's callback, in the browser that began."""
        return self.browser.open(self.callback, self.answer(**changes))

    def cookies(self) -> dict[str, str]:
        """Return the cookies that this browser would send to Signet."""
        return dict(self.browser.client.cookies)


@dataclass(slots=True)
class Stage:
    """Everything that a sign-in needs; connections are named like the provider's tenants."""

    stack: Stack
    liar: LyingProvider
    wire: Wire
    callbacks: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return self.stack.issuer

    def connect(self, names: Iterable[str], **document: Any) -> None:
        """Make tenants, and a connection to each, in one go."""
        made = self.stack.register({
            "connections": [
                {
                    "name": name,
                    "strategy": "oidc",
                    "issuer": self.liar.tenant(name).issuer,
                    "client_id": CLIENT_ID,
                    "token_endpoint_auth_signing_alg": "ES256",
                    "id_token_signed_response_alg": "ES256",
                    **document,
                }
                for name in names
            ]
        })  # fmt: skip
        for connection in made["connections"]:
            self.callbacks[connection["name"]] = connection["redirect_uri"]

    def application(self, client_id: str, *, alg: str = "ES256", **document: Any) -> Application:
        """Make an application and register it."""
        application = Application(self.issuer, self.wire, client_id=client_id, alg=alg)
        self.stack.register({"clients": [application.registration(**document)]})
        return application

    def browser(self) -> Browser:
        """Make a browser with an empty cookie jar."""
        return Browser(self.wire)

    def begin(self, app: Application, name: str, **changes: Any) -> Begun:
        """Go from the application to the provider's door, in a new browser."""
        browser, sign_in = self.browser(), app.request(name, **changes)
        response = browser.open(f"{self.issuer}/authorize", sign_in.parameters)
        tenant = self.liar.tenants[name]
        location = response.headers.get("location", "")
        assert location.startswith(f"{tenant.issuer}/authorize?"), (location, response.text)
        authorization = query_of(location)
        return Begun(
            sign_in=sign_in,
            browser=browser,
            tenant=tenant,
            callback=self.callbacks[name],
            state=tenant.state_of(authorization),
            code=tenant.expect(authorization),
            authorization=authorization,
        )

    def code(self, app: Application, name: str, **changes: Any) -> tuple[str, str]:
        """Go through a whole sign-in; return the application's code and its verifier."""
        begun = self.begin(app, name, **changes)
        back = app_answer(begun.come_back())
        assert "code" in back, (back, self.stack.log_text()[-600:])
        return back["code"], begun.sign_in.verifier


def app_answer(response: Response) -> dict[str, str]:
    """Return what the application's redirect URI is called with."""
    assert response.status_code == 303, f"{response.status_code}: {response.text}"
    location = response.headers["location"]
    assert location.startswith("http://127.0.0.1:9/callback?"), "not the application's address"
    return query_of(location)


__all__ = ["ABSENT", "Begun", "Stage", "app_answer"]
