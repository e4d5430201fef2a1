"""A client: one application, as an administrator registered it (contract, section 4)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.document import DISPLAYABLE, DocumentReader
from signet.errors import Rejected
from signet.jose.algorithms import ALGORITHMS
from signet.oauth.redirect_uri import check_registrable

ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
GRANT_TYPES = frozenset({"authorization_code", "client_credentials", "refresh_token"})
AUDIENCES = frozenset({"issuer", "token_endpoint_compat"})
OPENID_SCOPES = ("openid", "profile", "email", "phone", "address")
_URL = re.compile(r"https?://[\x21\x23-\x5b\x5d-\x7e]+")
MANAGEMENT_SCOPES = (
    "connections:read", "connections:write", "keys:read", "keys:rotate", "keys:revoke",
    "clients:read", "clients:write", "events:read",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What is stored of a client; exactly one of `jwks` and `jwks_uri` is there.

    `connections` is None where every connection is allowed; times are unix seconds.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    jwks: Mapping[str, object] | None
    jwks_uri: str | None
    assertion_alg: str
    id_token_alg: str
    connections: tuple[str, ...] | None
    assertion_audience: str
    enabled: bool
    created_at: int
    updated_at: int
    version: int = 1
    require_pushed_authorization_requests: bool = False
    request_object_signing_alg: str | None = None
    dpop_bound_access_tokens: bool = False
    dpop_nonce_required: bool = False
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False

    @classmethod
    def parse(
        cls, document: Mapping[str, object], *, client_id: str, allow_loopback: bool, now: int
    ) -> "Client":
        """Read what an administrator sent, filling in defaults.

        Raises:
            Rejected: `invalid_client_metadata` or `invalid_redirect_uri`, naming the member.
        """
        reader = DocumentReader(document, kind="client_metadata")
        jwks, jwks_uri = _keys(reader)
        client = cls(
            client_id=reader.text("client_id", default=client_id, pattern=ID),
            name=reader.text("name", pattern=DISPLAYABLE),
            redirect_uris=_uris(reader, "redirect_uris", allow_loopback=allow_loopback),
            post_logout_redirect_uris=_uris(
                reader, "post_logout_redirect_uris", allow_loopback=allow_loopback
            ),
            grant_types=reader.texts(
                "grant_types", default=("authorization_code",), allowed=GRANT_TYPES
            ),
            scopes=reader.texts(
                "scopes",
                default=OPENID_SCOPES,
                allowed=(*OPENID_SCOPES, "offline_access", *MANAGEMENT_SCOPES),
            ),
            jwks=jwks,
            jwks_uri=jwks_uri,
            assertion_alg=reader.choice(
                "token_endpoint_auth_signing_alg", ALGORITHMS, default="ES256"
            ),
            id_token_alg=reader.choice("id_token_signed_response_alg", {"RS256"}, default="RS256"),
            connections=_connections(reader),
            assertion_audience=reader.choice("assertion_audience", AUDIENCES, default="issuer"),
            enabled=reader.flag("enabled", default=True),
            require_pushed_authorization_requests=reader.flag(
                "require_pushed_authorization_requests", default=False
            ),
            request_object_signing_alg=_request_object_alg(reader),
            created_at=now,
            updated_at=now,
            dpop_bound_access_tokens=reader.flag("dpop_bound_access_tokens", default=False),
            dpop_nonce_required=reader.flag("dpop_nonce_required", default=False),
            backchannel_logout_uri=_backchannel_logout_uri(reader, allow_loopback=allow_loopback),
            backchannel_logout_session_required=reader.flag(
                "backchannel_logout_session_required", default=False
            ),
        )
        reader.choice("token_endpoint_auth_method", {"private_key_jwt"}, default="private_key_jwt")
        reader.refuse_unknown()
        if "authorization_code" in client.grant_types and not client.redirect_uris:
            raise reader.refused("redirect_uris", "hold at least one URI")
        return client

    def allows(self, connection_name: str) -> bool:
        """Tell whether logins of this client may use a connection."""
        return self.connections is None or connection_name in self.connections


def _request_object_alg(reader: DocumentReader) -> str | None:
    name = "request_object_signing_alg"
    return None if reader.take(name) is None else reader.choice(name, ALGORITHMS)


def _keys(reader: DocumentReader) -> tuple[Mapping[str, object] | None, str | None]:
    jwks, jwks_uri = reader.take("jwks"), reader.take("jwks_uri")
    if (jwks is None) == (jwks_uri is None):
        raise reader.refused("jwks", "be given, or jwks_uri, and not both")
    if jwks_uri is not None:
        return None, reader.text("jwks_uri", pattern=_URL)
    if not isinstance(jwks, dict):
        raise reader.refused("jwks", "be a JWK Set")
    # Imported here: only registration checks keys, and this costs cryptography's import.
    from signet.jose.jwks import Jwks  # noqa: PLC0415

    try:
        Jwks.parse_registered(jwks)
    except Rejected as error:
        raise Rejected("invalid_client_metadata", f"jwks: {error.public}") from error
    return jwks, None


def _uris(reader: DocumentReader, name: str, *, allow_loopback: bool) -> tuple[str, ...]:
    return tuple(
        check_registrable(uri, allow_loopback=allow_loopback) for uri in reader.texts(name)
    )


def _backchannel_logout_uri(reader: DocumentReader, *, allow_loopback: bool) -> str | None:
    """Read the one address that we call: held to the rules of those that browsers are sent to."""
    if reader.take("backchannel_logout_uri") is None:
        return None
    uri = reader.text("backchannel_logout_uri", pattern=_URL)
    return check_registrable(uri, allow_loopback=allow_loopback)


def _connections(reader: DocumentReader) -> tuple[str, ...] | None:
    if reader.take("connections") in (None, "*"):
        return None
    return reader.texts("connections")
