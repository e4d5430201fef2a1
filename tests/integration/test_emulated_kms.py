"""KMS as AWS documents it: the emulation keeps to it, and the day that moto does is noticed.

Each behaviour is a function of a client. It has to hold on the mended emulation; on moto as it is
it is expected to fail, strictly, where signet_local.emulated_aws.mended_kms mends something.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import boto3  # noqa: TID251  (moto itself, without our mending)
import pytest
from botocore.exceptions import ClientError  # noqa: TID251  (what AWS answers is looked at here)
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto import mock_aws
from tests.integration.conftest import Aws

MESSAGE = b"message"
DIGEST = hashlib.sha256(MESSAGE).digest()


def new_key(kms: Any, spec: str = "ECC_NIST_P256") -> str:
    key_id: str = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    return key_id


def sign(kms: Any, key_id: str, algorithm: str, message: bytes, kind: str = "DIGEST") -> bytes:
    answer = kms.sign(KeyId=key_id, Message=message, MessageType=kind, SigningAlgorithm=algorithm)
    signature: bytes = answer["Signature"]
    return signature


def public(kms: Any, key_id: str) -> Any:
    return load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(ClientError) as caught:
        act()
    assert caught.value.response["Error"]["Code"] == code


def a_digest_is_signed_by_rsa_as_it_is(kms: Any) -> None:
    key_id = new_key(kms, "RSA_2048")
    signature = sign(kms, key_id, "RSASSA_PKCS1_V1_5_SHA_256", DIGEST)
    key: rsa.RSAPublicKey = public(kms, key_id)
    key.verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())


def a_digest_is_signed_by_ecdsa_as_it_is(kms: Any) -> None:
    key_id = new_key(kms)
    signature = sign(kms, key_id, "ECDSA_SHA_256", DIGEST)
    key: ec.EllipticCurvePublicKey = public(kms, key_id)
    key.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))


def the_salt_of_pss_is_as_long_as_the_digest(kms: Any) -> None:
    key_id = new_key(kms, "RSA_2048")
    signature = sign(kms, key_id, "RSASSA_PSS_SHA_256", MESSAGE, "RAW")
    key: rsa.RSAPublicKey = public(kms, key_id)
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    key.verify(signature, MESSAGE, pss, hashes.SHA256())


def a_raw_message_is_hashed_by_kms(kms: Any) -> None:
    key_id = new_key(kms)
    signature = sign(kms, key_id, "ECDSA_SHA_256", b"m" * 4_096, "RAW")
    key: ec.EllipticCurvePublicKey = public(kms, key_id)
    key.verify(signature, b"m" * 4_096, ec.ECDSA(hashes.SHA256()))


def a_message_is_raw_unless_it_is_called_a_digest(kms: Any) -> None:
    key_id = new_key(kms)
    answer = kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
    key: ec.EllipticCurvePublicKey = public(kms, key_id)
    key.verify(answer["Signature"], MESSAGE, ec.ECDSA(hashes.SHA256()))


def a_raw_message_over_4096_bytes_is_refused(kms: Any) -> None:
    key_id = new_key(kms)
    refused(
        "ValidationException",
        lambda: sign(kms, key_id, "ECDSA_SHA_256", b"m" * 4_097, "RAW"),
    )


def a_digest_of_another_length_is_refused(kms: Any) -> None:
    key_id = new_key(kms)
    for digest in (DIGEST[:-1], DIGEST + b"\x00", hashlib.sha512(MESSAGE).digest()):
        refused(
            "ValidationException",
            lambda digest=digest: sign(kms, key_id, "ECDSA_SHA_256", digest),
        )


def a_disabled_key_does_not_sign(kms: Any) -> None:
    key_id = new_key(kms)
    kms.disable_key(KeyId=key_id)
    refused("DisabledException", lambda: sign(kms, key_id, "ECDSA_SHA_256", DIGEST))


def a_disabled_key_does_not_show_its_public_half(kms: Any) -> None:
    key_id = new_key(kms)
    kms.disable_key(KeyId=key_id)
    refused("DisabledException", lambda: kms.get_public_key(KeyId=key_id))


def a_key_signs_again_when_it_is_enabled_again(kms: Any) -> None:
    key_id = new_key(kms)
    kms.disable_key(KeyId=key_id)
    kms.enable_key(KeyId=key_id)
    assert sign(kms, key_id, "ECDSA_SHA_256", DIGEST)


def a_key_about_to_be_deleted_does_not_sign(kms: Any) -> None:
    key_id = new_key(kms)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    refused("KMSInvalidStateException", lambda: sign(kms, key_id, "ECDSA_SHA_256", DIGEST))


def a_key_about_to_be_deleted_does_not_show_its_public_half(kms: Any) -> None:
    key_id = new_key(kms)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    refused("KMSInvalidStateException", lambda: kms.get_public_key(KeyId=key_id))


def an_algorithm_of_another_kind_of_key_is_refused(kms: Any) -> None:
    key_id = new_key(kms)
    refused(
        "InvalidKeyUsageException",
        lambda: sign(kms, key_id, "RSASSA_PKCS1_V1_5_SHA_256", DIGEST),
    )


def a_key_that_is_not_there_is_not_found(kms: Any) -> None:
    absent = "00000000-0000-0000-0000-000000000000"
    refused("NotFoundException", lambda: sign(kms, absent, "ECDSA_SHA_256", DIGEST))


MENDED = (
    a_digest_is_signed_by_rsa_as_it_is,
    a_digest_is_signed_by_ecdsa_as_it_is,
    the_salt_of_pss_is_as_long_as_the_digest,
    a_raw_message_over_4096_bytes_is_refused,
    a_digest_of_another_length_is_refused,
    a_disabled_key_does_not_sign,
    a_disabled_key_does_not_show_its_public_half,
    a_key_about_to_be_deleted_does_not_sign,
    a_key_about_to_be_deleted_does_not_show_its_public_half,
    an_algorithm_of_another_kind_of_key_is_refused,
)
RIGHT_BY_ITSELF = (
    a_raw_message_is_hashed_by_kms,
    a_message_is_raw_unless_it_is_called_a_digest,
    a_key_signs_again_when_it_is_enabled_again,
    a_key_that_is_not_there_is_not_found,
)


def _named(behaviour: Callable[[Any], None]) -> str:
    return behaviour.__name__


@pytest.mark.parametrize("behaviour", [*MENDED, *RIGHT_BY_ITSELF], ids=_named)
def test_the_emulated_kms_is_as_aws_documents_it(
    aws: Aws, behaviour: Callable[[Any], None]
) -> None:
    behaviour(aws.client("kms"))


@pytest.mark.xfail(
    reason="moto's KMS is otherwise than AWS's",
    raises=(InvalidSignature, AssertionError, pytest.fail.Exception),
    strict=True,
)
@pytest.mark.parametrize("behaviour", MENDED, ids=_named)
@mock_aws
def test_moto_needs_mending(behaviour: Callable[[Any], None]) -> None:
    """When this passes, take the mending of that behaviour out."""
    behaviour(boto3.client("kms", region_name="us-east-1"))
