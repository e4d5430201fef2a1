"""Randomness from the operating system."""

import base64
import secrets


class SystemEntropy:
    """Unpredictable values; read at every call, so a restored snapshot repeats nothing."""

    def token(self) -> str:
        """Return 256 random bits in base64url: 43 characters."""
        return secrets.token_urlsafe(32)

    def identifier(self) -> str:
        """Return 128 random bits in lower-case base32: 26 characters."""
        return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()
