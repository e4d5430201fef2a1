"""A client as the management API shows it and as administrators write it (contract, 4)."""

from signet.broker.client import Client
from signet.broker.resource_version import etag, rfc3339

READ_ONLY = ("created_at", "updated_at", "etag")
"""What Signet alone decides; a change may not name `client_id` either."""


def client_document(client: Client) -> dict[str, object]:
    """Write a whole client."""
    return {
        **settable_members(client),
        "created_at": rfc3339(client.created_at),
        "updated_at": rfc3339(client.updated_at),
        "etag": client_etag(client),
    }


def settable_members(client: Client) -> dict[str, object]:
    """Write what administrators set: `Client.parse` reads the same client out of it."""
    keys: dict[str, object] = (
        {"jwks": dict(client.jwks)} if client.jwks is not None else {"jwks_uri": client.jwks_uri}
    )
    return {
        "client_id": client.client_id,
        "name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "grant_types": list(client.grant_types),
        "scopes": list(client.scopes),
        **keys,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": client.assertion_alg,
        "id_token_signed_response_alg": client.id_token_alg,
        "connections": "*" if client.connections is None else list(client.connections),
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "dpop_nonce_required": client.dpop_nonce_required,
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        "request_object_signing_alg": client.request_object_signing_alg,
        "assertion_audience": client.assertion_audience,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "backchannel_logout_session_required": client.backchannel_logout_session_required,
        "enabled": client.enabled,
    }


def client_etag(client: Client) -> str:
    """Return a client's entity-tag."""
    return etag(created_at=client.created_at, version=client.version)
