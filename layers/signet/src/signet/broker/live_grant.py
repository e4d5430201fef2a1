"""Disabled means disabled: whether what a login gave is still worth anything."""

from signet.broker.grant import Grant
from signet.broker.ports import Clients, Connections


def why_ended(grant: Grant, *, clients: Clients, connections: Connections) -> str | None:
    """Say why a grant is worth nothing any more, for the log; None if it lives.

    Its code was redeemed, nothing revoked it, and its client and its connection are there and
    enabled (OP-045).
    """
    if grant.revoked or grant.redeemed_by is None:
        return "the grant was ended"
    client = clients.get(grant.client_id)
    connection = connections.get(grant.connection_id)
    if client is None or not client.enabled or connection is None or not connection.enabled:
        return "the client or the connection is disabled"
    if not client.allows(connection.name):
        return "the client may not use the connection any more"
    return None
