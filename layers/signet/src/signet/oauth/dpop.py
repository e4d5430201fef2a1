"""DPoP proofs: that whoever sends a request holds a key [RFC 9449]."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signet.errors import Denied, Rejected
from signet.jose import base64url
from signet.jose.algorithms import PROOF_ALGORITHMS
from signet.jose.self_signed import SelfSigned, verify_self_signed
from signet.oauth.dpop_error import UseDpopNonce, invalid_proof
from signet.oauth.http_uri import without_query

TYP = "dpop+jwt"
MAX_PROOF = 8_192  # HTTP API refuses headers over 10,240 bytes before us
MAX_JTI = 255
MAX_NONCE = 255
MAX_AGE = 60
MAX_AHEAD = 10
_KEEP_BEYOND = 60  # seconds: clocks of two sandboxes are never so far apart


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofPolicy:
    """What a proof is held against; `uri` is ours by configuration, never by a header.

    `nonces` are those that a proof may carry now, the newest first; none where none is asked for.
    """

    method: str
    uri: str
    now: int
    access_token: str | None = None
    nonces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedProof:
    """A proof that passed every check, and whose `jti` still has to be used up.

    `jkt` is the thumbprint of its key; `replay_until` (unix seconds) outlives the proof.
    """

    jkt: str
    jti: str
    replay_until: int


def check_one_header(header: str) -> None:
    """There is one DPoP header [RFC 9449 4.3 (1)]; HTTP API joins several ones with commas."""
    _demand("," not in header, "there are several DPoP headers")


def check_one_jwt(header: str) -> None:
    """The header is one JWT of a sensible length [RFC 9449 4.3 (2)]."""
    _demand(0 < len(header) <= MAX_PROOF, "the DPoP header is empty or too long")


FORM_CHECKS: tuple[Callable[[str], None], ...] = (check_one_header, check_one_jwt)


def check_claims(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """Every required claim is there [RFC 9449 4.3 (3), 4.2]."""
    required = {"jti", "htm", "htu", "iat"} | (
        {"ath"} if policy.access_token is not None else set()
    )
    _demand(required <= claims.keys(), "a required claim is absent")


def check_identifier(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """`jti` is a string of 1 to 255 characters [RFC 9449 4.2]."""
    del policy
    jti = claims["jti"]
    _demand(isinstance(jti, str) and 1 <= len(jti) <= MAX_JTI, "jti is of a wrong form")


def check_method(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """`htm` is the request's method, in its case [RFC 9449 4.3 (8); RFC 9110 9.1]."""
    _demand(claims["htm"] == policy.method, "htm is another method")


def check_uri(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """`htu` is the address, both in normal form and without query [RFC 9449 4.3 (9); OP-049]."""
    htu = claims["htu"]
    try:
        same = isinstance(htu, str) and without_query(htu) == without_query(policy.uri)
    except Rejected as error:
        raise invalid_proof("htu is not an http address") from error
    _demand(same, "htu is another address")


def check_nonce(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """`nonce` is one of ours, where we ask for one [RFC 9449 4.3 (10), 8].

    Raises:
        UseDpopNonce: with the nonce to use.
    """
    if not policy.nonces:
        return  # a client that was given none may send what it likes
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or len(nonce) > MAX_NONCE:
        raise UseDpopNonce(policy.nonces[0])
    given = nonce.encode("utf-8")
    if not any(hmac.compare_digest(given, known.encode("ascii")) for known in policy.nonces):
        raise UseDpopNonce(policy.nonces[0])


def check_issued_at(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """`iat` is at most 60 s old and 10 s ahead [RFC 9449 4.3 (11), 11.1; FAPI 2.0 5.3.2.1]."""
    issued = _numeric_date(claims, "iat")
    _demand(issued is not None and issued >= policy.now - MAX_AGE, "iat is too old")
    _demand(issued is not None and issued <= policy.now + MAX_AHEAD, "iat is in the future")


def check_expiry(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """`exp`, if there, is in the future [RFC 7519 4.1.4]."""
    expiry = _numeric_date(claims, "exp")
    _demand(expiry is None or policy.now < expiry, "exp is past")


def check_not_before(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """`nbf`, if there, is at most 10 s ahead [RFC 7519 4.1.5]."""
    not_before = _numeric_date(claims, "nbf")
    _demand(not_before is None or not_before <= policy.now + MAX_AHEAD, "nbf is in the future")


def check_access_token(claims: Mapping[str, object], policy: ProofPolicy) -> None:
    """`ath` is the hash of the access token that is shown [RFC 9449 4.3 (12)]."""
    if policy.access_token is None:
        return
    ath = claims["ath"]
    expected = access_token_hash(policy.access_token)
    _demand(
        isinstance(ath, str) and hmac.compare_digest(ath.encode("utf-8"), expected.encode("ascii")),
        "ath is of another access token",
    )


CHECKS: tuple[Callable[[Mapping[str, object], ProofPolicy], None], ...] = (
    check_claims,
    check_identifier,
    check_method,
    check_uri,
    check_nonce,
    check_issued_at,
    check_expiry,
    check_not_before,
    check_access_token,
)
"""In the order of RFC 9449 4.3, after kind, algorithm, signature and key; a `jti` comes last."""


def check_proof(header: str, policy: ProofPolicy) -> CheckedProof:
    """Hold the DPoP header of a request against every rule [RFC 9449 4.3].

    Raises:
        Rejected: `invalid_dpop_proof`; the public text never says which rule.
        UseDpopNonce: everything before the nonce holds, and it is absent or not ours any more.
    """
    for check_form in FORM_CHECKS:
        check_form(header)
    proof = _self_signed(header)
    for check in CHECKS:
        check(proof.signed.claims, policy)
    issued = _numeric_date(proof.signed.claims, "iat") or 0
    return CheckedProof(
        jkt=proof.jkt,
        jti=str(proof.signed.claims["jti"]),
        replay_until=issued + MAX_AGE + _KEEP_BEYOND,
    )


def access_token_hash(access_token: str) -> str:
    """Return `ath`: BASE64URL(SHA256(access token)) [RFC 9449 4.2]."""
    return base64url.encode(hashlib.sha256(access_token.encode("utf-8")).digest())


def _self_signed(header: str) -> SelfSigned:
    """Verify kind, algorithm, key and signature [RFC 9449 4.3 (4) to (7)]."""
    try:
        return verify_self_signed(header, algs=PROOF_ALGORITHMS, typ=TYP)
    except (Denied, Rejected) as error:
        raise invalid_proof(error.private) from error


def _numeric_date(claims: Mapping[str, object], name: str) -> int | None:
    if name not in claims:
        return None
    value = claims[name]
    # Whole JSON numbers only, as in client assertions: keeps 1e308, NaN and "2100" out.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid_proof(f"{name} is not a whole number of seconds")
    return value


def _demand(holds: bool, private: str) -> None:  # noqa: FBT001
    if not holds:
        raise invalid_proof(private)
