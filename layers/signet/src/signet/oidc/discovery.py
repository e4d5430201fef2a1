"""Provider metadata: read a provider's, write our own [OIDC Discovery 1.0; RFC 8414]."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from signet.errors import Misconfigured
from signet.jose.algorithms import PROOF_ALGORITHMS
from signet.oauth import pkce
from signet.oauth.authorization_request import RESPONSE_MODES

_WELL_KNOWN = "/.well-known/openid-configuration"
AUTH_METHOD = "private_key_jwt"
_MAX_URL = 2_048
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]+")


def discovery_url(issuer: str) -> str:
    """Return where a provider publishes its metadata [OIDC Discovery 4.1]."""
    return issuer.rstrip("/") + _WELL_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """A provider's metadata of which everything that a login needs was checked."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    pushed_authorization_request_endpoint: str | None
    iss_parameter_supported: bool
    claims_parameter_supported: bool = False
    end_session_endpoint: str | None = None

    @classmethod
    def read(cls, document: Mapping[str, object], *, issuer: str) -> "ProviderMetadata":
        """Check a discovery document for the connection's issuer [OIDC Discovery 4.3].

        Raises:
            Misconfigured: `provider_metadata`, with what is wrong.
        """
        if document.get("issuer") != issuer:
            # An exact comparison: a document of another issuer is how mix-up attacks begin.
            raise _wrong("the document's issuer is not the connection's issuer")
        _check_methods(document)
        return cls(
            issuer=issuer,
            authorization_endpoint=_url(document, "authorization_endpoint"),
            token_endpoint=_url(document, "token_endpoint"),
            jwks_uri=_url(document, "jwks_uri"),
            userinfo_endpoint=_optional_url(document, "userinfo_endpoint"),
            pushed_authorization_request_endpoint=_optional_url(
                document, "pushed_authorization_request_endpoint"
            ),
            iss_parameter_supported=(
                document.get("authorization_response_iss_parameter_supported") is True
            ),
            claims_parameter_supported=document.get("claims_parameter_supported") is True,
            end_session_endpoint=_usable_url(document, "end_session_endpoint"),
        )


def _check_methods(document: Mapping[str, object]) -> None:
    methods = document.get("code_challenge_methods_supported")
    # Entra does PKCE and does not say so: only a list without S256 is a refusal.
    if methods is not None and not (isinstance(methods, list) and pkce.METHOD in methods):
        raise _wrong("it lists PKCE methods and S256 is not among them")
    methods = document.get("token_endpoint_auth_methods_supported")
    if methods is not None and not (isinstance(methods, list) and AUTH_METHOD in methods):
        raise _wrong("it does not list private_key_jwt among its client authentication methods")


def _optional_url(document: Mapping[str, object], name: str) -> str | None:
    return None if document.get(name) is None else _url(document, name)


def _usable_url(document: Mapping[str, object], name: str) -> str | None:
    """Read an address that no login needs: one that cannot be used counts as absent."""
    try:
        return _optional_url(document, name)
    except Misconfigured:
        return None


def _url(document: Mapping[str, object], name: str) -> str:
    # Whether the address may be reached is the fetcher's rule. Here: a browser is only sent to
    # http(s), no line break gets into a header, no fragment [RFC 6749 3.1] swallows our query.
    value = document.get(name)
    if not isinstance(value, str) or len(value) > _MAX_URL or not _URL.fullmatch(value):
        raise _wrong(f"{name} is absent or not an address")
    try:
        urlsplit(value)
    except ValueError as error:
        raise _wrong(f"{name} cannot be read as an address") from error
    return value


def _wrong(reason: str) -> Misconfigured:
    return Misconfigured(
        "provider_metadata",
        "The identity provider's metadata cannot be used.",
        private=reason,
        redirectable=True,
    )


def issuer_metadata(
    issuer: str,
    *,
    id_token_algs: tuple[str, ...],
    assertion_algs: tuple[str, ...],
    sessions: bool = True,
) -> dict[str, object]:
    """Write our own metadata: what works, and nothing else [OIDC Discovery 3; RFC 8414 2].

    Where no `sessions` are kept, nobody is told when one ends.
    """
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "email", "phone", "address", "offline_access"],
        "id_token_signing_alg_values_supported": list(id_token_algs),
        **_client_authentication(assertion_algs),
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "code_challenge_methods_supported": [pkce.METHOD],
        "prompt_values_supported": ["none", "login", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        # Each client says for itself whether it has to [RFC 9126 6].
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": True,  # for clients that registered for it
        "request_object_signing_alg_values_supported": list(assertion_algs),
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": True,
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr",
            "sid", "connection", "name", "given_name", "family_name", "email", "email_verified",
        ],
        "end_session_endpoint": f"{issuer}/logout",
        "backchannel_logout_supported": sessions,
        "backchannel_logout_session_supported": sessions,
    }  # fmt: skip


def _client_authentication(algs: tuple[str, ...]) -> dict[str, object]:
    """Tell for each endpoint that clients authenticate at the one way to do it."""
    return {
        name: value
        for endpoint in ("token", "revocation", "introspection")
        for name, value in (
            (f"{endpoint}_endpoint_auth_methods_supported", [AUTH_METHOD]),
            (f"{endpoint}_endpoint_auth_signing_alg_values_supported", list(algs)),
        )
    }
