"""A keyring: the keys of one connection, or of the issuer, as one versioned record.

The JWKS and the choice of the signing key derive from this record alone, so that what is
published and what signs can never disagree; KMS is not asked when a JWKS is served.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from signet.errors import Misconfigured

ISSUER = "issuer"
"""The owner of the keyring whose keys sign Signet's own tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    """One key of a keyring.

    `key_id` is KMS's; `jwk` the public members as they are published, `kid` their RFC 7638
    thumbprint; times are unix seconds. `certificate` is DER in base64, signed by this key.
    """

    kid: str
    key_id: str
    alg: str
    jwk: Mapping[str, str]
    created_at: int
    published_at: int
    certificate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """All keys that a verifier may need; `current` signs. `version` grows with every write.

    `deleted_at` (unix seconds) is when the owner was removed; nothing signs from then on.
    """

    owner: str
    version: int
    current: PublishedKey
    next: PublishedKey | None = None
    previous: PublishedKey | None = None
    deleted_at: int | None = None

    def published(self) -> tuple[PublishedKey, ...]:
        """Return next, current and previous, as far as they are there."""
        return tuple(key for key in (self.next, self.current, self.previous) if key is not None)

    def jwks(self) -> bytes:
        """Return the JWK Set document [RFC 7517 5], the same bytes for the same record."""
        keys = [dict(key.jwk) for key in self.published()]
        return json.dumps({"keys": keys}, separators=(",", ":"), sort_keys=True).encode("ascii")


def missing(owner: str) -> Misconfigured:
    """Make the error of a keyring that is not there: nothing else may sign in its place."""
    return Misconfigured(
        "keyring_missing",
        "This deployment is not complete.",
        private=f"there is no keyring of {owner}",
        redirectable=True,
    )
