"""Signed request objects of applications, by value [RFC 9101]."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signet.errors import Rejected
from signet.jose.jws import SignedClaims
from signet.oauth.parameters import MAX_VALUE

TYPES = frozenset({None, "JWT", "oauth-authz-req+jwt"})
MAX_LIFETIME = 3_600
CLOCK_SKEW = 60
MAX_JTI = 255
_JWT_CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObjectPolicy:
    """What an application's request object is held against; `issuer` is our own."""

    issuer: str
    client_id: str
    now: int


def check_issuer(claims: Mapping[str, object], policy: RequestObjectPolicy) -> None:
    """`iss` is the client [RFC 9101 4]."""
    _demand(claims.get("iss") == policy.client_id, "iss is not the client")


def check_subject(claims: Mapping[str, object], policy: RequestObjectPolicy) -> None:
    """`sub` is not the client: an assertion of it is no request object [RFC 9101 10.8]."""
    _demand(claims.get("sub") != policy.client_id, "sub is the client")


def check_audience(claims: Mapping[str, object], policy: RequestObjectPolicy) -> None:
    """`aud` is our issuer, one string [RFC 9101 4]."""
    _demand(claims.get("aud") == policy.issuer, "aud is not exactly this issuer")


def check_expiry(claims: Mapping[str, object], policy: RequestObjectPolicy) -> None:
    """`exp` is in the future, and at most an hour away."""
    expiry = _numeric_date(claims, "exp")
    _demand(policy.now < expiry <= policy.now + MAX_LIFETIME, "exp is past or too far away")


def check_not_before(claims: Mapping[str, object], policy: RequestObjectPolicy) -> None:
    """`nbf` is not ahead of us by more than the skew, and at most an hour ago."""
    begins = _numeric_date(claims, "nbf")
    _demand(begins <= policy.now + CLOCK_SKEW, "nbf is in the future")
    _demand(begins >= policy.now - MAX_LIFETIME - CLOCK_SKEW, "nbf is too long ago")


def check_identifier(claims: Mapping[str, object], policy: RequestObjectPolicy) -> None:
    """`jti`, if there, is a text; it is not used up, for a page may be opened again."""
    del policy
    jti = claims.get("jti", "absent")
    _demand(isinstance(jti, str) and 1 <= len(jti) <= MAX_JTI, "jti is of a wrong form")


def check_client(claims: Mapping[str, object], policy: RequestObjectPolicy) -> None:
    """`client_id`, if there, is the client's [RFC 9101 5]."""
    _demand(claims.get("client_id", policy.client_id) == policy.client_id, "another client_id")


def check_not_nested(claims: Mapping[str, object], policy: RequestObjectPolicy) -> None:
    """It holds the request itself, and not another one [RFC 9101 4]."""
    del policy
    _demand(not {"request", "request_uri"} & claims.keys(), "a request in a request")


CHECKS: tuple[Callable[[Mapping[str, object], RequestObjectPolicy], None], ...] = (
    check_issuer,
    check_subject,
    check_audience,
    check_expiry,
    check_not_before,
    check_identifier,
    check_client,
    check_not_nested,
)


def read_request_object(verified: SignedClaims, policy: RequestObjectPolicy) -> dict[str, str]:
    """Hold a signed request object against every rule, and return its parameters.

    Raises:
        Rejected: `invalid_request_object`.
    """
    for check in CHECKS:
        check(verified.claims, policy)
    written = {
        name: _parameter(value)
        for name, value in verified.claims.items()
        if name not in _JWT_CLAIMS
    }
    return {
        **{name: value for name, value in written.items() if value},
        "client_id": policy.client_id,
    }


def invalid_request_object(private: str) -> Rejected:
    """Make the one answer to every request object that does not hold; it goes on a page."""
    return Rejected(
        "invalid_request_object", "The application's request cannot be used.", private=private
    )


def _parameter(value: object) -> str:
    """Write a member as the parameter it stands for: a text, a number, or `claims` as JSON [4]."""
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or len(value) > MAX_VALUE or _CONTROL.search(value):
        raise invalid_request_object("a member is no parameter")
    return value


def _numeric_date(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid_request_object(f"{name} is absent or not a whole number of seconds")
    return value


def _demand(holds: bool, private: str) -> None:  # noqa: FBT001
    if not holds:
        raise invalid_request_object(private)
