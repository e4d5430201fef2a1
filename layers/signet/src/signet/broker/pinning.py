"""Hold a provider to the endpoints that an administrator agreed to (security rule 15).

Whoever takes a provider's metadata over could send codes and users elsewhere. So endpoints are
pinned when a connection is registered. Metadata may move within the origins that were pinned;
metadata that name another one are not followed, and the pinned endpoints are used on, until an
administrator agrees to the new ones.
"""

from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlsplit

from signet.broker.connection import PinnedEndpoints
from signet.broker.resource_version import rfc3339
from signet.oidc.discovery import ProviderMetadata

ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "pushed_authorization_request_endpoint",
)


def pin(metadata: ProviderMetadata, *, now: int) -> PinnedEndpoints:
    """Take a provider's endpoints as they are agreed to at `now`, unix seconds."""
    members = {name: getattr(metadata, name) for name in ENDPOINTS}
    return PinnedEndpoints(
        **members, iss_parameter_supported=metadata.iss_parameter_supported, pinned_at=now
    )


def held(pinned: PinnedEndpoints, *, issuer: str) -> ProviderMetadata:
    """Return the metadata that were agreed to."""
    members = {name: getattr(pinned, name) for name in ENDPOINTS}
    return ProviderMetadata(
        issuer=issuer, **members, iss_parameter_supported=pinned.iss_parameter_supported
    )


def moved(pinned: PinnedEndpoints, metadata: ProviderMetadata) -> tuple[str, ...]:
    """Name the endpoints that are at an origin which nobody agreed to.

    An endpoint that the pinned metadata do not have counts by the origins of the others. A promise
    of `iss` that is gone is a change, too: mix-up defence would go with it [RFC 9207 2.4].
    """
    agreed = {_origin(url) for name in ENDPOINTS if (url := getattr(pinned, name)) is not None}
    names = [
        name
        for name in ENDPOINTS
        if (url := getattr(metadata, name)) is not None and _origin(url) not in agreed
    ]
    if pinned.iss_parameter_supported and not metadata.iss_parameter_supported:
        names.append("authorization_response_iss_parameter_supported")
    return tuple(names)


def is_agreed(url: str, pinned: PinnedEndpoints | None, metadata: ProviderMetadata) -> bool:
    """Tell whether a further endpoint is at an origin of those that the provider is held to."""
    source = metadata if pinned is None else pinned
    agreed = {_origin(one) for name in ENDPOINTS if (one := getattr(source, name)) is not None}
    return _origin(url) in agreed


def shown(pinned: PinnedEndpoints | None) -> Mapping[str, object] | None:
    """Write pinned endpoints for administrators."""
    if pinned is None:
        return None
    return {**asdict(pinned), "pinned_at": rfc3339(pinned.pinned_at)}


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default
