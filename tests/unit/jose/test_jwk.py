"""Public keys: which may verify, and how ours are written [RFC 7517; RFC 7518 6]."""

from functools import cache

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey

from signet.errors import Rejected
from signet.jose import base64url
from signet.jose.algorithms import ALGORITHMS, algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.thumbprint import thumbprint

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
SIZES = {"P-256": 32, "P-384": 48, "P-521": 66}
PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo


@cache
def rsa_numbers(bits: int) -> rsa.RSAPublicNumbers:
    return rsa.generate_private_key(65_537, bits).public_key().public_numbers()


def encoded(number: int) -> str:
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def rsa_jwk(bits: int = 2_048, **changes: object) -> dict[str, object]:
    return {"kty": "RSA", "n": encoded(rsa_numbers(bits).n), "e": "AQAB", **changes}


def ec_jwk(crv: str = "P-256", **changes: object) -> dict[str, object]:
    point = ec.derive_private_key(7, CURVES[crv]).public_key().public_numbers()
    x, y = (base64url.encode(n.to_bytes(SIZES[crv], "big")) for n in (point.x, point.y))
    return {"kty": "EC", "crv": crv, "x": x, "y": y, **changes}


def without(document: dict[str, object], name: str) -> dict[str, object]:
    return {member: value for member, value in document.items() if member != name}


