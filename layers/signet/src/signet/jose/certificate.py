"""X.509 certificates for keys that are elsewhere [RFC 5280]: signed by the very key that they name.

For providers that are given a certificate and no JWKS address. Nobody issues it: it carries a
public key and a name to find it by, and its signature shows that whoever asked holds the key.
"""

import datetime as dt
import hashlib
from typing import Any, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from signet.jose.algorithms import SigningAlgorithm, algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey

_HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def self_signed_certificate(
    jwk: PublicJwk,
    *,
    key: SigningKey,
    common_name: str,
    serial: int,
    not_before: int,
    not_after: int,
) -> bytes:
    """Make a certificate in DER; times are unix seconds.

    Raises:
        Unavailable, Misconfigured: of the signer.
    """
    wanted = algorithm(key.alg)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(jwk.key)
        .serial_number(serial)
        .not_valid_before(_time(not_before))
        .not_valid_after(_time(not_after))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signatures_only(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(jwk.key), critical=False)
    )
    hashed = _HASHES[wanted.hash_name]
    if isinstance(jwk.key, ec.EllipticCurvePublicKey):
        made = builder.sign(_RemoteEcKey(jwk.key, key, wanted), hashed)
    else:
        pss = padding.PSS(mgf=padding.MGF1(hashed), salt_length=padding.PSS.DIGEST_LENGTH)
        chosen = pss if wanted.is_pss else padding.PKCS1v15()
        made = builder.sign(_RemoteRsaKey(jwk.key, key, wanted), hashed, rsa_padding=chosen)
    return made.public_bytes(serialization.Encoding.DER)


def _time(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)


def _signatures_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


class _RemoteKey:
    """What the certificate builder needs of a private key; all that it does is have it signed."""

    def __init__(self, public: Any, key: SigningKey, wanted: SigningAlgorithm) -> None:
        self._public = public
        self._key = key
        self._wanted = wanted

    def public_key(self) -> Any:
        return self._public

    @property
    def key_size(self) -> int:
        return int(self._public.key_size)

    def sign(self, data: Any, *_: Any, **__: Any) -> bytes:
        """Sign the bytes of the certificate; padding and hash are the key's own algorithm."""
        digest = hashlib.new(self._wanted.hash_name, data).digest()
        return self._key.signer.sign_digest(
            key_id=self._key.key_id, algorithm=self._wanted, digest=digest
        ).value

    def _nothing(self, *_: object, **__: object) -> NoReturn:
        raise NotImplementedError

    private_bytes = private_numbers = decrypt = exchange = _nothing
    __copy__ = __deepcopy__ = _nothing


class _RemoteRsaKey(_RemoteKey, rsa.RSAPrivateKey):
    pass


class _RemoteEcKey(_RemoteKey, ec.EllipticCurvePrivateKey):
    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve  # type: ignore[no-any-return]
