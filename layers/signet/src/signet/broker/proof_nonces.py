"""Nonces for DPoP proofs, which nobody has to store [RFC 9449 8; docs/adr/0011].

A nonce is a keyed hash of the time, so that it cannot be known before its time: proofs that were
made in advance, by somebody who had the use of a client's key for a moment, end with it.
"""

import hashlib
import hmac
from dataclasses import dataclass

from signet.broker.ports import Clock, NonceSeeds
from signet.errors import Misconfigured
from signet.jose import base64url

STEP = 120
"""Seconds for which a nonce is the newest one; it is taken for as long again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedNonces:
    """The nonces of this deployment, the same in every sandbox of it."""

    seeds: NonceSeeds
    clock: Clock

    def valid(self) -> tuple[str, ...]:
        """Return the newest nonce and the one before it.

        Raises:
            Misconfigured: `nonce_seed_missing`. Unavailable: the store is.
        """
        seed = self.seeds.get()
        if seed is None:
            raise Misconfigured(
                "nonce_seed_missing", "The service is not set up.", private="no seed for nonces"
            )
        step = self.clock.now() // STEP
        return nonce_of(seed, step), nonce_of(seed, step - 1)


def nonce_of(seed: str, step: int) -> str:
    """Return the nonce of one step of time: 43 characters of base64url."""
    message = f"dpop-nonce {step}".encode("ascii")
    return base64url.encode(hmac.digest(seed.encode("ascii"), message, hashlib.sha256))
