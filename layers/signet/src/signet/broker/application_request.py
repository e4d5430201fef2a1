"""Read an application's authorization request: at /authorize and at /par by the same rules."""

from collections.abc import Mapping

from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.email_domain import domain_of
from signet.broker.ports import Connections
from signet.errors import Rejected
from signet.oauth.authorization_request import AuthorizationRequest
from signet.oauth.token_request import AUTHORIZATION_CODE


def read_request(
    parameters: Mapping[str, str], *, client: Client, redirect_uri: str
) -> AuthorizationRequest:
    """Check every parameter, and what this client may ask for.

    Raises:
        Rejected: redirectable.
    """
    request = AuthorizationRequest.parse(
        parameters, client_id=client.client_id, redirect_uri=redirect_uri
    )
    check_allowed(request, client)
    return request


def check_allowed(request: AuthorizationRequest, client: Client) -> None:
    """Hold a request against what the client may do now; what was pushed, once more.

    Raises:
        Rejected: `unauthorized_client` or `invalid_scope`, redirectable.
    """
    check_grant_type(client)
    check_scope(request, client)


def check_grant_type(client: Client) -> None:
    """The client registered for codes [RFC 6749 4.1.2.1]."""
    if AUTHORIZATION_CODE not in client.grant_types:
        raise Rejected(
            "unauthorized_client", "The application may not sign people in.", redirectable=True
        )


def check_scope(request: AuthorizationRequest, client: Client) -> None:
    """Every scope is one that the client registered [RFC 6749 3.3]."""
    if not set(request.scope) <= set(client.scopes):
        raise Rejected(
            "invalid_scope", "The application may not ask for this scope.", redirectable=True
        )


def choose_connection(
    connections: Connections, request: AuthorizationRequest, client: Client
) -> Connection | None:
    """Choose by name, by the client's only connection, or by the email domain; else None.

    Raises:
        Rejected: `invalid_request`, redirectable.
    """
    name = request.connection
    if name is None and client.connections is not None and len(client.connections) == 1:
        name = client.connections[0]
    if name is None:
        return _connection_of_domain(connections, request.login_hint, client)
    connection = connections.find(name) if client.allows(name) else None
    if connection is None or not connection.enabled:
        # Not allowed, not there and disabled read the same: names of customers do not leak.
        raise Rejected("invalid_request", "This connection is not available.", redirectable=True)
    return connection


def _connection_of_domain(
    connections: Connections, login_hint: str | None, client: Client
) -> Connection | None:
    domain = domain_of(login_hint) if login_hint is not None else None
    connection = connections.find_by_domain(domain) if domain is not None else None
    if connection is None or not connection.enabled or not client.allows(connection.name):
        return None
    return connection
