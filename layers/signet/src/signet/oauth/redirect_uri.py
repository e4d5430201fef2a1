"""Which redirect URIs may be registered, and the one comparison that is ever made [RFC 9700 4.1].

A registered URI is compared as a string, byte for byte; so the only place where a URI is taken
apart is registration, and what has two readings never gets in.
"""

import re
from urllib.parse import urlsplit

from signet.errors import Rejected

MAX_LENGTH = 2_048
_URI_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()+,;=%\[\]]+")
_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})


def check_registrable(uri: str, *, allow_loopback: bool) -> str:
    """Accept a redirect URI for registration, or say why not.

    https with a DNS name; no fragment, user-info, wildcard, dot segment or backslash. Plain http
    and loopback hosts only where `allow_loopback` (the local stack) says so.

    Raises:
        Rejected: `invalid_redirect_uri` [RFC 7591 3.2.2].
    """
    if len(uri) > MAX_LENGTH or not _URI_CHARACTERS.fullmatch(uri):
        raise _refused("has characters that no redirect URI needs ('*', '#', '\\', spaces, …)")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise _refused("cannot be read as a URI") from error
    if "@" in parts.netloc:
        raise _refused("has user information in it")
    host = parts.netloc.removesuffix(f":{port}") if port is not None else parts.netloc
    if allow_loopback and parts.scheme in {"http", "https"} and host in _LOOPBACK:
        return uri
    if parts.scheme != "https":
        raise _refused("is not https")
    if not _is_dns_name(host):
        raise _refused("does not name a host by its DNS name, in lower case")
    if _has_dot_segment(parts.path):
        raise _refused("has a dot segment in its path")
    return uri


def _is_dns_name(host: str) -> bool:
    labels = host.split(".")
    return (
        len(labels) > 1
        and all(_HOST_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def _has_dot_segment(path: str) -> bool:
    decoded = re.sub("%2e", ".", path, flags=re.IGNORECASE)
    return any(segment in {".", ".."} for segment in re.split(r"/|%2[fF]", decoded))


def _refused(reason: str) -> Rejected:
    return Rejected("invalid_redirect_uri", f"A redirect URI {reason}.")
