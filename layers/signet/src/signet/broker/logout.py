"""Sign a person out, because an application or the person asks [RP-Initiated Logout 1.0].

Nobody is signed out by a link alone: either an ID token of ours says who is meant and this browser
is that person's, or the person confirms on our page. Nobody is sent to an address that the client
did not register.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.front_channel import BrowserCookie, ConfirmLogout, Redirection, SignedOut
from signet.broker.keyring import ISSUER, missing
from signet.broker.ports import Clients, Keyrings, Sessions
from signet.broker.record_key import record_key
from signet.broker.session import COOKIE, Session, session_key
from signet.broker.session_end import EndSessions
from signet.broker.signing import own_keys
from signet.broker.upstream_logout import UpstreamLogout, WayBack
from signet.errors import Denied, Rejected
from signet.jose.jws import verify
from signet.oidc.logout import (
    AGAIN,
    CONFIRM,
    HINT_TYPES,
    HintPolicy,
    LogoutHint,
    LogoutRequest,
    check_hint,
    invalid_hint,
    logged_out_url,
)

_CARRIED = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
_FORGET = BrowserCookie(name=COOKIE, value="", max_age=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """The use case behind /logout."""

    issuer: str
    sessions: Sessions
    clients: Clients
    keyrings: Keyrings
    end: EndSessions
    upstream: UpstreamLogout

    def __call__(
        self, parameters: Mapping[str, str], cookies: Mapping[str, str], *, posted: bool
    ) -> Redirection | ConfirmLogout | SignedOut:
        """End this browser's session, or ask first.

        Args:
            parameters: the request.
            cookies: of the browser.
            posted: the request is a POST: from another site it comes without our cookie, which is
                SameSite=Lax, so that its absence says nothing.

        Raises:
            Rejected: shown on a page: nothing ended, nobody is sent anywhere.
            Unavailable: a store is, and something may not have ended.
        """
        request = LogoutRequest.parse(parameters)
        hint = self._hint(request)
        back = self._way_back(request, hint)
        value = cookies.get(COOKIE)
        session = self._session(value)
        if session is None or value is None:
            if posted and value is None and not request.again:
                return ConfirmLogout(parameters={**_carried(parameters), AGAIN: "1"})
            return self._gone(back if hint is not None else None, cookies=())
        confirmation = confirmation_of(value, issuer=self.issuer)
        if not (_is_confirmed(request, confirmation) or _is_about(hint, session)):
            return ConfirmLogout(parameters={**_carried(parameters), CONFIRM: confirmation})
        self.end([session.sid])
        onward = self.upstream.begin(session, back)
        if onward is not None:
            return Redirection(url=onward.url, cookies=(_FORGET, *onward.cookies))
        return self._gone(back, cookies=(_FORGET,))

    def come_back(
        self, parameters: Mapping[str, str], cookies: Mapping[str, str]
    ) -> Redirection | SignedOut:
        """Go on from the provider's logout to where this browser was going.

        Raises:
            Rejected: the client does not have that address any more.
        """
        back, spent = self.upstream.finish(parameters, cookies)
        if back is not None:
            _check_registered(self.clients.get(back.client_id), back.uri)
        return self._gone(back, cookies=(spent,))

    def _hint(self, request: LogoutRequest) -> LogoutHint | None:
        """Verify the hint under our published keys; one that does not hold ends the request."""
        if request.unverified_hint is None:
            return None
        keyring = self.keyrings.get(ISSUER)
        if keyring is None:
            raise missing(ISSUER)
        try:
            verified = verify(
                request.unverified_hint,
                keys=own_keys(keyring),
                alg=keyring.current.alg,
                types=HINT_TYPES,
            )
        except Denied as error:
            raise invalid_hint(f"id_token_hint: {error.private}") from error
        return check_hint(verified, HintPolicy(issuer=self.issuer, client_id=request.client_id))

    def _way_back(self, request: LogoutRequest, hint: LogoutHint | None) -> WayBack | None:
        """Return the address to go back to, which the named client registered byte for byte [3]."""
        client_id = hint.client_id if hint is not None else request.client_id
        uri = request.post_logout_redirect_uri
        if uri is None:
            return None
        _check_registered(self.clients.get(client_id) if client_id is not None else None, uri)
        return WayBack(client_id=str(client_id), uri=uri, state=request.state)

    def _session(self, value: str | None) -> Session | None:
        """Return the browser's session, also one that only its times ended."""
        return self.sessions.get(session_key(value, issuer=self.issuer)) if value else None

    def _gone(
        self, back: WayBack | None, *, cookies: tuple[BrowserCookie, ...]
    ) -> Redirection | SignedOut:
        if back is None:
            return SignedOut(cookies=cookies)
        return Redirection(url=logged_out_url(back.uri, state=back.state), cookies=cookies)


def confirmation_of(value: str, *, issuer: str) -> str:
    """Return what our page's form has to bring back: only who has the cookie can know it.

    It is used up with the session, whose cookie's value it is made of (OP-068). It is another hash
    than the one under which the session is stored: who can read the table knows none of these.
    """
    return record_key("LOGOUT", "confirm", issuer, value)


def _is_confirmed(request: LogoutRequest, confirmation: str) -> bool:
    given = (request.confirm or "").encode()
    return hmac.compare_digest(given, confirmation.encode())


def _is_about(hint: LogoutHint | None, session: Session) -> bool:
    """A hint at somebody else ends nobody's session (OP-056)."""
    return hint is not None and hint.subject == session.subject


def _check_registered(client: Client | None, uri: str) -> None:
    """One text for an unknown client, a disabled one and an address of another's."""
    if client is None or not client.enabled or uri not in client.post_logout_redirect_uris:
        raise Rejected(
            "unknown_post_logout_redirect_uri",
            "The application asked to return to an address that it did not register.",
        )


def _carried(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: parameters[name] for name in _CARRIED if name in parameters}
