"""Proof Key for Code Exchange, S256 only [RFC 7636; RFC 9700 2.1.1]."""

import hashlib
import hmac
import re

from signet.errors import Rejected
from signet.jose import base64url

METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def challenge_of(verifier: str) -> str:
    """Compute BASE64URL(SHA256(verifier)) [RFC 7636 4.2]."""
    return base64url.encode(hashlib.sha256(verifier.encode("ascii")).digest())


def check_challenge(*, challenge: str | None, method: str | None) -> str:
    """Demand a well-formed S256 challenge in an authorization request [RFC 7636 4.3].

    An absent method would mean `plain`, so it is refused like `plain` itself.

    Raises:
        Rejected: `invalid_request`, redirectable.
    """
    if challenge is None:
        raise _refused("code_challenge is required.")
    if method != METHOD:
        raise _refused("code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise _refused("code_challenge is not a SHA-256 in base64url.")
    return challenge


def matches(*, verifier: str, challenge: str) -> bool:
    """Compare a verifier with the challenge of the authorization request [RFC 7636 4.6]."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(challenge_of(verifier).encode(), challenge.encode())


def _refused(public: str) -> Rejected:
    return Rejected("invalid_request", public, redirectable=True)
