"""Refresh tokens: a family on a grant, of which one token at a time is good [RFC 9700 4.14.2].

A token names its grant, proves its family, and is the family's present one or an older one. So
whoever knows a grant's id alone can end nothing, and no list of used tokens has to be kept.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from signet.broker.grant import Grant, RefreshFamily
from signet.broker.record_key import digest
from signet.errors import Rejected

PREFIX = "rt"
_TOKEN = re.compile(r"rt\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A token as a client holds it: two secrets of 256 bits each behind its grant's name."""

    grant_id: str
    family: str
    secret: str

    @classmethod
    def parse(cls, token: str) -> "RefreshToken | None":
        """Read a token; None for what cannot be one of ours, another kind of token above all."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        grant, family, secret = found.groups()
        return cls(grant_id=f"CODE#{grant}", family=family, secret=secret)

    def compact(self) -> str:
        """Write the token as it is given out."""
        grant = self.grant_id.removeprefix("CODE#")
        return f"{PREFIX}.{grant}.{self.family}.{self.secret}"

    def successor(self, secret: str) -> "RefreshToken":
        """Return the family's next token."""
        return replace(self, secret=secret)

    def is_of(self, grant: Grant, *, client_id: str) -> bool:
        """Tell whether this token, present or older, was given to that client for that grant."""
        return (
            grant.refresh is not None
            and grant.client_id == client_id
            and _same(hashed(self.family), grant.refresh.family)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a family lives, and how long it may lie unused, in seconds."""

    absolute: int
    idle: int

    def begin(self, token: RefreshToken, *, now: int) -> RefreshFamily:
        """Begin a family with its first token."""
        expires_at = now + self.absolute
        return RefreshFamily(
            family=hashed(token.family),
            current=hashed(token.secret),
            expires_at=expires_at,
            idle_until=min(now + self.idle, expires_at),
        )

    def idle_until(self, family: RefreshFamily, *, now: int) -> int:
        """Return until when the token that is given out now has to be used."""
        return min(now + self.idle, family.expires_at)


def hashed(secret: str) -> str:
    """Return the form in which a token's secrets are stored."""
    return digest(secret.encode("ascii"))


def check_present(family: RefreshFamily, token: RefreshToken, *, now: int) -> None:
    """Refuse a token that was used before: one of two holders stole it [RFC 9700 4.14.2]."""
    del now
    if not _same(hashed(token.secret), family.current):
        raise invalid_token("the refresh token was used before")


def check_lifetime(family: RefreshFamily, token: RefreshToken, *, now: int) -> None:
    """Judge a family by its absolute expiry, whatever DynamoDB still holds."""
    del token
    if now >= family.expires_at:
        raise invalid_token("the refresh token's family expired")


def check_idle(family: RefreshFamily, token: RefreshToken, *, now: int) -> None:
    """Refuse a token that lay unused for too long [RFC 9700 4.14.2]."""
    del token
    if now >= family.idle_until:
        raise invalid_token("the refresh token was not used for too long")


CHECKS: tuple[Callable[..., None], ...] = (check_present, check_lifetime, check_idle)


def check_token(family: RefreshFamily, token: RefreshToken, *, now: int) -> None:
    """Hold a token of a family against every rule.

    Raises:
        Rejected: `invalid_grant`.
    """
    for check in CHECKS:
        check(family, token, now=now)


def invalid_token(private: str) -> Rejected:
    """Make the one answer to every refresh token that does not hold [RFC 6749 5.2]."""
    return Rejected("invalid_grant", "The refresh token is not valid.", private=private)


def _same(found: str, stored: str) -> bool:
    return hmac.compare_digest(found.encode("ascii"), stored.encode("ascii"))
