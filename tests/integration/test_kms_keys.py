"""The `Kms` port on KMS: each algorithm signs so that other people's libraries verify it."""

import hashlib
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, RSAKey
from tests.integration.conftest import Aws

from signet.adapters.kms import KmsKeys
from signet.errors import Misconfigured
from signet.jose.algorithms import ALGORITHMS, SigningAlgorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey, sign

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
MESSAGES = {"empty": b"", "short": b"message", "over what KMS takes": b"m" * 10_000}


@pytest.fixture(scope="module")
def key_ids(kms: KmsKeys) -> dict[str, str]:
    """Return one key for each algorithm; making RSA keys is slow."""
    return {
        name: kms.create_key(algorithm=found, tags={"signet:test": name})
        for name, found in ALGORITHMS.items()
    }


def verify_with_cryptography(
    der: bytes, signature: bytes, message: bytes, algorithm: SigningAlgorithm
) -> None:
    """Verify as RFC 7518 says: PKCS #1 v1.5, PSS with a salt of the hash's length, or ECDSA."""
    public, hashed = load_der_public_key(der), HASHES[algorithm.hash_name]
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(hashed))
        return
    assert isinstance(public, rsa.RSAPublicKey)
    pad: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm.name.startswith("PS"):
        pad = padding.PSS(mgf=padding.MGF1(hashed), salt_length=hashed.digest_size)
    public.verify(signature, message, pad, hashed)


@pytest.mark.parametrize("size", MESSAGES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_signature_verifies_by_cryptography(
    kms: KmsKeys, key_ids: dict[str, str], name: str, size: str
) -> None:
    algorithm, message = ALGORITHMS[name], MESSAGES[size]
    digest = hashlib.new(algorithm.hash_name, message).digest()
    signed = kms.sign_digest(key_id=key_ids[name], algorithm=algorithm, digest=digest)
    der = kms.public_key(key_ids[name])
    verify_with_cryptography(der, signed.value, message, algorithm)
    assert signed.request_id
    with pytest.raises(InvalidSignature):
        verify_with_cryptography(der, signed.value, message + b"!", algorithm)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_token_verifies_by_joserfc_under_the_published_jwk(
    kms: KmsKeys, key_ids: dict[str, str], name: str
) -> None:
    jwk = PublicJwk.from_der(kms.public_key(key_ids[name]), alg=name).as_dict()
    key = SigningKey(kid=jwk["kid"], alg=name, key_id=key_ids[name], signer=kms)
    claims = {"long": "c" * 6_000, "text": "ä"}
    token = sign(claims, key=key, typ="JWT")
    imported: Any = (RSAKey if jwk["kty"] == "RSA" else ECKey).import_key(dict(jwk))
    verified = joserfc_jws.deserialize_compact(token.compact, imported, algorithms=[name])
    assert json.loads(verified.payload) == claims
    assert verified.headers() == {"alg": name, "kid": jwk["kid"], "typ": "JWT"}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_key_is_made_of_the_algorithms_kind_and_tagged_at_once(
    aws: Aws, key_ids: dict[str, str], name: str
) -> None:
    client = aws.client("kms")
    metadata = client.describe_key(KeyId=key_ids[name])["KeyMetadata"]
    assert metadata["KeySpec"] == ALGORITHMS[name].kms_key_spec
    assert metadata["KeyUsage"] == "SIGN_VERIFY"
    tags = client.list_resource_tags(KeyId=key_ids[name])["Tags"]
    assert tags == [{"TagKey": "signet:test", "TagValue": name}]


def _disable(client: Any, key_id: str) -> str:
    client.disable_key(KeyId=key_id)
    return key_id


def _delete(client: Any, key_id: str) -> str:
    client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    return key_id


def _absent(client: Any, key_id: str) -> str:
    return "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("spoil", [_disable, _delete, _absent])
def test_a_key_that_is_gone_signs_nothing_and_no_other_takes_over(
    aws: Aws, kms: KmsKeys, spoil: Any
) -> None:
    algorithm = ALGORITHMS["ES256"]
    key_id = spoil(aws.client("kms"), kms.create_key(algorithm=algorithm, tags={}))
    with pytest.raises(Misconfigured) as caught:
        kms.sign_digest(key_id=key_id, algorithm=algorithm, digest=b"d" * 32)
    assert caught.value.code == "signing_key"


# --- what the reaper and the census see ------------------------------------------------------


def test_a_key_is_described_by_its_state_its_age_and_its_tags(aws: Aws, kms: KmsKeys) -> None:
    tags = {"signet:stack": "s", "signet:purpose": "connection"}
    key_id = kms.create_key(algorithm=ALGORITHMS["ES256"], tags=tags)
    created = aws.client("kms").describe_key(KeyId=key_id)["KeyMetadata"]["CreationDate"]
    found = kms.describe(key_id)
    assert found is not None
    assert found.created_at == int(created.timestamp())
    assert (found.key_id, found.state, found.tags) == (key_id, "enabled", tags)
    kms.tag_key(key_id, {"signet:disabled-at": "7"})
    kms.disable_key(key_id)
    kms.disable_key(key_id)
    disabled = kms.describe(key_id)
    assert disabled is not None
    assert (disabled.state, disabled.tags["signet:disabled-at"]) == ("disabled", "7")
    kms.schedule_deletion(key_id)
    kms.schedule_deletion(key_id)
    leaving = kms.describe(key_id)
    assert leaving is not None
    assert leaving.state == "pending_deletion"
    deleted = aws.client("kms").describe_key(KeyId=key_id)["KeyMetadata"]["DeletionDate"]
    assert (deleted - created).days in {29, 30}


def test_a_key_that_is_not_there_is_described_as_nothing(kms: KmsKeys) -> None:
    absent = _absent(None, "")
    assert kms.describe(absent) is None
    kms.disable_key(absent)
    kms.schedule_deletion(absent)


def test_a_key_of_another_kind_signs_nothing(kms: KmsKeys, key_ids: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        kms.sign_digest(key_id=key_ids["ES256"], algorithm=ALGORITHMS["RS256"], digest=b"d" * 32)
