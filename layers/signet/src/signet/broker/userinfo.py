"""Answer /userinfo for an access token of ours [OIDC Core 5.3]."""

from dataclasses import dataclass

from signet.broker.grant import Grant
from signet.broker.identity import released
from signet.broker.ports import Connections, Grants, Together
from signet.broker.protected_resource import ProtectedResource, ResourceRequest
from signet.oauth.access_token import invalid_token


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadUserinfo:
    """The use case behind /userinfo."""

    resource: ProtectedResource
    connections: Connections
    grants: Grants
    together: Together

    def __call__(
        self, authorization: str | None, *, dpop: str | None = None, method: str = "GET"
    ) -> dict[str, object]:
        """Return the claims that the token's scopes give.

        A proof is used up beside the read of the grant, so that it costs no wait.

        Raises:
            Denied: `invalid_token` or `insufficient_scope`. Unavailable: a store is.
            Rejected: `invalid_dpop_proof` or `use_dpop_nonce`.
        """
        request = ResourceRequest(
            authorization=authorization, dpop=dpop, method=method, path="/userinfo"
        )
        admitted = self.resource(request, audience=self.resource.issuer, scope="openid")
        grant_id = str(admitted.token.claims.get("grant_id", ""))
        _, found = self.together(
            lambda: self.resource.proofs.use_up(admitted.proof), lambda: self.grants.get(grant_id)
        )
        grant = self._live_grant(found)
        claims = released(grant.profile, grant.scope, asked=grant.userinfo_claims)
        return {**claims, "sub": grant.subject}

    def _live_grant(self, grant: Grant | None) -> Grant:
        """Disabled means disabled: the grant and its connection have to be alive.

        Its client was looked up before, as the token's own.
        """
        if grant is None or grant.revoked or grant.redeemed_by is None:
            raise invalid_token("the grant was ended")
        connection = self.connections.get(grant.connection_id)
        if connection is None or not connection.enabled:
            raise invalid_token("the connection is disabled")
        return grant
