"""The signature algorithms that JOSE and AWS KMS share [RFC 7518 3.1]."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.errors import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningAlgorithm:
    """One algorithm, in JOSE's words and in KMS's; `crv` is None for RSA."""

    name: str
    kty: str
    crv: str | None
    hash_name: str
    kms_signing_algorithm: str
    kms_key_spec: str

    @property
    def is_pss(self) -> bool:
        """Tell RSASSA-PSS from RSASSA-PKCS1-v1_5."""
        return self.name.startswith("PS")


def _rsa(name: str, bits: int, kms: str) -> SigningAlgorithm:
    return SigningAlgorithm(
        name=name,
        kty="RSA",
        crv=None,
        hash_name=f"sha{bits}",
        kms_signing_algorithm=f"RSASSA_{kms}_SHA_{bits}",
        kms_key_spec="RSA_2048",
    )


def _ec(name: str, bits: int, crv: str) -> SigningAlgorithm:
    return SigningAlgorithm(
        name=name,
        kty="EC",
        crv=crv,
        hash_name=f"sha{bits}",
        kms_signing_algorithm=f"ECDSA_SHA_{bits}",
        kms_key_spec=f"ECC_NIST_{crv.replace('-', '')}",
    )


ALGORITHMS: Mapping[str, SigningAlgorithm] = {
    found.name: found
    for found in (
        *(_rsa(f"RS{bits}", bits, "PKCS1_V1_5") for bits in (256, 384, 512)),
        *(_rsa(f"PS{bits}", bits, "PSS") for bits in (256, 384, 512)),
        _ec("ES256", 256, "P-256"),
        _ec("ES384", 384, "P-384"),
        _ec("ES512", 512, "P-521"),
    )
}
"""By JOSE name. None of them is symmetric, and `none` is not among them."""

PROOF_ALGORITHMS = ("ES256", "PS256")
"""What DPoP proofs may be signed with: of the algorithms above those of FAPI 2.0 [5.4.1]."""


def algorithm(name: str) -> SigningAlgorithm:
    """Return an algorithm by its JOSE name, in exactly that case.

    Raises:
        Rejected: `unsupported_alg`.
    """
    found = ALGORITHMS.get(name)
    if found is None:
        raise Rejected("unsupported_alg", f"alg has to be one of {', '.join(ALGORITHMS)}.")
    return found
