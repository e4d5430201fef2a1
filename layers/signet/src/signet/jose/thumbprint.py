"""JWK thumbprints [RFC 7638]."""

import hashlib
import json
import re
from collections.abc import Mapping

from signet.jose import base64url

_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


def thumbprint(members: Mapping[str, str]) -> str:
    """Hash the members that RFC 7638 3.2 requires, in lexicographic order, with SHA-256."""
    required = {name: members[name] for name in _REQUIRED[members["kty"]]}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return base64url.encode(hashlib.sha256(canonical.encode("utf-8")).digest())


def is_thumbprint(value: str) -> bool:
    """Tell whether a text can be a thumbprint: SHA-256 in base64url."""
    return _THUMBPRINT.fullmatch(value) is not None
