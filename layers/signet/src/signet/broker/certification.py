"""Give a connection's key a certificate, for providers that take nothing else."""

import base64
import hashlib
from dataclasses import replace

from signet.broker.keyring import PublishedKey
from signet.broker.ports import Entropy
from signet.jose.certificate import self_signed_certificate
from signet.jose.jwk import PublicJwk
from signet.jose.jws import DigestSigner, SigningKey

LIFETIME_SECONDS = 3 * 365 * 86_400 - 86_400
"""A day under three years, which is the longest that Login.gov takes."""
_BACKDATED = 3_600
_SERIAL_BITS = 159


def certified(
    key: PublishedKey, *, owner: str, signer: DigestSigner, entropy: Entropy, now: int
) -> PublishedKey:
    """Return the key with its certificate, which that key itself signed.

    Args:
        key: with its public half as it is published.
        owner: the connection's id, which the certificate is named after.
        signer: of that key.
        entropy: for the serial number [RFC 5280 4.1.2.2].
        now: unix seconds; it is valid from an hour before, for verifiers whose clock is behind.
    """
    random = int.from_bytes(hashlib.sha256(entropy.token().encode("ascii")).digest(), "big")
    der = self_signed_certificate(
        PublicJwk.parse(key.jwk),
        key=SigningKey(kid=key.kid, alg=key.alg, key_id=key.key_id, signer=signer),
        common_name=f"Signet {owner}",
        serial=(random % 2**_SERIAL_BITS) or 1,
        not_before=now - _BACKDATED,
        not_after=now + LIFETIME_SECONDS,
    )
    return replace(key, certificate=base64.b64encode(der).decode("ascii"))


def certificate_pem(certificate: str) -> str:
    """Write a stored certificate in PEM [RFC 7468 5]."""
    lines = (certificate[start : start + 64] for start in range(0, len(certificate), 64))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))
