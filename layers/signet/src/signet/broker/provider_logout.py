"""Sign people out because their provider says so [Back-Channel Logout 1.0, 2.5 to 2.8]."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.connection import Connection
from signet.broker.connection_id import is_connection_id
from signet.broker.identity import subject_at
from signet.broker.ports import Clock, Connections, Replay, Sessions
from signet.broker.provider import Provider
from signet.broker.record_key import record_key
from signet.broker.session import person_key, provider_session_key
from signet.broker.session_end import EndSessions
from signet.errors import Denied, Rejected
from signet.oidc.logout_token import (
    MAX_TOKEN,
    CheckedLogout,
    LogoutTokenPolicy,
    check_logout_token,
    invalid_logout,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLogout:
    """The use case behind /connections/{id}/backchannel-logout."""

    connections: Connections
    provider: Provider
    replay: Replay
    sessions: Sessions
    end: EndSessions
    clock: Clock

    def __call__(self, connection_id: str, parameters: Mapping[str, str]) -> None:
        """Verify the logout token, use it up, and end every session that it means.

        A disabled connection's provider is heard too: to end a session is never too much. The
        `jti` is used up after every check, so that nobody but the provider can use one up.

        Raises:
            Rejected: the one answer to everything that does not hold.
            Unavailable: a store is, or the provider's keys are: the provider may send another one.
        """
        connection = (
            self.connections.get(connection_id) if is_connection_id(connection_id) else None
        )
        if connection is None:
            raise invalid_logout("there is no such connection")
        checked = self._checked(connection, parameters.get("logout_token"))
        key = record_key("LOGOUT_JTI", connection.id, connection.issuer, checked.jti)
        if not self.replay.use(key, expires_at=checked.replay_until):
            raise invalid_logout("the logout token was used before")
        self.end(self._meant(connection, checked))

    def _checked(self, connection: Connection, token: str | None) -> CheckedLogout:
        if token is None or len(token) > MAX_TOKEN:
            raise invalid_logout("there is no logout token of a sensible length")
        try:
            verified = self.provider.verify_logout_token(connection, token)
        except (Denied, Rejected) as error:
            raise invalid_logout(f"logout token: {error.private or error.code}") from error
        policy = LogoutTokenPolicy(
            issuer=connection.issuer, client_id=connection.client_id, now=self.clock.now()
        )
        return check_logout_token(verified, policy)

    def _meant(self, connection: Connection, checked: CheckedLogout) -> frozenset[str]:
        """Find the sessions: of the person, of the provider's session, or of both at once."""
        names = []
        if checked.subject is not None:
            subject = subject_at(connection, checked.subject)
            names.append(person_key(subject))
        if checked.sid is not None:
            names.append(provider_session_key(connection, checked.sid))
        return frozenset.intersection(*map(self.sessions.named, names))
