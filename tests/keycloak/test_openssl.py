"""OpenSSL's own program reads our certificates; it is not on every machine, so `make interop`."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.software_kms import SoftwareKms

from signet.jose.algorithms import ALGORITHMS, algorithm
from signet.jose.certificate import self_signed_certificate
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey

NOW = 1_800_000_000


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_openssl_accepts_a_certificate_and_its_signature(alg: str, tmp_path: Path) -> None:
    kms = SoftwareKms()
    key_id = kms.create_key(algorithm=algorithm(alg), tags={})
    jwk = PublicJwk.from_der(kms.public_key(key_id), alg=alg)
    der = self_signed_certificate(
        jwk,
        key=SigningKey(kid=jwk.kid or "", alg=alg, key_id=key_id, signer=kms),
        common_name="Signet con_a",
        serial=7,
        not_before=NOW,
        not_after=NOW + 86_400,
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    command = ["openssl", "verify", "-check_ss_sig", "-attime", str(NOW + 60), "-CAfile"]
    verified = subprocess.run(  # noqa: S603  (our own file)
        [*command, str(path), str(path)], capture_output=True, text=True, check=False
    )
    assert verified.stdout == f"{path}: OK\n", verified.stderr
