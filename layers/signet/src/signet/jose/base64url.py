"""Base64url without padding, strictly [RFC 4648 5; RFC 7515 2].

Python's decoder skips characters that it does not know and forgives stray bits at the end: two
texts would then be one signature.
"""

import base64
import binascii
import re

from signet.errors import Rejected

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def encode(data: bytes) -> str:
    """Write bytes without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Read the one canonical form of some bytes.

    Raises:
        Rejected: `invalid_base64url`.
    """
    if not _ALPHABET.fullmatch(text):
        raise _refused()
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise _refused() from error
    if encode(data) != text:
        raise _refused()
    return data


def _refused() -> Rejected:
    return Rejected("invalid_base64url", "This is not base64url.")
