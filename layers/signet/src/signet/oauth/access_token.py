"""JWT access tokens [RFC 9068]: mint them, and verify what a resource was given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from signet.errors import Denied
from signet.jose.jws import SignedClaims

TYP = "at+jwt"
LIFETIME_SECONDS = 3_600
BEARER = "bearer"
DPOP = "dpop"
_SCHEMES = frozenset({BEARER, DPOP})


def build_access_token_claims(  # noqa: D417
    *,
    issuer: str,
    subject: str,
    audience: str,
    client_id: str,
    scope: Sequence[str],
    grant_id: str,
    jti: str,
    now: int,
    login: Mapping[str, object],
    jkt: str | None = None,
) -> dict[str, object]:
    """Write the claims of an access token [RFC 9068 2.2].

    Args:
        grant_id: names the stored grant, so that a revoked one ends its tokens.
        login: `auth_time`, `acr`, `amr` as far as they are known [2.2.1].
        jkt: thumbprint of the key that the token is bound to.
    """
    return {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "client_id": client_id,
        "scope": " ".join(scope),
        "grant_id": grant_id,
        "jti": jti,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        **{name: login[name] for name in ("auth_time", "acr", "amr") if name in login},
        **confirmation(jkt),
    }


def build_client_token_claims(
    *,
    issuer: str,
    audience: str,
    client_id: str,
    scope: Sequence[str],
    jti: str,
    now: int,
    jkt: str | None = None,
) -> dict[str, object]:
    """Write the claims of a client's own access token: its subject is the client [2.2]."""
    return {
        "iss": issuer,
        "sub": client_id,
        "aud": audience,
        "client_id": client_id,
        "scope": " ".join(scope),
        "jti": jti,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        **confirmation(jkt),
    }


def confirmation(jkt: str | None) -> dict[str, object]:
    """Write the claim that binds a token to a key, where it is bound to one [RFC 9449 6.1]."""
    return {} if jkt is None else {"cnf": {"jkt": jkt}}


def token_type(jkt: str | None) -> str:
    """Say how a token has to be shown [RFC 6749 7.1; RFC 9449 5]."""
    return "Bearer" if jkt is None else "DPoP"


def read_presented(authorization: str | None) -> tuple[str, str]:
    """Take scheme and token out of an Authorization header [RFC 6750 2.1; RFC 9449 7.1].

    The scheme's case does not count; it is returned in lower case.

    Raises:
        Denied: `invalid_token`.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() not in _SCHEMES or not token or " " in token:
        raise invalid_token("no token by the scheme Bearer or DPoP")
    return scheme.lower(), token


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenPolicy:
    """What a resource demands of an access token."""

    issuer: str
    audience: str
    scope: str
    now: int


def check_issuer(claims: Mapping[str, object], policy: AccessTokenPolicy) -> None:
    """`iss` is us [RFC 9068 4]."""
    _demand(claims.get("iss") == policy.issuer, "iss")


def check_audience(claims: Mapping[str, object], policy: AccessTokenPolicy) -> None:
    """`aud` is this resource, one string, as we mint it [RFC 9068 4]."""
    _demand(claims.get("aud") == policy.audience, "aud")


def check_expiry(claims: Mapping[str, object], policy: AccessTokenPolicy) -> None:
    """`exp` is in the future [RFC 9068 4]."""
    expiry = claims.get("exp")
    _demand(type(expiry) is int and policy.now < expiry, "exp")


def check_scope(claims: Mapping[str, object], policy: AccessTokenPolicy) -> None:
    """The scope that this resource needs was granted [RFC 6750 3.1].

    Raises:
        Denied: `insufficient_scope`.
    """
    scope = claims.get("scope")
    if not isinstance(scope, str) or policy.scope not in scope.split(" "):
        raise Denied("insufficient_scope", "The token's scope does not allow this.")


CHECKS: tuple[Callable[[Mapping[str, object], AccessTokenPolicy], None], ...] = (
    check_issuer,
    check_audience,
    check_expiry,
    check_scope,
)


def check_access_token(verified: SignedClaims, policy: AccessTokenPolicy) -> None:
    """Hold a verified `at+jwt` against every rule.

    Raises:
        Denied: `invalid_token` or `insufficient_scope`.
    """
    for check in CHECKS:
        check(verified.claims, policy)


def invalid_token(private: str) -> Denied:
    """Make the one answer to every token that does not hold [RFC 6750 3.1]."""
    return Denied("invalid_token", "The access token is not valid.", private=private)


def _demand(holds: bool, private: str) -> None:  # noqa: FBT001
    if not holds:
        raise invalid_token(private)
