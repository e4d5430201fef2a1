"""Who may manage this deployment: holders of our own access tokens for its management API."""

from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.protected_resource import ProtectedResource, ResourceRequest
from signet.errors import Denied


def management_audience(issuer: str) -> str:
    """Return the audience of access tokens for the management API (contract, section 4)."""
    return f"{issuer}/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls the management API: a client that is enabled and has the scope now."""

    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementAccess:
    """Lets a caller in, or does not."""

    resource: ProtectedResource

    def __call__(
        self,
        authorization: str | None,
        *,
        scope: str,
        dpop: str | None = None,
        method: str = "GET",
        path: str = "",
    ) -> Principal:
        """Demand an access token for the management API that has a scope.

        What the token says was true when it was made; that the client is enabled and may still
        have the scope is looked up now. A proof is used up last: it lets one request in.

        Raises:
            Denied: `invalid_token` or `insufficient_scope`. Unavailable: a store is.
            Rejected: `invalid_dpop_proof` or `use_dpop_nonce`.
        """
        request = ResourceRequest(authorization=authorization, dpop=dpop, method=method, path=path)
        admitted = self.resource(
            request, audience=management_audience(self.resource.issuer), scope=scope
        )
        _check_registered(admitted.client, scope)
        self.resource.proofs.use_up(admitted.proof)
        return Principal(client_id=admitted.client.client_id)


def _check_registered(client: Client, scope: str) -> None:
    if scope not in client.scopes:
        raise Denied("insufficient_scope", "The token's scope does not allow this.")
