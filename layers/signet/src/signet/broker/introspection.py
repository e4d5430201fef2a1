"""Tell a client at /introspect whether a token of its own is good, and for what [RFC 7662].

No client learns anything of another client's tokens: users' access tokens are for Signet's own
/userinfo, so that there is no resource server to tell (CVE-2026-37979; OP-051).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.attempt import attempt, required
from signet.broker.client_authentication import ClientAuthentication
from signet.broker.grant import Grant, RefreshFamily
from signet.broker.live_grant import why_ended
from signet.broker.ports import Clients, Clock, Connections, Together
from signet.broker.presented_token import Presented, PresentedTokens, required_token
from signet.broker.refresh_token import RefreshToken, check_token
from signet.errors import Rejected

INACTIVE: Mapping[str, object] = {"active": False}
_SHOWN = ("iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti", "auth_time", "cnf")
"""The claims of an access token that are told, `cnf` where the token is bound to a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrospectToken:
    """The use case behind /introspect."""

    issuer: str
    authentication: ClientAuthentication
    presented: PresentedTokens
    clients: Clients
    connections: Connections
    clock: Clock
    together: Together

    def __call__(
        self, parameters: Mapping[str, str], *, authorization: str | None
    ) -> Mapping[str, object]:
        """Authenticate the client, and describe its token; `active` false alone for all else.

        Raises:
            Denied: `invalid_client`. Rejected: `invalid_request`. Unavailable: a store is.
        """
        verified = self.authentication.verify(
            parameters, authorization=authorization, endpoint=f"{self.issuer}/introspect"
        )
        client_id = verified.client.client_id
        _, found = self.together(
            lambda: self.authentication.use_up(verified),
            lambda: attempt(lambda: self._find(parameters, client_id)),
        )
        presented = required(found)
        if presented is None or not self._is_alive(presented.grant):
            return INACTIVE
        if presented.grant is not None and presented.refresh is not None:
            return self._refresh_token(presented.grant, presented.refresh)
        claims = presented.claims
        shown = {name: claims[name] for name in _SHOWN if name in claims}
        return {"active": True, "token_type": "DPoP" if "cnf" in claims else "Bearer", **shown}

    def _find(self, parameters: Mapping[str, str], client_id: str) -> Presented | None:
        token = required_token(parameters)
        return self.presented.find(token, client_id=client_id, now=self.clock.now())

    def _is_alive(self, grant: Grant | None) -> bool:
        return grant is None or (
            why_ended(grant, clients=self.clients, connections=self.connections) is None
        )

    def _refresh_token(self, grant: Grant, token: RefreshToken) -> Mapping[str, object]:
        """Describe the present token of a family; to ask about an older one ends nothing."""
        family = grant.refresh
        if family is None or not _holds(family, token, now=self.clock.now()):
            return INACTIVE
        return {
            "active": True,
            "iss": self.issuer,
            "sub": grant.subject,
            "client_id": grant.client_id,
            "scope": " ".join(grant.scope),
            "exp": min(family.expires_at, family.idle_until),
        }


def _holds(family: RefreshFamily, token: RefreshToken, *, now: int) -> bool:
    try:
        check_token(family, token, now=now)
    except Rejected:
        return False
    return True
