"""Public keys as JWKs [RFC 7517 4; RFC 7518 6]: read strictly, written with padded coordinates."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signet.errors import Rejected
from signet.jose import base64url
from signet.jose.algorithms import SigningAlgorithm, algorithm
from signet.jose.thumbprint import thumbprint

MIN_RSA_BITS = 2_048
MAX_RSA_BITS = 8_192
MIN_EXPONENT = 65_537
MAX_KID = 255
_MAX_EXPONENT_BITS = 64
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES: Mapping[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_NAMES = {curve.name: name for name, curve in _CURVES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicJwk:
    """One public signing key; `alg`, `kid` and `use` only where the JWK has them."""

    kty: str
    crv: str | None
    kid: str | None
    alg: str | None
    use: str | None
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey

    @classmethod
    def parse(cls, member: Mapping[str, object]) -> "PublicJwk":
        """Read one member of a JWK Set that signatures may be verified with.

        Raises:
            Rejected: `invalid_jwk`: private or symmetric, weak, off its curve, or for encryption.
        """
        if _PRIVATE & member.keys():
            raise _refused("it holds a private or symmetric key")
        _check_purpose(member)
        kty = member.get("kty")
        if kty == "RSA":
            key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey = _rsa_key(member)
            crv = None
        elif kty == "EC":
            key, crv = _ec_key(member)
        else:
            raise _refused("its kty is neither RSA nor EC")
        found = cls(
            kty=str(kty),
            crv=crv,
            kid=_short_text(member, "kid"),
            alg=_short_text(member, "alg"),
            use=_short_text(member, "use"),
            key=key,
        )
        _check_algorithm(found)
        return found

    @classmethod
    def from_der(cls, der: bytes, *, alg: str) -> "PublicJwk":
        """Read KMS's SubjectPublicKeyInfo, for `alg`; `kid` is the RFC 7638 thumbprint.

        Raises:
            Rejected: `invalid_jwk`.
        """
        try:
            key = load_der_public_key(der)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _refused("it is not a public key") from error
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise _refused("its type cannot sign here")
        members = _members(key)
        return cls.parse({**members, "kid": thumbprint(members), "alg": alg, "use": "sig"})

    def as_dict(self) -> dict[str, str]:
        """Write the public members; coordinates padded to the curve's length [7518 6.2.1.2]."""
        optional = {"kid": self.kid, "use": self.use, "alg": self.alg}
        present = {name: value for name, value in optional.items() if value is not None}
        return {**_members(self.key), **present}

    def fits(self, wanted: SigningAlgorithm) -> bool:
        """Tell whether a signature of that algorithm may be verified with this key."""
        same_type = self.kty == wanted.kty and self.crv == wanted.crv
        return same_type and self.alg in {None, wanted.name}


def _check_purpose(member: Mapping[str, object]) -> None:
    if member.get("use", "sig") != "sig":
        raise _refused("its use is not sig")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _refused("its key_ops do not hold verify")


def _check_algorithm(jwk: PublicJwk) -> None:
    if jwk.alg is not None and not jwk.fits(algorithm(jwk.alg)):
        raise _refused("its alg does not fit its type")


def _rsa_key(member: Mapping[str, object]) -> rsa.RSAPublicKey:
    # Sizes first: nothing is computed with a number that is out of bounds.
    modulus, exponent = _number(member, "n", MAX_RSA_BITS), _number(member, "e", _MAX_EXPONENT_BITS)
    if modulus.bit_length() < MIN_RSA_BITS:
        raise _refused("its modulus is under 2048 bits")
    if modulus % 2 == 0:
        raise _refused("its modulus is even")
    if exponent < MIN_EXPONENT or exponent % 2 == 0:
        raise _refused("its exponent is too small or even")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _ec_key(member: Mapping[str, object]) -> tuple[ec.EllipticCurvePublicKey, str]:
    crv = member.get("crv")
    curve = _CURVES.get(crv) if isinstance(crv, str) else None
    if curve is None:
        raise _refused("its crv is not P-256, P-384 or P-521")
    size = (curve.key_size + 7) // 8
    x, y = (_coordinate(member, name, size) for name in ("x", "y"))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, curve).public_key(), str(crv)
    except ValueError as error:
        raise _refused("its point is not on its curve") from error


def _number(member: Mapping[str, object], name: str, max_bits: int) -> int:
    data = _bytes(member, name)
    if not data or len(data) * 8 > max_bits + 8:
        raise _refused(f"{name} is out of bounds")
    number = int.from_bytes(data, "big")
    if number.bit_length() > max_bits:
        raise _refused(f"{name} is out of bounds")
    return number


def _coordinate(member: Mapping[str, object], name: str, size: int) -> int:
    data = _bytes(member, name)
    if len(data) != size:
        raise _refused(f"{name} has not the length of its curve")
    return int.from_bytes(data, "big")


def _bytes(member: Mapping[str, object], name: str) -> bytes:
    value = member.get(name)
    if not isinstance(value, str) or len(value) > MAX_RSA_BITS // 4:
        raise _refused(f"{name} is absent or out of bounds")
    return base64url.decode(value)


def _short_text(member: Mapping[str, object], name: str) -> str | None:
    value = member.get(name)
    if value is None and name not in member:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_KID:
        raise _refused(f"{name} is not a short text")
    return value


def _members(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> dict[str, str]:
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _unpadded(numbers.n), "e": _unpadded(numbers.e)}
    size = (key.curve.key_size + 7) // 8
    point = key.public_numbers()
    return {
        "kty": "EC",
        "crv": _NAMES.get(key.curve.name, key.curve.name),
        "x": base64url.encode(point.x.to_bytes(size, "big")),
        "y": base64url.encode(point.y.to_bytes(size, "big")),
    }


def _unpadded(number: int) -> str:
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _refused(reason: str) -> Rejected:
    return Rejected("invalid_jwk", f"A key cannot be used: {reason}.")
