"""What we sign, others verify; what others sign, we verify: every algorithm, two libraries."""

import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from tests.support.software_kms import SoftwareKms

from signet.jose import base64url
from signet.jose.algorithms import ALGORITHMS, algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jwks import Jwks
from signet.jose.jws import SigningKey, raw_signature, sign, verify

HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
SIZES = {"ES256": 32, "ES384": 48, "ES512": 66}
CLAIMS = {"iss": "https://idp.example", "aud": "signet", "name": "Adé ✓", "exp": 2_000_000_000}


def new_key(alg: str) -> tuple[SigningKey, PublicJwk]:
    kms = SoftwareKms()
    key_id = kms.create_key(algorithm=algorithm(alg), tags={})
    jwk = PublicJwk.from_der(kms.public_key(key_id), alg=alg)
    return SigningKey(kid=jwk.kid or "", alg=alg, key_id=key_id, signer=kms), jwk


def verify_by_cryptography(token: str, jwk: PublicJwk, alg: str) -> None:
    signing_input, _, last = token.rpartition(".")
    message, signature = signing_input.encode(), base64url.decode(last)
    digest = HASHES[int(alg[2:])]
    if isinstance(jwk.key, rsa.RSAPublicKey):
        scheme = (
            padding.PKCS1v15()
            if alg.startswith("RS")
            else padding.PSS(padding.MGF1(digest), digest.digest_size)
        )
        jwk.key.verify(signature, message, scheme, digest)
        return
    size = SIZES[alg]
    assert len(signature) == 2 * size
    r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
    jwk.key.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_two_other_libraries_verify_what_we_sign(alg: str) -> None:
    key, jwk = new_key(alg)
    token = sign(CLAIMS, key=key, typ="JWT").compact
    verify_by_cryptography(token, jwk, alg)
    imported = (RSAKey if jwk.kty == "RSA" else ECKey).import_key(jwk.as_dict())
    decoded = jwt.decode(token, imported, algorithms=[alg])
    assert decoded.claims == CLAIMS
    assert decoded.header == {"alg": alg, "kid": key.kid, "typ": "JWT"}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_other_library_refuses_what_we_refuse(alg: str) -> None:
    key, jwk = new_key(alg)
    token = sign(CLAIMS, key=key, typ="JWT").compact
    header, _, signature = token.split(".")
    forged = ".".join((header, base64url.encode(json.dumps({"iss": "evil"}).encode()), signature))
    with pytest.raises(InvalidSignature):
        verify_by_cryptography(forged, jwk, alg)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_we_verify_what_another_library_signs(alg: str) -> None:
    wanted = algorithm(alg)
    private = (
        RSAKey.generate_key(2_048)
        if wanted.crv is None
        else ECKey.generate_key(wanted.crv, private=True)
    )
    public = {**private.as_dict(private=False), "kid": "theirs"}
    token = jwt.encode({"alg": alg, "kid": "theirs"}, CLAIMS, private, algorithms=[alg])
    verified = verify(
        token, keys=Jwks.read({"keys": [public]}), alg=alg, types=frozenset({None, "JWT"})
    )
    assert verified.claims == CLAIMS


@pytest.mark.parametrize(("crv", "size"), [("P-256", 32), ("P-384", 48), ("P-521", 66)])
@pytest.mark.parametrize(("r", "s"), [(1, 1), (1, 2**200), (2**200, 1), (0x80, 0xFF)])
def test_short_numbers_of_a_der_signature_are_padded(crv: str, size: int, r: int, s: int) -> None:
    raw = raw_signature(encode_dss_signature(r, s), crv=crv)
    assert len(raw) == 2 * size
    assert int.from_bytes(raw[:size], "big") == r
    assert int.from_bytes(raw[size:], "big") == s


def test_a_signature_whose_r_or_s_is_short_verifies() -> None:
    key, jwk = new_key("ES256")
    # One in 128 has a zero byte in front of r or s.
    tokens = (sign({"count": count}, key=key, typ="JWT").compact for count in range(5_000))
    token = next(token for token in tokens if _is_short(token))
    verify_by_cryptography(token, jwk, "ES256")
    verify(token, keys=Jwks(keys=(jwk,)), alg="ES256", types=frozenset({"JWT"}))


def _is_short(token: str) -> bool:
    signature = base64url.decode(token.rpartition(".")[2])
    return 0 in {signature[0], signature[32]}
