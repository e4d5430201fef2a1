"""A browser that signed in, in one process: its cookie, and what the application was given."""

from dataclasses import dataclass, replace

from signet.broker.front_channel import Redirection
from signet.broker.session import COOKIE
from signet.jose.jws import read_unverified
from tests.support.broker import App, Broker, answer_of

POST_LOGOUT = "https://app.example/signed-out"
BACKCHANNEL = "https://app.example/backchannel-logout"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """One login in one browser; `cookies` are the browser's since."""

    redirection: Redirection
    cookies: dict[str, str]
    id_token: str
    access_token: str

    @property
    def claims(self) -> dict[str, object]:
        return dict(read_unverified(self.id_token).claims)


def sign_in(app: App, cookies: dict[str, str] | None = None, **changes: str | None) -> SignedIn:
    """Go through a whole login, and redeem its code."""
    connection = app.broker.connections.find(changes.get("connection") or "acme")
    assert connection is not None
    started = app.begin(**changes)
    carried = started.cookies | (cookies or {})
    redirection = app.broker.callback(connection, replace(started, cookies=carried))
    tokens = app.redeem(answer_of(redirection)["code"])
    return SignedIn(
        redirection=redirection,
        cookies={c.name: c.value for c in redirection.cookies if c.name == COOKIE},
        id_token=str(tokens["id_token"]),
        access_token=str(tokens["access_token"]),
    )


def is_signed_in(app: App, cookies: dict[str, str]) -> bool:
    """Tell whether this browser gets a code without a page."""
    return "code" in answer_of(app.broker.start(app.request(prompt="none"), cookies))


def is_alive(broker: Broker, access_token: str) -> bool:
    """Tell whether a grant gives anything yet."""
    grant_id = str(read_unverified(access_token).claims["grant_id"])
    grant = broker.grants.get(grant_id)
    return grant is not None and not grant.revoked
