"""Single sign-on: a code at once for a browser that signed in before, without the provider.

A session never crosses connections, and nothing that an application sends chooses one: the cookie
alone does, and what it leads to has to fit the request in every point.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.front_channel import BrowserCookie, Redirection, answer_redirection
from signet.broker.grant import Grant
from signet.broker.issued_code import issued_grant
from signet.broker.ports import (
    Clock,
    Connections,
    Entropy,
    Grants,
    PushedRequests,
    Sessions,
    Together,
)
from signet.broker.pushed_request import PushedRequest, used_meanwhile
from signet.broker.session import (
    COOKIE,
    Session,
    SessionGrant,
    allows_no_page,
    is_alive,
    person_key,
    provider_session_key,
    serves,
    session_key,
)
from signet.errors import Rejected
from signet.oauth.authorization_request import AuthorizationRequest
from signet.oauth.authorization_response import success_answer

NO_COOKIES: Mapping[str, str] = {}
_MAX_SID = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleSignOn:
    """Sessions of browsers; `seconds` and `idle_seconds` bound them, and 0 means that none are."""

    issuer: str
    code_ttl: int
    seconds: int
    idle_seconds: int
    sessions: Sessions
    pushed_requests: PushedRequests
    connections: Connections
    grants: Grants
    clock: Clock
    entropy: Entropy
    together: Together

    def find(self, cookies: Mapping[str, str]) -> Session | None:
        """Return the session of a browser that is alive; without a cookie nothing is read."""
        value = cookies.get(COOKIE)
        if not value or not self._are_kept():
            return None
        session = self.sessions.get(session_key(value, issuer=self.issuer))
        if session is None or not is_alive(session, now=self.clock.now()):
            return None
        return session

    def code(
        self,
        session: Session | None,
        request: AuthorizationRequest,
        client: Client,
        connection: Connection | None,
        *,
        pushed: PushedRequest | None,
    ) -> Redirection | None:
        """Bring the application a code out of a session, or return None: a sign-in is needed.

        Args:
            session: of the browser.
            request: of the application.
            client: the application.
            connection: that the request leads to, or None when it names none: the session's then.
            pushed: the pushed request that this is, if it is one; the code uses it up.

        Raises:
            Rejected: `login_required`: a sign-in is needed and `prompt=none` allows none;
                `invalid_request_uri`: another login used the pushed request up.
        """
        if session is not None:
            granted = self._granted(session, request, client, connection)
            if granted is not None:
                return self._answer(*granted, request, pushed)
        if allows_no_page(request):
            raise Rejected("login_required", "The person has to sign in.", redirectable=True)
        return None

    def _granted(
        self,
        session: Session,
        request: AuthorizationRequest,
        client: Client,
        connection: Connection | None,
    ) -> tuple[str, Grant] | None:
        """Store a code's grant, noted in the session, where the session gives one."""
        now = self.clock.now()
        chosen = connection or self.connections.get(session.connection_id)
        if chosen is None or not serves(
            session, request=request, client=client, connection=chosen, now=now
        ):
            return None
        code = self.entropy.token()
        grant = issued_grant(
            code,
            request,
            chosen,
            issuer=self.issuer,
            subject=session.subject,
            # The connection's name as it is now: it may have been changed since.
            login={**session.login, "connection": chosen.name},
            profile=session.profile,
            sid=session.sid,
            now=now,
            code_ttl=self.code_ttl,
        )
        # Noted first: a session that ends meanwhile ends this grant too, or gives no code.
        self.together(
            lambda: self.grants.add(grant), lambda: self.sessions.note(session, _given(grant))
        )
        if not self.sessions.use(session.key, now=now, idle_until=now + self.idle_seconds):
            return None
        return code, grant

    def _answer(
        self, code: str, grant: Grant, request: AuthorizationRequest, pushed: PushedRequest | None
    ) -> Redirection:
        """Use the pushed request up last: one that no code came of is still good for a sign-in."""
        if pushed is not None and not self.pushed_requests.use(pushed.id, login=grant.id):
            raise used_meanwhile()  # nobody was told the code of that grant
        return answer_redirection(
            success_answer(code=code, state=request.state, issuer=self.issuer),
            redirect_uri=request.redirect_uri,
            response_mode=request.response_mode,
        )

    def begin(
        self,
        grant: Grant,
        connection: Connection,
        upstream_sid: object,
        *,
        previous: Session | None,
    ) -> tuple[BrowserCookie, ...]:
        """Store a finished login's grant, with a session beside it; return the browser's cookie.

        The cookie's value is new, whatever the browser came with: one that somebody planted or
        took before the login is worth nothing after it (OP-058).

        Args:
            grant: of this login; its `sid` is `sid_of`'s.
            connection: through which the person signed in.
            upstream_sid: the `sid` of the provider's ID token, if there is one.
            previous: the session that this browser had.
        """
        if grant.sid is None:
            self.grants.add(grant)
            return ()
        value, now = self.entropy.token(), grant.issued_at
        named = isinstance(upstream_sid, str) and 0 < len(upstream_sid) <= _MAX_SID
        upstream = (provider_session_key(connection, str(upstream_sid)),) if named else ()
        session = Session(
            key=session_key(value, issuer=self.issuer),
            sid=grant.sid,
            connection_id=connection.id,
            issuer=connection.issuer,
            subject=grant.subject,
            login=grant.login,
            profile=grant.profile,
            upstream=(person_key(grant.subject), *upstream),
            started_at=now,
            idle_until=now + self.idle_seconds,
            expires_at=now + self.seconds,
        )
        self.together(
            lambda: self.grants.add(grant),
            lambda: self._replace(previous, session, grant),
        )
        return (BrowserCookie(name=COOKIE, value=value, max_age=self.seconds),)

    def _replace(self, previous: Session | None, session: Session, grant: Grant) -> None:
        if previous is None:
            self.sessions.add(session, _given(grant))
            return
        self.together(
            lambda: self.sessions.add(session, _given(grant)),
            lambda: self.sessions.remove(previous.key),
        )

    def sid_of(
        self, previous: Session | None, connection: Connection, *, subject: str
    ) -> str | None:
        """Name the session of a login: as before where the same person signs in again."""
        if not self._are_kept():
            return None
        if previous is not None and (previous.connection_id, previous.subject) == (
            connection.id,
            subject,
        ):
            return previous.sid
        return self.entropy.token()

    def _are_kept(self) -> bool:
        return self.seconds > 0 and self.idle_seconds > 0


def _given(grant: Grant) -> SessionGrant:
    return SessionGrant(
        grant_id=grant.id,
        client_id=grant.client_id,
        subject=grant.subject,
    )
