"""Logout tokens: hold a provider's against every rule, mint our own [Back-Channel Logout 1.0]."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signet.errors import Rejected
from signet.jose.jws import SignedClaims

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYP = "logout+jwt"
TYPES = frozenset({None, "JWT", TYP})
"""Providers that came before the final text leave `typ` out; `events` tells the kind then [2.4]."""
CLOCK_SKEW = 60
LIFETIME_SECONDS = 120
MAX_LIFETIME = 86_400
MAX_TOKEN = 16_384
_MAX_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutTokenPolicy:
    """What a connection demands; `now` is unix seconds."""

    issuer: str
    client_id: str
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLogout:
    """A logout token that passed every check, and whose `jti` still has to be used up.

    `replay_until` is how long its `jti` has to be remembered.
    """

    subject: str | None
    sid: str | None
    jti: str
    replay_until: int


def check_issuer(claims: Mapping[str, object], policy: LogoutTokenPolicy) -> None:
    """`iss` is the connection's issuer, byte for byte [2.6 (4)]."""
    _demand(claims.get("iss") == policy.issuer, "iss")


def check_audience(claims: Mapping[str, object], policy: LogoutTokenPolicy) -> None:
    """`aud` is our client id, alone [2.6 (4)]."""
    _demand(claims.get("aud") in (policy.client_id, [policy.client_id]), "aud")


def check_issued_at(claims: Mapping[str, object], policy: LogoutTokenPolicy) -> None:
    """`iat` is there and not ahead [2.6 (4)]."""
    _demand(_seconds(claims, "iat") <= policy.now + CLOCK_SKEW, "iat is in the future")


def check_expiry(claims: Mapping[str, object], policy: LogoutTokenPolicy) -> None:
    """`exp` is there, ahead, and not absurdly far after `iat` [2.6 (4)]."""
    expiry = _seconds(claims, "exp")
    _demand(policy.now < expiry + CLOCK_SKEW, "exp is past")
    _demand(expiry - _seconds(claims, "iat") <= MAX_LIFETIME, "exp is too long after iat")


def check_names(claims: Mapping[str, object], policy: LogoutTokenPolicy) -> None:
    """`sub` or `sid` says who, each a short text where it is there [2.6 (5)]."""
    del policy
    _demand("sub" in claims or "sid" in claims, "neither sub nor sid")
    for name in ("sub", "sid"):
        _demand(name not in claims or _is_name(claims[name]), name)


def check_events(claims: Mapping[str, object], policy: LogoutTokenPolicy) -> None:
    """`events` has the logout event, an object [2.6 (6)]: no ID token has one."""
    del policy
    events = claims.get("events")
    _demand(isinstance(events, dict) and isinstance(events.get(EVENT), dict), "events")


def check_nonce(claims: Mapping[str, object], policy: LogoutTokenPolicy) -> None:
    """`nonce` is not there: an ID token is no logout token [2.6 (7)]."""
    del policy
    _demand("nonce" not in claims, "nonce")


def check_id(claims: Mapping[str, object], policy: LogoutTokenPolicy) -> None:
    """`jti` is a short text; that it was not used before is seen last [2.6 (8)]."""
    del policy
    _demand(_is_name(claims.get("jti")), "jti")


CHECKS: tuple[Callable[[Mapping[str, object], LogoutTokenPolicy], None], ...] = (
    check_issuer,
    check_audience,
    check_issued_at,
    check_expiry,
    check_names,
    check_events,
    check_nonce,
    check_id,
)
"""In the order of 2.6; the signature was verified before the first of them."""


def check_logout_token(verified: SignedClaims, policy: LogoutTokenPolicy) -> CheckedLogout:
    """Hold a provider's signed logout token against every rule.

    Raises:
        Rejected: `invalid_request` [2.8], with the rule in the private text.
    """
    claims = verified.claims
    for check in CHECKS:
        check(claims, policy)
    return CheckedLogout(
        subject=str(claims["sub"]) if "sub" in claims else None,
        sid=str(claims["sid"]) if "sid" in claims else None,
        jti=str(claims["jti"]),
        replay_until=_seconds(claims, "exp") + 2 * CLOCK_SKEW,
    )


def build_logout_token_claims(
    *, issuer: str, client_id: str, subject: str, sid: str, jti: str, now: int
) -> dict[str, object]:
    """Write the claims of our own logout token [2.4]."""
    return {
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": jti,
        "sid": sid,
        "events": {EVENT: {}},
    }


def invalid_logout(private: str) -> Rejected:
    """Make the one answer to every logout token that does not hold [2.8]."""
    return Rejected("invalid_request", "The logout token is not valid.", private=private)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME


def _seconds(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid_logout(f"logout token: {name} is absent or not a whole number of seconds")
    return value


def _demand(holds: bool, what: str) -> None:  # noqa: FBT001
    if not holds:
        raise invalid_logout(f"logout token: {what}")
