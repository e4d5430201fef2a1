"""A connection as the management API shows it and as administrators write it (contract, 4)."""

from collections.abc import Mapping
from dataclasses import asdict

from signet.broker import pinning
from signet.broker.connection import Connection
from signet.broker.resource_version import etag, rfc3339

READ_ONLY = (
    "id", "redirect_uri", "jwks_uri", "endpoints", "created_at", "updated_at", "etag",
)  # fmt: skip
"""What Signet alone decides: refused, by name, in whatever an administrator sends."""


def connection_document(connection: Connection, *, issuer: str) -> dict[str, object]:
    """Write a whole connection; `issuer` is Signet's own."""
    return {
        "id": connection.id,
        **settable_members(connection),
        "redirect_uri": connection.redirect_uri(issuer),
        "jwks_uri": connection.jwks_uri(issuer),
        "endpoints": pinning.shown(connection.endpoints),
        "created_at": rfc3339(connection.created_at),
        "updated_at": rfc3339(connection.updated_at),
        "etag": connection_etag(connection),
    }


def settable_members(connection: Connection) -> dict[str, object]:
    """Write what administrators set: `Connection.parse` reads the same connection out of it."""
    return {
        "name": connection.name,
        "display_name": connection.display_name,
        "strategy": connection.strategy,
        "issuer": connection.issuer,
        "client_id": connection.client_id,
        "enabled": connection.enabled,
        "scopes": list(connection.scopes),
        "domains": list(connection.domains),
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": connection.signing_alg,
        "assertion": _assertion(connection),
        "key_registration": connection.key_registration,
        "id_token_signed_response_alg": connection.id_token_alg,
        "claims_map": dict(connection.claims_map),
        "upstream_params": dict(connection.upstream_params),
        "request_headers": dict(connection.request_headers),
        "pushed_authorization": connection.pushed_authorization,
        "response_mode": connection.response_mode,
        "upstream_logout": connection.upstream_logout,
    }


def connection_etag(connection: Connection) -> str:
    """Return a connection's entity-tag."""
    return etag(created_at=connection.created_at, version=connection.version)


def _assertion(connection: Connection) -> Mapping[str, object]:
    members = asdict(connection.assertion)
    return {**members, "key_headers": list(connection.assertion.key_headers)}
