"""The `Kms` port on keys in memory: signs digests as AWS KMS does (DER for ECDSA)."""

from collections.abc import Mapping
from itertools import count

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from signet.broker.ports import KmsKey, Page
from signet.errors import Misconfigured, Unavailable
from signet.jose.algorithms import SigningAlgorithm
from signet.jose.jws import DigestSignature

_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class SoftwareKms:
    """Counts its signatures; `fail` makes the next ones unavailable."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.scheduled: set[str] = set()
        self.disabled: set[str] = set()
        self.created: dict[str, int] = {}
        self.signatures = 0
        self.fail = 0
        self._ids = count(1)

    def create_key(self, *, algorithm: SigningAlgorithm, tags: Mapping[str, str]) -> str:
        key_id = f"key-{next(self._ids)}"
        self.tags[key_id] = dict(tags)
        if algorithm.kty == "RSA":
            # One RSA key a process: making them is slow, and no test tells two of them apart.
            self.keys[key_id] = _RSA if len(self.keys) == 0 else _new_rsa()
        else:
            self.keys[key_id] = ec.generate_private_key(_CURVES[algorithm.crv or ""])
        return key_id

    def public_key(self, key_id: str) -> bytes:
        return (
            self.keys[key_id]
            .public_key()
            .public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def disable_key(self, key_id: str) -> None:
        self.disabled.add(key_id)

    def tag_key(self, key_id: str, tags: Mapping[str, str]) -> None:
        self.tags[key_id].update(tags)

    def list_keys(self, *, position: str | None) -> Page[str]:
        del position
        return Page(items=tuple(self.keys), position=None)

    def describe(self, key_id: str) -> KmsKey | None:
        if key_id not in self.keys:
            return None
        state = "disabled" if key_id in self.disabled else "enabled"
        return KmsKey(
            key_id=key_id,
            created_at=self.created.get(key_id, 0),
            state="pending_deletion" if key_id in self.scheduled else state,
            tags=self.tags[key_id],
        )

    def schedule_deletion(self, key_id: str) -> None:
        self.scheduled.add(key_id)

    def sign_digest(
        self, *, key_id: str, algorithm: SigningAlgorithm, digest: bytes
    ) -> DigestSignature:
        if self.fail:
            self.fail -= 1
            raise Unavailable("signing_unavailable", "The service is not available now.")
        if key_id in self.disabled or key_id in self.scheduled:
            raise Misconfigured("signing_key", "This service cannot sign now.")
        self.signatures += 1
        key, digest_of = self.keys[key_id], Prehashed(_HASHES[algorithm.hash_name])
        if isinstance(key, ec.EllipticCurvePrivateKey):
            value = key.sign(digest, ec.ECDSA(digest_of))
        elif algorithm.name.startswith("PS"):
            salt = padding.PSS.DIGEST_LENGTH
            mask = padding.MGF1(_HASHES[algorithm.hash_name])
            value = key.sign(digest, padding.PSS(mask, salt), digest_of)
        else:
            value = key.sign(digest, padding.PKCS1v15(), digest_of)
        return DigestSignature(value=value, request_id=f"request-{self.signatures}")


def _new_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
