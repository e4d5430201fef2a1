"""JWS as nobody should make them: header and payload as given, signed by hand.

Independent of the libraries that Signet verifies with, and free to lie: the header's `alg` is one
thing, what really signs is another.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def new_key(alg: str) -> PrivateKey:
    """Make a key for an algorithm."""
    if alg in _CURVES:
        return ec.generate_private_key(_CURVES[alg])
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def public_jwk(key: PrivateKey, **members: str) -> dict[str, str]:
    """Write a key's public half as a JWK, with `kid`, `alg` and the like beside it."""
    numbers = key.public_key().public_numbers()
    if isinstance(numbers, rsa.RSAPublicNumbers):
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e), **members}
    size = (numbers.curve.key_size + 7) // 8
    point = {"x": _number(numbers.x, size), "y": _number(numbers.y, size)}
    return {"kty": "EC", "crv": _NAMES[numbers.curve.name], **point, **members}


def private_jwk(key: PrivateKey, **members: str) -> dict[str, str]:
    """Write an EC key with its private half, for an application that is another program."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    size = (key.curve.key_size + 7) // 8
    secret = _number(key.private_numbers().private_value, size)
    return {**public_jwk(key, **members), "d": secret}


def encode(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def segment(part: Mapping[str, Any] | str) -> str:
    """Write a header or payload; a text is taken as it is, duplicates and all."""
    text = part if isinstance(part, str) else json.dumps(part)
    return encode(text.encode("utf-8"))


def sign(
    header: Mapping[str, Any] | str,
    payload: Mapping[str, Any] | str,
    *,
    key: PrivateKey | bytes | None,
    alg: str,
) -> str:
    """Sign what is given with `alg`, whatever the header says; `none` leaves the end empty."""
    signing_input = f"{segment(header)}.{segment(payload)}"
    return f"{signing_input}.{encode(signature(signing_input.encode('ascii'), key, alg))}"


def signature(message: bytes, key: PrivateKey | bytes | None, alg: str) -> bytes:
    """Sign a message as JWA says [RFC 7518 3]."""
    if alg == "none":
        return b""
    if isinstance(key, bytes):
        return hmac.new(key, message, hashlib.sha256).digest()
    hashed = _HASHES[alg[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashed)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    assert isinstance(key, rsa.RSAPrivateKey)
    if alg.startswith("PS"):
        pss = padding.PSS(mgf=padding.MGF1(hashed), salt_length=hashed.digest_size)
        return key.sign(message, pss, hashed)
    return key.sign(message, padding.PKCS1v15(), hashed)


def half_hash(value: str, alg: str) -> str:
    """Compute at_hash or c_hash [OIDC Core 3.1.3.6]."""
    digest = hashlib.new(f"sha{alg[2:]}", value.encode("ascii")).digest()
    return encode(digest[: len(digest) // 2])


def _number(number: int, size: int = 0) -> str:
    return encode(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))
