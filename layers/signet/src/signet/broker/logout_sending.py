"""Tell an application that a person is signed out [Back-Channel Logout 1.0, 2.4 to 2.8]."""

from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.current_keys import CurrentKeys
from signet.broker.keyring import ISSUER, missing
from signet.broker.ports import Audit, Clients, Clock, Entropy, Fetcher, Keyrings, LogoutNotice
from signet.broker.signature_event import signature_made
from signet.errors import Rejected, Unavailable
from signet.jose.jws import sign
from signet.oauth.http_message import HttpRequest
from signet.oidc.logout_token import TYP, build_logout_token_claims

_TAKEN = frozenset({200, 204})
_REFUSED = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLogout:
    """The use case behind the event `BackchannelLogoutRequested`."""

    issuer: str
    clients: Clients
    keyrings: Keyrings
    keys: CurrentKeys
    audit: Audit
    fetcher: Fetcher
    clock: Clock
    entropy: Entropy

    def __call__(self, notice: LogoutNotice) -> None:
        """Send one application a logout token that is made for this one attempt.

        An application that is gone, disabled or wants to hear nothing by now is told nothing.

        Raises:
            Rejected: `logout_refused`: the application does not take it, now or later.
            Unavailable: it may take it later.
        """
        client = self.clients.get(notice.client_id)
        if client is None or not client.enabled or client.backchannel_logout_uri is None:
            return
        request = HttpRequest(
            method="POST",
            url=client.backchannel_logout_uri,
            form={"logout_token": self._token(client, notice)},
            reads_body=False,
        )
        # Whoever cannot be asked is asked again by the event, like whoever answers anything else.
        answer = self.fetcher.fetch(request, bulkhead=f"client/{client.client_id}")
        if answer.status == _REFUSED:
            raise Rejected("logout_refused", "The application refused the logout token.")
        if answer.status not in _TAKEN:
            raise Unavailable(
                "logout_not_taken",
                "The application did not take the logout token.",
                private=f"{client.client_id} answered {answer.status}",
            )

    def _token(self, client: Client, notice: LogoutNotice) -> str:
        keyring = self.keyrings.get(ISSUER)
        if keyring is None:
            raise missing(ISSUER)
        jti, now = self.entropy.token(), self.clock.now()
        claims = build_logout_token_claims(
            issuer=self.issuer,
            client_id=client.client_id,
            subject=notice.subject,
            sid=notice.sid,
            jti=jti,
            now=now,
        )
        token = self.keys.sign(keyring, lambda key: sign(claims, key=key, typ=TYP)).value
        self.audit.record(
            signature_made(
                token,
                purpose="logout_token",
                time=now,
                actor=client.client_id,
                subject=ISSUER,
                jti=jti,
            )
        )
        return token.compact
