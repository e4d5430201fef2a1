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

STEADY = "steady"
ANNOUNCED = "announced"
HELD = "held"
OVERLAP = "overlap"
"""The phases of a rotation: one key; a next one beside it; a next one that the provider did not
accept when it was asked; a previous one beside it."""
ACCEPTED = "accepted"
"""What a probe says when the provider knows the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a provider said of a key that does not sign yet; `at` is unix seconds.

    `result` is `accepted`, `refused`, `unknown` (it answered, and did not look at the key) or
    `unreachable`.
    """

    result: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    """One key of a keyring.

    `key_id` is KMS's; `jwk` the public members as they are published, `kid` their RFC 7638
    thumbprint; times are unix seconds. `certificate` is DER in base64, signed by this key.
    `approved_at` is an administrator's word that the provider knows the key; `refusals` counts
    logins that the provider refused with it since it took over; `refused_at` is the last one's.
    """

    kid: str
    key_id: str
    alg: str
    jwk: Mapping[str, str]
    created_at: int
    published_at: int
    certificate: str | None = None
    activated_at: int | None = None
    retired_at: int | None = None
    probe: Probe | None = None
    approved_at: int | None = None
    rolled_back_at: int | None = None
    refusals: int = 0
    refused_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerKey:
    """A key that was published, and never is again; `left_at` is when it left the JWKS."""

    kid: str
    key_id: str
    alg: str
    created_at: int
    published_at: int
    activated_at: int | None
    left_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """All keys that a verifier may need; `current` signs. `version` grows with every write.

    `operation` names who made the last write, so that a lost answer can be told from a lost race.
    `deleted_at` (unix seconds) is when the owner was removed; nothing signs from then on.
    `retired` are the last few that left in peace, `revoked` all that were taken out.
    """

    owner: str
    version: int
    current: PublishedKey
    next: PublishedKey | None = None
    previous: PublishedKey | None = None
    deleted_at: int | None = None
    operation: str = ""
    retired: tuple[FormerKey, ...] = ()
    revoked: tuple[FormerKey, ...] = ()

    def published(self) -> tuple[PublishedKey, ...]:
        """Return next, current and previous, as far as they are there."""
        return tuple(key for key in (self.next, self.current, self.previous) if key is not None)

    def phase(self) -> tuple[str, int]:
        """Return the phase of a rotation and since when; when it is over, the settings decide."""
        if self.previous is not None:
            return OVERLAP, self.previous.retired_at or 0
        if self.next is not None:
            probe = self.next.probe
            if probe is None or probe.result == ACCEPTED or self.next.approved_at is not None:
                return ANNOUNCED, self.next.published_at
            return HELD, probe.at
        return STEADY, self.current.activated_at or self.current.published_at

    def refers_to(self, key_id: str) -> bool:
        """Tell whether a KMS key is one of the published ones."""
        return any(key.key_id == key_id for key in self.published())

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
