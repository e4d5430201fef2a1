"""What moto's KMS does otherwise than AWS KMS, mended in this one place.

Moto hashes a digest again, gives PSS the longest salt instead of the digest's length, signs
messages of any length, and neither refuses to sign with nor to give the public half of a key that
is disabled or about to be deleted. AWS says:
API reference of Sign; developer guide, "Key states of AWS KMS keys"; cryptographic details. A
strict-xfail test tells the day on which moto is right by itself
(tests/integration/test_emulated_kms.py).
"""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.core.exceptions import JsonRESTError
from moto.kms.models import Key, KmsBackend
from moto.kms.responses import KmsResponse

MAX_RAW_MESSAGE = 4_096
_MOTO_GET_PUBLIC_KEY = KmsResponse.get_public_key
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}


def mend() -> None:
    """Mend moto in this process; doing it twice changes nothing."""
    KmsResponse.sign = _sign  # type: ignore[method-assign, assignment]
    KmsResponse.get_public_key = _get_public_key  # type: ignore[method-assign, assignment]


def _get_public_key(response: KmsResponse) -> str:
    """Answer the GetPublicKey operation, for a key in a state that allows it."""
    response._validate_key_id(response._get_param("KeyId"))  # noqa: SLF001
    _check_state(response.kms_backend.describe_key(response._get_param("KeyId")))  # noqa: SLF001
    return _MOTO_GET_PUBLIC_KEY(response)


def _sign(response: KmsResponse) -> str:
    """Answer the Sign operation as AWS does."""
    parameter = response._get_param  # noqa: SLF001
    response._validate_key_id(parameter("KeyId"))  # noqa: SLF001
    backend: KmsBackend = response.kms_backend
    key = backend.describe_key(parameter("KeyId"))
    algorithm = str(parameter("SigningAlgorithm"))
    _check_key(key, algorithm)
    message = bytes(parameter("Message"))
    signature = _signature(
        key.private_key.private_key,  # type: ignore[attr-defined]
        message,
        algorithm=algorithm,
        is_digest=parameter("MessageType") == "DIGEST",
    )
    answer = {
        "KeyId": key.arn,
        "Signature": base64.b64encode(signature).decode("ascii"),
        "SigningAlgorithm": algorithm,
    }
    return json.dumps(answer)


def _check_key(key: Key, algorithm: str) -> None:
    _check_state(key)
    if key.key_usage != "SIGN_VERIFY" or algorithm not in key.signing_algorithms:
        raise JsonRESTError("InvalidKeyUsageException", f"{key.arn} cannot sign {algorithm}.")


def _check_state(key: Key) -> None:
    if key.key_state == "Disabled":
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
    if key.key_state != "Enabled":
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is {key.key_state}.")


def _signature(private: Any, message: bytes, *, algorithm: str, is_digest: bool) -> bytes:
    hashed = _HASHES[algorithm.rpartition("_")[2]]
    _check_length(message, hashed, is_digest=is_digest)
    of: hashes.HashAlgorithm | Prehashed = Prehashed(hashed) if is_digest else hashed
    if algorithm.startswith("ECDSA_"):
        return bytes(private.sign(message, ec.ECDSA(of)))
    if algorithm.startswith("RSASSA_PSS_"):
        pss = padding.PSS(mgf=padding.MGF1(hashed), salt_length=padding.PSS.DIGEST_LENGTH)
        return bytes(private.sign(message, pss, of))
    return bytes(private.sign(message, padding.PKCS1v15(), of))


def _check_length(message: bytes, hashed: hashes.HashAlgorithm, *, is_digest: bool) -> None:
    if is_digest and len(message) != hashed.digest_size:
        raise JsonRESTError("ValidationException", "Digest is invalid length for algorithm.")
    if not is_digest and not 0 < len(message) <= MAX_RAW_MESSAGE:
        raise JsonRESTError("ValidationException", "Message has to be of 1 to 4096 bytes.")
