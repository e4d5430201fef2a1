"""Publish an owner's keys, and say for how long a verifier may keep them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signet.broker.rotation import Bounds, jwks_max_age, jwks_stale_if_error
from signet.errors import Rejected

if TYPE_CHECKING:
    # At a cold start they would bring a JWT library along, for which verifiers would wait.
    from signet.broker.ports import Clock, Keyrings


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwks:
    """A JWK Set document [RFC 7517 5], and its times in seconds [RFC 9111 5.2.2.1; RFC 5861 4]."""

    document: bytes
    max_age: int
    stale_if_error: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishJwks:
    """The use case behind both JWKS addresses; `max_age` is what is configured, in seconds.

    `keyrings` are read as they are stored: what is published is never remembered.
    """

    bounds: Bounds
    max_age: int
    keyrings: "Keyrings"
    clock: "Clock"

    def __call__(self, owner: str) -> Jwks:
        """Return the keys of an owner from its record alone; KMS is never asked here.

        The keys of a removed connection are gone at once: nothing signs with them any more.

        Raises:
            Rejected: `not_found`. Unavailable: the table is.
        """
        keyring = self.keyrings.get(owner)
        if keyring is None or keyring.deleted_at is not None:
            raise Rejected("not_found", "There is nothing here.")
        max_age = jwks_max_age(keyring, self.bounds, configured=self.max_age, now=self.clock.now())
        return Jwks(
            document=keyring.jwks(),
            max_age=max_age,
            stale_if_error=jwks_stale_if_error(self.bounds, max_age=max_age),
        )
