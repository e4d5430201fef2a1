"""JWK thumbprints [RFC 7638]."""

import hashlib
import json
from collections.abc import Mapping

from signet.jose import base64url

_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}


def thumbprint(members: Mapping[str, str]) -> str:
    """Hash the members that RFC 7638 3.2 requires, in lexicographic order, with SHA-256."""
    required = {name: members[name] for name in _REQUIRED[members["kty"]]}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return base64url.encode(hashlib.sha256(canonical.encode("utf-8")).digest())
