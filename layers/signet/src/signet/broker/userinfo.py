"""Answer /userinfo for an access token of ours [OIDC Core 5.3]."""

from dataclasses import dataclass

from signet.broker.grant import Grant
from signet.broker.identity import released
from signet.broker.live_grant import why_ended
from signet.broker.own_access_token import verify_bearer
from signet.broker.ports import Clients, Clock, Connections, Grants, Keyrings
from signet.jose.jws import SignedClaims
from signet.oauth.access_token import AccessTokenPolicy, check_access_token, invalid_token


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadUserinfo:
    """The use case behind /userinfo."""

    issuer: str
    connections: Connections
    clients: Clients
    keyrings: Keyrings
    grants: Grants
    clock: Clock

    def __call__(self, authorization: str | None) -> dict[str, object]:
        """Return the claims that the token's scopes give.

        Raises:
            Denied: `invalid_token` or `insufficient_scope`. Unavailable: a store is.
        """
        verified = verify_bearer(authorization, self.keyrings)
        policy = AccessTokenPolicy(
            issuer=self.issuer, audience=self.issuer, scope="openid", now=self.clock.now()
        )
        check_access_token(verified, policy)
        grant = self._live_grant(verified)
        # A refresh may have narrowed the token's scope [RFC 6749 6].
        scope = [name for name in str(verified.claims["scope"]).split(" ") if name in grant.scope]
        return {**released(grant.profile, scope), "sub": grant.subject}

    def _live_grant(self, verified: SignedClaims) -> Grant:
        """Disabled means disabled: the grant, its client and its connection have to be alive."""
        grant = self.grants.get(str(verified.claims.get("grant_id", "")))
        if grant is None:
            raise invalid_token("there is no such grant")
        ended = why_ended(grant, clients=self.clients, connections=self.connections)
        if ended is not None:
            raise invalid_token(ended)
        return grant
