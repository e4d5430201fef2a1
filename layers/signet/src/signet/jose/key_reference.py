"""Header parameters that tell a verifier which key signed [RFC 7515 4.1.4 to 4.1.8]."""

import base64
import hashlib
from collections.abc import Sequence

from signet.errors import Misconfigured
from signet.jose import base64url

NAMES = frozenset({"kid", "x5t", "x5t#S256", "x5c"})


def key_reference(
    names: Sequence[str], *, kid: str, certificate: bytes | None
) -> dict[str, object]:
    """Write the named parameters for a key; `certificate` is in DER.

    Raises:
        Misconfigured: `certificate_missing`: a parameter needs one.
    """
    found: dict[str, object] = {}
    for name in names:
        if name == "kid":
            found[name] = kid
        elif certificate is None:
            raise Misconfigured(
                "certificate_missing",
                "This connection cannot sign now.",
                private=f"{name} needs a certificate, and the key has none",
                redirectable=True,
            )
        else:
            found[name] = _of_certificate(name, certificate)
    return found


def _of_certificate(name: str, certificate: bytes) -> object:
    if name == "x5c":
        return [base64.b64encode(certificate).decode("ascii")]
    if name == "x5t#S256":
        return base64url.encode(hashlib.sha256(certificate).digest())
    # A name to find the certificate by; nothing is secured by it.
    return base64url.encode(hashlib.sha1(certificate, usedforsecurity=False).digest())
