"""End sessions: no browser can use them, nothing of theirs can be refreshed, and apps are told."""

from collections.abc import Iterable
from dataclasses import dataclass

from signet.broker.ports import Clients, Grants, LogoutNotice, LogoutNotices, Sessions
from signet.broker.session import SessionGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessions:
    """What every way of signing out has in common."""

    sessions: Sessions
    grants: Grants
    clients: Clients
    notices: LogoutNotices

    def __call__(self, sids: Iterable[str]) -> None:
        """End sessions by their `sid`; may be called again, and does the rest then.

        Refresh tokens end too, though `offline_access` would let them go on [Back-Channel 2.7]: who
        signs somebody out of an organisation's applications means all of them, and at once.

        Raises:
            Unavailable: something of it is not ended.
        """
        for sid in sorted(sids):
            given = self.sessions.end(sid)
            for grant in given:
                self.grants.revoke(grant.grant_id)
            self.notices.request(*self._notices(sid, given))

    def _notices(self, sid: str, given: tuple[SessionGrant, ...]) -> list[LogoutNotice]:
        """Write one notice for each application that wants to be told [Back-Channel 2.1]."""
        subjects = {grant.client_id: grant.subject for grant in given}
        clients = {name: self.clients.get(name) for name in sorted(subjects)}
        return [
            LogoutNotice(client_id=name, subject=subjects[name], sid=sid)
            for name, client in clients.items()
            if client is not None and client.enabled and client.backchannel_logout_uri is not None
        ]
