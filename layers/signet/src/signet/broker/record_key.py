"""Keys of one-time records: what a caller sends is only ever stored and looked up as a hash.

A key names the record's type, the issuer, the client and the value, so that no record of one kind
can be presented as another (CVE-2026-4282), no client can use up another's values, and no input
can exceed or break out of a table key.
"""

import hashlib
import json

from signet.jose import base64url


def record_key(kind: str, *parts: str) -> str:
    """Return `<kind>#<SHA-256 of the parts in base64url>`; the parts cannot run into each other."""
    encoded = json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return f"{kind}#{digest(encoded)}"


def digest(value: bytes) -> str:
    """Return SHA-256 in base64url."""
    return base64url.encode(hashlib.sha256(value).digest())
