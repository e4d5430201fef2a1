"""Client assertions, both directions: ours to a provider, an application's to us.

[RFC 7523 2.2, 3; RFC 10070 for the audience; OIDC Core 9 `private_key_jwt`]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signet.errors import Denied
from signet.jose.jws import SignedClaims, SignedToken, SigningKey, sign
from signet.oauth.assertion_profile import MAX_LIFETIME_UPSTREAM, AssertionProfile

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = frozenset({None, "JWT", "client-authentication+jwt"})
MAX_LIFETIME = 300
CLOCK_SKEW = 60
MAX_JTI = 255


# --- ours, towards a provider ---------------------------------------------------------------


def build_claims(profile: AssertionProfile, *, jti: str, now: int) -> dict[str, object]:
    """Write the claims of one assertion for one HTTP attempt [RFC 7523 3].

    Extra claims can never displace the protocol's own.
    """
    lifetime = min(profile.lifetime_seconds, MAX_LIFETIME_UPSTREAM)
    return {
        **profile.extra_claims,
        "iss": profile.client_id,
        "sub": profile.client_id,
        "aud": profile.audience,
        "jti": jti,
        "iat": now,
        "nbf": now,
        "exp": now + lifetime,
    }


def sign_assertion(
    profile: AssertionProfile, *, key: SigningKey, jti: str, now: int
) -> SignedToken:
    """Make the assertion for one HTTP attempt; it must never be sent a second time."""
    return sign(
        build_claims(profile, jti=jti, now=now),
        key=key,
        typ=profile.typ,
        headers=profile.extra_headers,
        key_headers=profile.key_headers,
    )


def authentication_parameters(profile: AssertionProfile, assertion: str) -> dict[str, str]:
    """Name the form parameters that authenticate us [RFC 7521 4.2]; client_id beside them."""
    return {
        "client_id": profile.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }


# --- an application's, towards us -----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionPolicy:
    """What an application's assertion is held against; `audiences` each a full string."""

    client_id: str
    audiences: frozenset[str]
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAssertion:
    """The `jti` of an assertion that passed every check, and when it may be forgotten.

    `replay_until` (unix seconds) outlives the assertion by more than the clock skew.
    """

    jti: str
    replay_until: int


def check_issuer(claims: Mapping[str, object], policy: AssertionPolicy) -> None:
    """`iss` is the client [RFC 7523 3 (1)]."""
    _demand(claims.get("iss") == policy.client_id, "iss is not the client")


def check_subject(claims: Mapping[str, object], policy: AssertionPolicy) -> None:
    """`sub` is the client [RFC 7523 3 (2)]."""
    _demand(claims.get("sub") == policy.client_id, "sub is not the client")


def check_audience(claims: Mapping[str, object], policy: AssertionPolicy) -> None:
    """`aud` is one string and names us [RFC 10070; CVE-2025-27370]; arrays never."""
    audience = claims.get("aud")
    _demand(
        isinstance(audience, str) and audience in policy.audiences, "aud is not exactly this issuer"
    )


def check_expiry(claims: Mapping[str, object], policy: AssertionPolicy) -> None:
    """`exp` is in the future, and at most 300 s away [RFC 7523 3 (4)]."""
    expiry = _expiry(claims)
    _demand(policy.now < expiry, "exp is past")
    _demand(expiry <= policy.now + MAX_LIFETIME, "exp is more than 300 s away")


def check_issued_at(claims: Mapping[str, object], policy: AssertionPolicy) -> None:
    """`iat`, if there, is not ahead of us, and the whole lifetime is bounded [RFC 7523 3 (6)]."""
    issued = _numeric_date(claims, "iat")
    if issued is not None:
        _demand(issued <= policy.now + CLOCK_SKEW, "iat is in the future")
        lifetime = _expiry(claims) - issued
        _demand(lifetime <= MAX_LIFETIME + CLOCK_SKEW, "exp is too long after iat")


def check_not_before(claims: Mapping[str, object], policy: AssertionPolicy) -> None:
    """`nbf`, if there, is not ahead of us by more than the skew [RFC 7523 3 (5)]."""
    not_before = _numeric_date(claims, "nbf")
    if not_before is not None:
        _demand(not_before <= policy.now + CLOCK_SKEW, "nbf is in the future")


def check_identifier(claims: Mapping[str, object], policy: AssertionPolicy) -> None:
    """`jti` is a string of 1 to 255 characters [RFC 7523 3 (7)]."""
    del policy
    jti = claims.get("jti")
    _demand(isinstance(jti, str) and 1 <= len(jti) <= MAX_JTI, "jti is absent or of a wrong form")


CHECKS: tuple[Callable[[Mapping[str, object], AssertionPolicy], None], ...] = (
    check_issuer,
    check_subject,
    check_audience,
    check_expiry,
    check_issued_at,
    check_not_before,
    check_identifier,
)
"""In the order of RFC 7523 section 3; a `jti` is consumed only after all of them."""


def check_assertion(verified: SignedClaims, policy: AssertionPolicy) -> CheckedAssertion:
    """Hold a signed assertion against every rule.

    Raises:
        Denied: `invalid_client`; the public text never says which rule.
    """
    for check in CHECKS:
        check(verified.claims, policy)
    return CheckedAssertion(
        jti=str(verified.claims["jti"]), replay_until=_expiry(verified.claims) + 2 * CLOCK_SKEW
    )


def invalid_client(private: str) -> Denied:
    """Make the one answer to every failed client authentication [RFC 6749 5.2]."""
    return Denied("invalid_client", "Client authentication failed.", private=private)


def _expiry(claims: Mapping[str, object]) -> int:
    expiry = _numeric_date(claims, "exp")
    if expiry is None:
        raise invalid_client("exp is absent")
    return expiry


def _numeric_date(claims: Mapping[str, object], name: str) -> int | None:
    if name not in claims:
        return None
    value = claims[name]
    # RFC 7519 allows fractions; whole JSON numbers only keeps 1e308, NaN and "2100" out.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid_client(f"{name} is not a whole number of seconds")
    return value


def _demand(holds: bool, private: str) -> None:  # noqa: FBT001
    if not holds:
        raise invalid_client(private)
