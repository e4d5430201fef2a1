"""JWK Sets [RFC 7517 5]: a provider's is searched for usable keys, a client's held to rules."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.errors import Rejected
from signet.jose.algorithms import SigningAlgorithm
from signet.jose.jwk import PublicJwk

MAX_KEYS_READ = 100
MAX_KEYS_REGISTERED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwks:
    """Public keys that signatures may be verified with; never empty."""

    keys: tuple[PublicJwk, ...]

    @classmethod
    def read(cls, document: Mapping[str, object]) -> "Jwks":
        """Keep the usable members of somebody's set; others are as if they were not there.

        Raises:
            Rejected: `invalid_jwks`: no set, or nothing usable in it.
        """
        usable = []
        for member in _members(document)[:MAX_KEYS_READ]:
            try:
                usable.append(PublicJwk.parse(member))
            except Rejected:
                continue
        if not usable:
            raise _refused("no key of the set can be used")
        return cls(keys=tuple(usable))

    @classmethod
    def parse_registered(cls, document: Mapping[str, object]) -> "Jwks":
        """Read a set that is being registered; one wrong member refuses it (MG-004).

        Raises:
            Rejected: `invalid_jwks` or `invalid_jwk`, saying what is wrong.
        """
        members = _members(document)
        if not 0 < len(members) <= MAX_KEYS_REGISTERED:
            raise _refused(f"a set holds from 1 to {MAX_KEYS_REGISTERED} keys")
        keys = tuple(PublicJwk.parse(member) for member in members)
        kids = [key.kid for key in keys]
        if len(keys) > 1 and (None in kids or len(set(kids)) != len(kids)):
            raise _refused("several keys need a kid each, all different")
        return cls(keys=keys)

    def candidates(self, *, kid: str | None, algorithm: SigningAlgorithm) -> tuple[PublicJwk, ...]:
        """Return the keys that a token's `kid` names, of those that fit the pinned algorithm.

        A token without `kid` may be of any fitting key; `kid` is a lookup and nothing else.
        """
        fitting = [key for key in self.keys if key.fits(algorithm)]
        return tuple(key for key in fitting if kid is None or key.kid == kid)


def _members(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    members = document.get("keys")
    if not isinstance(members, list) or not all(isinstance(item, dict) for item in members):
        raise _refused("there is no list of keys")
    return members


def _refused(reason: str) -> Rejected:
    return Rejected("invalid_jwks", f"The JWK Set cannot be used: {reason}.")