REFUSED = {
    # private and symmetric
    "an oct key": {"kty": "oct", "k": "AAAA"},
    "an oct key that calls itself RSA": rsa_jwk(k="AAAA"),
    **{f"RSA with {name}": rsa_jwk(**{name: "AQAB"}) for name in ("d", "p", "q", "dp", "dq", "qi")},
    "RSA with more primes": rsa_jwk(oth=[]),
    "EC with d": ec_jwk(d="AQAB"),
    "EC with d null": ec_jwk(d=None),
    # purpose
    "for encryption": rsa_jwk(use="enc"),
    "use null": rsa_jwk(use=None),
    "use is a list": rsa_jwk(use=["sig"]),
    "key_ops without verify": ec_jwk(key_ops=["sign"]),
    "key_ops is a text": ec_jwk(key_ops="verify"),
    # type
    "no kty": without(rsa_jwk(), "kty"),
    "kty in another case": rsa_jwk(kty="rsa"),
    "kty is a list": rsa_jwk(kty=["RSA"]),
    "OKP": {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(b"x" * 32)},
    # RSA sizes
    "RSA-1024": rsa_jwk(1_024),
    "RSA of 2047 bits": rsa_jwk(n=encoded(2**2_047 - 1)),
    "RSA of 8193 bits": rsa_jwk(n=encoded(2**8_192 + 1)),
    "RSA of 8208 bits": rsa_jwk(n=encoded(2**8_207 + 1)),
    "RSA padded to 8208 bits": rsa_jwk(n=base64url.encode(b"\x00" * 800 + b"\xff" * 300)),
    "RSA of 100,000 bytes": rsa_jwk(n="A" * 100_000),
    "n even": rsa_jwk(n=encoded(2**2_047)),
    "e=1": rsa_jwk(e=encoded(1)),
    "e=3": rsa_jwk(e=encoded(3)),
    "e=65535": rsa_jwk(e=encoded(65_535)),
    "e even": rsa_jwk(e=encoded(65_538)),
    "e of 65 bits": rsa_jwk(e=encoded(2**64 + 1)),
    "e empty": rsa_jwk(e=""),
    "n absent": without(rsa_jwk(), "n"),
    "n is a number": rsa_jwk(n=7),
    "n is not base64url": rsa_jwk(n="!"),
    "n padded with =": rsa_jwk(n=encoded(rsa_numbers(2_048).n) + "=="),
    # EC points
    "crv absent": without(ec_jwk(), "crv"),
    "crv is a list": {**ec_jwk(), "crv": ["P-256"]},
    "secp256k1": {**ec_jwk(), "crv": "secp256k1"},
    "another curve of the same type": {**ec_jwk(), "crv": "P-384"},
    "off its curve": ec_jwk(y=base64url.encode(b"\x01" * 32)),
    "the point at infinity": ec_jwk(
        x=base64url.encode(b"\x00" * 32), y=base64url.encode(b"\x00" * 32)
    ),
    "x over the field": ec_jwk(x=base64url.encode(b"\xff" * 32)),
    "x short of a zero": ec_jwk(x=base64url.encode(b"\x01" * 31)),
    "x with a zero too many": ec_jwk(x=base64url.encode(b"\x00" + b"\x01" * 32)),
    "y absent": without(ec_jwk(), "y"),
    # alg and kid
    "alg of another type": rsa_jwk(alg="ES256"),
    "alg of another curve": ec_jwk(alg="ES384"),
    "alg symmetric": rsa_jwk(alg="HS256"),
    "alg none": rsa_jwk(alg="none"),
    "alg for encryption": rsa_jwk(alg="RSA-OAEP"),
    "alg null": rsa_jwk(alg=None),
    "alg is a list": rsa_jwk(alg=["RS256"]),
    "kid empty": rsa_jwk(kid=""),
    "kid null": rsa_jwk(kid=None),
    "kid is a number": rsa_jwk(kid=7),
    "kid too long": rsa_jwk(kid="k" * 256),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_key_that_may_not_verify_is_refused(case: str) -> None:
    with pytest.raises(Rejected) as refused:
        PublicJwk.parse(REFUSED[case])
    assert refused.value.code in {"invalid_jwk", "unsupported_alg", "invalid_base64url"}


ACCEPTED = {
    "plain RSA": rsa_jwk(),
    "RSA-3072": rsa_jwk(3_072),
    "RSA of 8192 bits": rsa_jwk(n=encoded(2**8_191 + 1)),
    "e of 64 bits": rsa_jwk(e=encoded(2**63 + 1)),
    "everything that a key may say": rsa_jwk(
        alg="PS512", kid="k" * 255, use="sig", key_ops=["verify"], x5t="ignored"
    ),
    "P-256": ec_jwk("P-256", alg="ES256"),
    "P-384": ec_jwk("P-384", alg="ES384"),
    "P-521": ec_jwk("P-521", alg="ES512"),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_key_that_may_verify_is_read_and_written_back(case: str) -> None:
    document = ACCEPTED[case]
    known = {"kty", "crv", "n", "e", "x", "y", "kid", "alg", "use"}
    expected = {name: value for name, value in document.items() if name in known}
    assert PublicJwk.parse(document).as_dict() == expected


@pytest.mark.parametrize("crv", CURVES)
def test_coordinates_that_begin_with_zero_keep_their_length(crv: str) -> None:
    # One key in 128 has a zero byte in front of x or y; the scalars are fixed, so is the search.
    found: set[str] = set()
    for scalar in range(2, 4_000):
        key = ec.derive_private_key(scalar, CURVES[crv]).public_key()
        point, size = key.public_numbers(), SIZES[crv]
        short = {n for n in ("x", "y") if getattr(point, n).bit_length() <= 8 * (size - 1)}
        if not short - found:
            continue
        found |= short
        alg = next(a.name for a in ALGORITHMS.values() if a.crv == crv)
        der = key.public_bytes(serialization.Encoding.DER, PUBLIC)
        jwk = PublicJwk.from_der(der, alg=alg).as_dict()
        assert {len(base64url.decode(jwk[name])) for name in ("x", "y")} == {size}
        assert PublicJwk.parse({**jwk}).key.public_numbers() == point
        with pytest.raises(Rejected):
            PublicJwk.parse({**jwk, **{name: encoded(getattr(point, name)) for name in short}})
        assert jwk["kid"] == ECKey.import_key(jwk).thumbprint()
        if found == {"x", "y"}:
            return
    raise AssertionError


def test_the_kid_of_a_kms_key_is_its_thumbprint() -> None:
    key = rsa_numbers(2_048).public_key()
    der = key.public_bytes(serialization.Encoding.DER, PUBLIC)
    jwk = PublicJwk.from_der(der, alg="RS256")
    assert jwk.kid == thumbprint(jwk.as_dict())
    assert (jwk.alg, jwk.use) == ("RS256", "sig")


@pytest.mark.parametrize(
    "key",
    [
        rsa_numbers(1_024).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ec.generate_private_key(ec.SECP384R1()).public_key(),
    ],
)
def test_a_key_that_does_not_fit_is_not_published(
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey,
) -> None:
    der = key.public_bytes(serialization.Encoding.DER, PUBLIC)
    with pytest.raises(Rejected):
        PublicJwk.from_der(der, alg="ES256")


@pytest.mark.parametrize("der", [b"", b"\x00" * 64, b"-----BEGIN PUBLIC KEY-----"])
def test_what_is_no_key_is_not_published(der: bytes) -> None:
    with pytest.raises(Rejected) as refused:
        PublicJwk.from_der(der, alg="RS256")
    assert refused.value.code == "invalid_jwk"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_fits_the_algorithms_of_its_type_and_curve(alg: str) -> None:
    wanted = algorithm(alg)
    for document in (rsa_jwk(), ec_jwk("P-256"), ec_jwk("P-384"), ec_jwk("P-521")):
        fits = document["kty"] == wanted.kty and document.get("crv") == wanted.crv
        assert PublicJwk.parse(document).fits(wanted) is fits


def test_a_key_of_one_algorithm_fits_no_other() -> None:
    key = PublicJwk.parse(rsa_jwk(alg="PS256"))
    assert [name for name, wanted in ALGORITHMS.items() if key.fits(wanted)] == ["PS256"]


@pytest.mark.parametrize("name", ["", "none", "None", "nOnE", "HS256", "rs256", "EdDSA", "ES256K"])
def test_other_algorithms_do_not_exist(name: str) -> None:
    with pytest.raises(Rejected) as refused:
        algorithm(name)
    assert refused.value.code == "unsupported_alg"
