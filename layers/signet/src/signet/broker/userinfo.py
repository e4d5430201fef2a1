"""Answer /userinfo for an access token of ours [OIDC Core 5.3]."""

from dataclasses import dataclass

from signet.broker.grant import Grant
from signet.broker.identity import released
from signet.broker.live_grant import why_ended
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
        claims = admitted.token.claims
        _, found = self.together(
            lambda: self.resource.proofs.use_up(admitted.proof),
            lambda: self.grants.get(str(claims.get("grant_id", ""))),
        )
        grant = self._live_grant(found)
        # A refresh may have narrowed the token's scope [RFC 6749 6].
        scope = [name for name in str(claims["scope"]).split(" ") if name in grant.scope]
        profile = released(grant.profile, scope, asked=grant.userinfo_claims)
        return {**profile, "sub": grant.subject}

    def _live_grant(self, grant: Grant | None) -> Grant:
        """Disabled means disabled: the grant, its client and its connection have to be alive."""
        if grant is None:
            raise invalid_token("there is no such grant")
        ended = why_ended(grant, clients=self.resource.clients, connections=self.connections)
        if ended is not None:
            raise invalid_token(ended)
        return grant
