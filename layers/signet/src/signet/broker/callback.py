"""Finish a login: from the provider's answer to a code for the application.

Warm, three waits in sequence: use the login record up beside KMS's signature, ask the provider's
token endpoint, store our own code. Each further one (userinfo, keys that are not in memory) is
there because a provider leaves no choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker import login_record
from signet.broker.attempt import attempt, required
from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.connection_id import is_connection_id
from signet.broker.front_channel import (
    BrowserCookie,
    Redirection,
    answer_redirection,
    error_redirection,
    require_client,
    require_redirect_uri,
)
from signet.broker.identity import login_facts, map_claims, subject_of
from signet.broker.issued_code import issued_grant
from signet.broker.login_record import LoginRecord
from signet.broker.ports import (
    Clients,
    Clock,
    Connections,
    Entropy,
    Logins,
    PushedRequests,
    Together,
)
from signet.broker.provider import Authentication
from signet.broker.pushed_request import used_meanwhile
from signet.broker.requested_login import FinishedLogin, check_requested
from signet.broker.session import Session
from signet.broker.single_sign_on import SingleSignOn
from signet.broker.user_authentication import (
    AuthenticatedUser,
    ProviderAnswer,
    UserAuthentication,
)
from signet.errors import Denied, Rejected, SignetError
from signet.oauth.authorization_response import read_state, success_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishLogin:
    """The use case behind /connections/{id}/callback; `code_ttl` in seconds."""

    issuer: str
    code_ttl: int
    connections: Connections
    clients: Clients
    logins: Logins
    pushed_requests: PushedRequests
    users: UserAuthentication
    sign_on: SingleSignOn
    clock: Clock
    entropy: Entropy
    together: Together

    def __call__(
        self, connection_id: str, parameters: Mapping[str, str], cookies: Mapping[str, str]
    ) -> Redirection:
        """Use the login record up, and go on only with the login that this browser began.

        Raises:
            Rejected: there is no such login, or it is not this browser's or this connection's;
                nothing may be redirected.
        """
        state = read_state(parameters)
        cookie = BrowserCookie(name=login_record.cookie_name(state), value="", max_age=0)
        browser = cookies.get(cookie.name)
        connection = (
            self.connections.get(connection_id) if is_connection_id(connection_id) else None
        )
        answer = attempt(lambda: self.users.read_answer(_enabled(connection), parameters))
        (taken, previous), authentication = self.together(
            lambda: self._take(state, cookies),
            lambda: attempt(lambda: self._sign(required(answer), browser)),
        )
        try:
            record = self._check_record(required(taken), connection_id, connection, browser)
            client = require_client(self.clients.get(record.request.client_id))
            redirect_uri = require_redirect_uri(client, record.request.redirect_uri)
            earlier = required(previous)
        except SignetError:
            self._leave_unused(authentication)
            raise
        try:
            answered, session = self._finish(
                record, client, required(answer), required(authentication), previous=earlier
            )
        except SignetError as problem:
            return error_redirection(
                problem,
                redirect_uri=redirect_uri,
                state=record.request.state,
                issuer=self.issuer,
                response_mode=record.request.response_mode,
                cookies=(cookie,),
            )
        return answer_redirection(
            answered,
            redirect_uri=redirect_uri,
            response_mode=record.request.response_mode,
            cookies=(cookie, *session),
        )

    def _take(
        self, state: str, cookies: Mapping[str, str]
    ) -> tuple[LoginRecord | SignetError | None, Session | SignetError | None]:
        """Use the record up, beside a look at the browser's earlier session, if it has one."""
        return self.together(
            lambda: attempt(lambda: self.logins.take(state)),
            lambda: attempt(lambda: self.sign_on.find(cookies)),
        )

    def _sign(self, answer: ProviderAnswer, browser: str | None) -> Authentication:
        """Sign the assertion while the record is being used up, unless no login can follow."""
        if browser is None:
            raise Rejected("wrong_browser", "This sign-in was started in another browser.")
        return self.users.authentication(answer)

    def _leave_unused(self, authentication: Authentication | SignetError) -> None:
        """Every signature is in the audit, also one that was made for nothing."""
        if isinstance(authentication, Authentication):
            self.users.leave_unused(authentication)

    def _check_record(
        self,
        record: LoginRecord | None,
        connection_id: str,
        connection: Connection | None,
        browser: str | None,
    ) -> LoginRecord:
        """The record is spent by now, whichever of these rules fails."""
        if record is None:
            raise Rejected(
                "unknown_login",
                "This sign-in was already used, or is not known. Please start again from the "
                "application.",
            )
        login_record.check_browser(record, browser=browser)
        login_record.check_expiry(record, now=self.clock.now())
        login_record.check_connection(
            record,
            connection_id=connection_id,
            issuer=connection.issuer if connection is not None else record.issuer,
        )
        return record

    def _finish(
        self,
        record: LoginRecord,
        client: Client,
        answer: ProviderAnswer,
        authentication: Authentication,
        *,
        previous: Session | None,
    ) -> tuple[dict[str, str], tuple[BrowserCookie, ...]]:
        """Return what brings the application its code, and the cookies of the session."""
        if not client.allows(answer.connection.name):
            self._leave_unused(authentication)
            raise _not_available()
        user = self.users.authenticate(record, answer, authentication)
        finished = FinishedLogin(
            claims=user.id_token.claims,
            subject=subject_of(answer.connection, user.id_token),
            started_at=record.started_at,
        )
        check_requested(finished, record.request)
        code, cookies = self._issue_code(record, answer.connection, user, previous)
        return success_answer(code=code, state=record.request.state, issuer=self.issuer), cookies

    def _issue_code(
        self,
        record: LoginRecord,
        connection: Connection,
        user: AuthenticatedUser,
        previous: Session | None,
    ) -> tuple[str, tuple[BrowserCookie, ...]]:
        """Store a grant under the hash of a fresh one-time code, and the browser's session."""
        code, subject = self.entropy.token(), subject_of(connection, user.id_token)
        grant = issued_grant(
            code,
            record.request,
            connection,
            issuer=self.issuer,
            subject=subject,
            login=login_facts(connection, user.id_token.claims),
            profile=map_claims(connection, user.claims),
            sid=self.sign_on.sid_of(previous, connection, subject=subject),
            now=self.clock.now(),
            code_ttl=self.code_ttl,
        )
        sid = user.id_token.claims.get("sid")
        first, cookies = self.together(
            lambda: self._use_up(record),
            lambda: self.sign_on.begin(grant, connection, sid, previous=previous),
        )
        if not first:
            raise used_meanwhile()  # nobody was told the code of that grant, or its session
        return code, cookies

    def _use_up(self, record: LoginRecord) -> bool:
        """Use the pushed request up: of all logins that began with it, one gets a code."""
        if record.pushed_request is None:
            return True
        return self.pushed_requests.use(record.pushed_request, login=record.state_hash)


def _enabled(connection: Connection | None) -> Connection:
    if connection is None or not connection.enabled:
        raise _not_available()
    return connection


def _not_available() -> Denied:
    return Denied("connection_disabled", "This connection is not available.")
