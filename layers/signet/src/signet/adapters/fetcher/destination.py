"""Which addresses may be called at all: the rules on the text of a URL.

The text is checked before `urlsplit` sees it, because that drops tabs and newlines, takes a
backslash and several `@`, and reads `http:evil` in its own way.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from signet.oauth.http_message import DestinationRefused

MAX_URL = 2_048
MAX_AWS_URL = 8_192
"""Pre-signed addresses carry a session token."""
_URI_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# No user information, and no brackets: those of `[v1.idp.example]` would be taken off.
_AUTHORITY = re.compile(r"(?:\[::1\]|[A-Za-z0-9.-]+)(?::[0-9]*)?")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_LOOPBACK_V4 = re.compile(r"127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})")

INTERNAL_SUFFIXES = (
    "localhost", "local", "internal", "localdomain", "lan", "home", "corp", "intranet", "private",
    "home.arpa", "in-addr.arpa", "ip6.arpa", "onion", "test", "invalid", "alt",
)  # fmt: skip
AWS_SUFFIXES = (
    "amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws", "aws.dev", "amazonaws.eu",
    "awsapps.com", "cloudfront.net",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where one request goes: `host` a DNS name (or loopback, in the local stack)."""

    scheme: str
    host: str
    port: int
    target: str
    loopback: bool = False

    @property
    def authority(self) -> str:
        """Return what the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationPolicy:
    """What is refused beside the fixed rules; `allow_loopback` is the local stack's alone."""

    own_hosts: frozenset[str] = frozenset()
    refused_suffixes: tuple[str, ...] = AWS_SUFFIXES
    allow_loopback: bool = False
    longest: int = MAX_URL


def parse_destination(url: str, policy: DestinationPolicy) -> Destination:
    """Take a URL apart, if Signet may call it.

    https on port 443, a DNS name in ASCII, no user-info, no fragment; in the local stack http
    and any port too, for loopback and nothing else.

    Raises:
        DestinationRefused: with the reason in the private text alone.
    """
    _check_text(url, policy)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise DestinationRefused("the URL cannot be read") from error
    if not _AUTHORITY.fullmatch(parts.netloc):
        raise DestinationRefused("more than a host and a port, or a literal")
    host = (parts.hostname or "").lower()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if policy.allow_loopback and _is_loopback(host):
        default = 443 if parts.scheme == "https" else 80
        return Destination(
            scheme=parts.scheme, host=host, port=port or default, target=target, loopback=True
        )
    if parts.scheme != "https":
        raise DestinationRefused("not https")
    if port not in {None, 443}:
        raise DestinationRefused("a port that is not 443")
    _check_host(host, policy)
    return Destination(scheme="https", host=host, port=443, target=target)


def _check_text(url: str, policy: DestinationPolicy) -> None:
    if len(url) > policy.longest or not _URI_CHARACTERS.fullmatch(url):
        raise DestinationRefused("characters that no address needs, or too many")
    if _BROKEN_ESCAPE.search(url):
        raise DestinationRefused("a broken percent escape")
    if not url.startswith(("https://", "http://")):
        raise DestinationRefused("a scheme that is not https, in lower case, with an authority")


def _is_loopback(host: str) -> bool:
    match = _LOOPBACK_V4.fullmatch(host)
    return host in _LOOPBACK_HOSTS or (
        match is not None and all(int(part) < 256 for part in match.groups())  # noqa: PLR2004
    )


def _check_host(host: str, policy: DestinationPolicy) -> None:
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):  # noqa: PLR2004
        raise DestinationRefused("the host is not a DNS name with a dot")
    if not re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", labels[-1]):
        # 127.1, 0x7f.1 and other spellings of numbers end in a label that no top level has.
        raise DestinationRefused("the host is a number")
    if _within(host, INTERNAL_SUFFIXES):
        raise DestinationRefused("an internal name")
    if _within(host, policy.refused_suffixes):
        raise DestinationRefused("an API domain of the platform")
    if host in policy.own_hosts:
        raise DestinationRefused("our own host")


def _within(host: str, suffixes: tuple[str, ...]) -> bool:
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)
