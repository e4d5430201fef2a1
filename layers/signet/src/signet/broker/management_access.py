"""Who may manage this deployment: bearers of our own access tokens for its management API."""

from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.own_access_token import verify_bearer
from signet.broker.ports import Clients, Clock, Keyrings
from signet.errors import Denied
from signet.oauth.access_token import AccessTokenPolicy, check_access_token, invalid_token


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

    issuer: str
    clients: Clients
    keyrings: Keyrings
    clock: Clock

    def __call__(self, authorization: str | None, *, scope: str) -> Principal:
        """Demand an access token for the management API that has a scope.

        What the token says was true when it was made; that the client is enabled and may still
        have the scope is looked up now.

        Raises:
            Denied: `invalid_token` or `insufficient_scope`. Unavailable: a store is.
        """
        verified = verify_bearer(authorization, self.keyrings)
        policy = AccessTokenPolicy(
            issuer=self.issuer,
            audience=management_audience(self.issuer),
            scope=scope,
            now=self.clock.now(),
        )
        check_access_token(verified, policy)
        client = self.clients.get(str(verified.claims.get("client_id", "")))
        if client is None or not client.enabled:
            raise invalid_token("the client is disabled or removed")
        _check_registered(client, scope)
        return Principal(client_id=client.client_id)


def _check_registered(client: Client, scope: str) -> None:
    if scope not in client.scopes:
        raise Denied("insufficient_scope", "The token's scope does not allow this.")
