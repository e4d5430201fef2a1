"""A code for an application: the grant that is stored of it, for every way to a finished login."""

from collections.abc import Mapping

from signet.broker.connection import Connection
from signet.broker.grant import Grant, grant_id
from signet.oauth.authorization_request import AuthorizationRequest


def issued_grant(
    code: str,
    request: AuthorizationRequest,
    connection: Connection,
    *,
    issuer: str,
    subject: str,
    login: Mapping[str, object],
    profile: Mapping[str, object],
    sid: str | None,
    now: int,
    code_ttl: int,
) -> Grant:
    """Write the grant under the hash of a fresh one-time code [RFC 6749 4.1.2]."""
    return Grant(
        id=grant_id(code, issuer=issuer, client_id=request.client_id),
        client_id=request.client_id,
        connection_id=connection.id,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        scope=request.scope,
        subject=subject,
        login=login,
        profile=profile,
        id_token_claims=request.claims.id_token,
        userinfo_claims=request.claims.userinfo,
        issued_at=now,
        code_expires_at=now + code_ttl,
        dpop_jkt=request.dpop_jkt,
        sid=sid,
    )
