"""What a provider wants in our client assertions [RFC 7523 2.2].

Apart from the signing, so that whoever only reads a connection loads no JWT library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_LIFETIME_UPSTREAM = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionProfile:
    """What one provider wants in an assertion; `audience` is always one string."""

    client_id: str
    audience: str
    lifetime_seconds: int = MAX_LIFETIME_UPSTREAM
    typ: str | None = "client-authentication+jwt"
    key_headers: tuple[str, ...] = ("kid",)
    extra_claims: Mapping[str, object] = field(default_factory=dict)
    extra_headers: Mapping[str, object] = field(default_factory=dict)
