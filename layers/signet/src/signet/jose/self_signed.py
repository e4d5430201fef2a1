"""A JWS under the key that its own header brings: a proof that somebody holds that key [RFC 7515].

Whom such a key belongs to, it never says. So this is for proofs of possession alone (DPoP), and
`jws.verify` refuses every token whose header brings a key.
"""

from dataclasses import dataclass

from signet.errors import Rejected
from signet.jose.algorithms import SigningAlgorithm, algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import REFUSED_HEADERS, InvalidToken, SignedClaims, holds, take_apart
from signet.jose.thumbprint import thumbprint

_REFUSED = REFUSED_HEADERS - {"jwk"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfSigned:
    """What somebody signed, and the RFC 7638 thumbprint of the key that they hold."""

    signed: SignedClaims
    jkt: str


def verify_self_signed(token: str, *, algs: tuple[str, ...], typ: str) -> SelfSigned:
    """Verify a token under its header's `jwk`; `typ` has to be exactly that [RFC 8725 3.11].

    Raises:
        InvalidToken: its form, kind, algorithm, key or signature; the private text says which.
    """
    unverified = take_apart(token)
    if _REFUSED & unverified.header.keys():
        raise InvalidToken("its header brings rules of its own")
    if unverified.header.get("typ") != typ:
        raise InvalidToken("it is a token of another kind")
    pinned = _allowed(unverified.header.get("alg"), algs)
    jwk = _public_key(unverified.header.get("jwk"))
    if not jwk.fits(pinned):
        raise InvalidToken("its key is not of its alg")
    if not holds(unverified, pinned, jwk.key):
        raise InvalidToken("its signature does not hold")
    return SelfSigned(
        signed=SignedClaims(header=unverified.header, claims=unverified.claims),
        jkt=thumbprint(jwk.as_dict()),
    )


def _allowed(alg: object, algs: tuple[str, ...]) -> SigningAlgorithm:
    if not isinstance(alg, str) or alg not in algs:
        raise InvalidToken("its alg is not allowed")
    return algorithm(alg)


def _public_key(member: object) -> PublicJwk:
    """Read the key; a private one in a header was given away, and proves nothing any more."""
    if not isinstance(member, dict):
        raise InvalidToken("its header brings no key")
    try:
        return PublicJwk.parse(member)
    except Rejected as error:
        raise InvalidToken(f"its key: {error.public}") from error
