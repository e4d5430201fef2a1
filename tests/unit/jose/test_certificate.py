"""Certificates that the key itself signed, without leaving where it is."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.support.software_kms import SoftwareKms

from signet.errors import Misconfigured, Unavailable
from signet.jose import base64url
from signet.jose.algorithms import ALGORITHMS, algorithm
from signet.jose.certificate import self_signed_certificate
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey, read_unverified, sign
from signet.jose.key_reference import key_reference

NOW = 1_800_000_000
EVERY = pytest.mark.parametrize("alg", ALGORITHMS)


class Held:
    """A key behind a signer, with its public half."""

    def __init__(self, alg: str) -> None:
        self.kms = SoftwareKms()
        key_id = self.kms.create_key(algorithm=algorithm(alg), tags={})
        self.jwk = PublicJwk.from_der(self.kms.public_key(key_id), alg=alg)
        self.key = SigningKey(kid=self.jwk.kid or "", alg=alg, key_id=key_id, signer=self.kms)

    def certificate(self) -> bytes:
        return self_signed_certificate(
            self.jwk,
            key=self.key,
            common_name="Signet con_a",
            serial=2**158 + 7,
            not_before=NOW,
            not_after=NOW + 86_400,
        )


@EVERY
def test_a_certificate_holds_under_the_key_that_it_names(alg: str) -> None:
    held = Held(alg)
    certificate = x509.load_der_x509_certificate(held.certificate())
    assert certificate.public_key() == held.jwk.key
    certificate.verify_directly_issued_by(certificate)
    assert held.kms.signatures == 1


@EVERY
def test_the_signature_is_of_the_keys_own_algorithm(alg: str) -> None:
    certificate = x509.load_der_x509_certificate(Held(alg).certificate())
    parameters = certificate.signature_algorithm_parameters
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name == algorithm(alg).hash_name
    if alg.startswith("PS"):
        assert isinstance(parameters, padding.PSS)
        assert parameters._salt_length == certificate.signature_hash_algorithm.digest_size
    if alg.startswith("RS"):
        assert isinstance(parameters, padding.PKCS1v15)


def test_a_certificate_says_who_it_is_for_and_for_how_long() -> None:
    certificate = x509.load_der_x509_certificate(Held("ES256").certificate())
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "Signet con_a"
    assert certificate.issuer == certificate.subject
    assert certificate.serial_number == 2**158 + 7
    assert certificate.not_valid_before_utc == dt.datetime.fromtimestamp(NOW, tz=dt.UTC)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == dt.timedelta(1)


def test_a_certificate_is_for_signatures_and_not_an_authority() -> None:
    extensions = x509.load_der_x509_certificate(Held("RS256").certificate()).extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign


def test_without_kms_there_is_no_certificate() -> None:
    held = Held("RS256")
    held.kms.fail = 1
    with pytest.raises(Unavailable):
        held.certificate()


def test_a_header_names_the_certificate_by_its_thumbprints() -> None:
    held = Held("PS256")
    certificate = x509.load_der_x509_certificate(held.certificate())
    der = certificate.public_bytes(Encoding.DER)
    key = SigningKey(
        kid=held.key.kid, alg="PS256", key_id=held.key.key_id, signer=held.kms, certificate=der
    )
    token = sign({}, key=key, typ="JWT", key_headers=("x5t", "x5t#S256")).compact
    header = read_unverified(token).header
    sha1 = certificate.fingerprint(x509.base.hashes.SHA1())
    sha256 = certificate.fingerprint(x509.base.hashes.SHA256())
    assert header == {
        "alg": "PS256",
        "typ": "JWT",
        "x5t": base64url.encode(sha1),
        "x5t#S256": base64url.encode(sha256),
    }


def test_a_header_may_name_no_key_at_all() -> None:
    held = Held("ES256")
    token = sign({}, key=held.key, typ=None, key_headers=()).compact
    assert read_unverified(token).header == {"alg": "ES256"}


def test_extra_headers_never_name_another_key() -> None:
    held = Held("ES256")
    extra = {"kid": "other", "x5t": "other", "x5t#S256": "other", "x5c": ["other"]}
    header = read_unverified(sign({}, key=held.key, typ=None, headers=extra).compact).header
    assert header == {"alg": "ES256", "kid": held.key.kid}


def test_x5c_is_the_certificate_itself() -> None:
    assert key_reference(["x5c"], kid="k", certificate=b"\xff\xfe") == {"x5c": ["//4="]}


@pytest.mark.parametrize("name", ["x5t", "x5t#S256", "x5c"])
def test_a_key_without_a_certificate_cannot_be_named_by_one(name: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        key_reference([name], kid="k", certificate=None)
    assert refused.value.code == "certificate_missing"
