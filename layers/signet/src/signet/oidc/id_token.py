"""ID tokens: hold a provider's against every rule, mint our own [OIDC Core 2, 3.1.3.6, 3.1.3.7]."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signet.errors import Denied
from signet.jose import base64url
from signet.jose.algorithms import algorithm
from signet.jose.jws import SignedClaims

TYPES = frozenset({None, "JWT"})
LIFETIME_SECONDS = 3_600
CLOCK_SKEW = 60
MAX_LIFETIME = 31 * 86_400  # the longest that a well-known provider lets one configure
MAX_SUBJECT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenPolicy:
    """What this login demands of the provider's ID token.

    `login_started` and `now` are unix seconds; `nonce` is always there, because we always send
    one; `access_token` and `code` are those of the same login, for their hashes.
    """

    issuer: str
    client_id: str
    nonce: str
    alg: str
    access_token: str
    code: str
    login_started: int
    now: int
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedIdToken:
    """An ID token that passed every check; made by `check_id_token` alone."""

    issuer: str
    subject: str
    claims: Mapping[str, object]


def check_issuer(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`iss` is the connection's issuer, byte for byte [3.1.3.7 (2)]."""
    _demand(claims.get("iss") == policy.issuer, "iss")


def check_subject(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`sub` is a string of 1 to 255 characters [2]."""
    del policy
    subject = claims.get("sub")
    _demand(isinstance(subject, str) and 0 < len(subject) <= MAX_SUBJECT, "sub")


def check_audience(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`aud` is our client id, alone: other audiences are not trusted [3.1.3.7 (3)]."""
    _demand(claims.get("aud") in (policy.client_id, [policy.client_id]), "aud")


def check_authorized_party(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`azp`, if there, is our client id [3.1.3.7 (4, 5)]."""
    _demand("azp" not in claims or claims["azp"] == policy.client_id, "azp")


def check_expiry(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`exp` is ahead, and not absurdly far after `iat` [3.1.3.7 (9)]."""
    expiry, issued = _seconds(claims, "exp"), _seconds(claims, "iat")
    _demand(policy.now < expiry + CLOCK_SKEW, "exp is past")
    _demand(expiry - issued <= MAX_LIFETIME, "exp is too long after iat")


def check_issued_at(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`iat` falls between the start of this login and now [3.1.3.7 (10)]."""
    issued = _seconds(claims, "iat")
    _demand(issued <= policy.now + CLOCK_SKEW, "iat is in the future")
    _demand(issued >= policy.login_started - 5 * CLOCK_SKEW, "iat is before this login")


def check_not_before(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`nbf`, if there, is not ahead [RFC 7519 4.1.5]."""
    if "nbf" in claims:
        _demand(_seconds(claims, "nbf") <= policy.now + CLOCK_SKEW, "nbf")


def check_nonce(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`nonce` is this login's; there is no login without one [3.1.3.7 (11)]."""
    nonce = claims.get("nonce")
    same = isinstance(nonce, str) and hmac.compare_digest(nonce.encode(), policy.nonce.encode())
    _demand(bool(policy.nonce) and same, "nonce")


def check_access_token_hash(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`at_hash`, if there, is of the access token beside it [3.1.3.8]."""
    if "at_hash" in claims:
        _demand(claims["at_hash"] == half_hash(policy.access_token, alg=policy.alg), "at_hash")


def check_code_hash(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`c_hash`, if there, is of the code that was redeemed [3.3.2.10]."""
    if "c_hash" in claims:
        _demand(claims["c_hash"] == half_hash(policy.code, alg=policy.alg), "c_hash")


def check_authentication_time(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`auth_time` is there and recent enough when max_age was asked [3.1.3.7 (13)]."""
    if "auth_time" in claims:
        _demand(_seconds(claims, "auth_time") <= policy.now + CLOCK_SKEW, "auth_time is ahead")
    if policy.max_age is not None:
        oldest = policy.now - policy.max_age - CLOCK_SKEW
        _demand(_seconds(claims, "auth_time") >= oldest, "auth_time is older than max_age")


def check_context_class(claims: Mapping[str, object], policy: IdTokenPolicy) -> None:
    """`acr` is one of those that the connection demands [3.1.3.7 (12)]."""
    if policy.acr_values:
        _demand(claims.get("acr") in policy.acr_values, "acr")


CHECKS: tuple[Callable[[Mapping[str, object], IdTokenPolicy], None], ...] = (
    check_issuer,
    check_subject,
    check_audience,
    check_authorized_party,
    check_expiry,
    check_issued_at,
    check_not_before,
    check_nonce,
    check_access_token_hash,
    check_code_hash,
    check_authentication_time,
    check_context_class,
)
"""In the order of OIDC Core 3.1.3.7; the signature was verified before the first of them."""


def check_id_token(verified: SignedClaims, policy: IdTokenPolicy) -> VerifiedIdToken:
    """Hold a provider's signed ID token against every rule.

    Raises:
        Denied: `id_token`, with the rule in the private text.
    """
    for check in CHECKS:
        check(verified.claims, policy)
    return VerifiedIdToken(
        issuer=policy.issuer, subject=str(verified.claims["sub"]), claims=verified.claims
    )


def half_hash(value: str, *, alg: str) -> str:
    """Compute at_hash or c_hash: the left half of the hash that `alg` names [3.1.3.6]."""
    digest = hashlib.new(algorithm(alg).hash_name, value.encode("utf-8")).digest()
    return base64url.encode(digest[: len(digest) // 2])


def build_id_token_claims(  # noqa: D417
    *,
    issuer: str,
    client_id: str,
    subject: str,
    nonce: str | None,
    now: int,
    login: Mapping[str, object],
    profile: Mapping[str, object],
) -> dict[str, object]:
    """Write the claims of our own ID token but at_hash [2].

    Args:
        login: `auth_time`, `acr`, `amr` as the provider gave them, and `connection`.
        profile: mapped claims; they can never displace the protocol's own.
    """
    return {
        **profile,
        **login,
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        **({"nonce": nonce} if nonce is not None else {}),
    }


def _seconds(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _refused(f"{name} is absent or not a whole number of seconds")
    return value


def _demand(holds: bool, what: str) -> None:  # noqa: FBT001
    if not holds:
        raise _refused(what)


def _refused(what: str) -> Denied:
    return Denied(
        "id_token", "The identity provider's answer was not accepted.", private=f"ID token: {what}"
    )
