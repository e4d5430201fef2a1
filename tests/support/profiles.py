"""Connections of a strategy, as a document makes them, and the assertions that they then sign."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from signet.broker.connection import Connection
from signet.broker.profiles.registry import strategies
from signet.errors import Rejected
from signet.jose import base64url
from signet.jose.algorithms import algorithm
from signet.jose.jws import SigningKey, read_unverified
from signet.oauth.client_assertion import sign_assertion
from tests.support.software_kms import SoftwareKms

NOW = 1_800_000_000
CLAIMS = {"iss", "sub", "aud", "jti", "iat", "nbf", "exp"}


def connection(strategy: str, /, **members: object) -> Connection:
    """Parse the profile's example, changed by `members`; `...` leaves one out."""
    example = strategies()[strategy].example
    document = {"name": "acme", "strategy": strategy, "client_id": "signet", **example, **members}
    present = {name: value for name, value in document.items() if value is not ...}
    return Connection.parse(present, connection_id="con_" + "a" * 26, now=NOW)


def by_hand(**members: object) -> Connection:
    """Parse a document of the strategy `oidc`."""
    return connection("oidc", **members)


CERTIFICATE = b"the certificate"
THUMBPRINT = base64url.encode(hashlib.sha256(CERTIFICATE).digest())
"""Stands for a certificate in DER, of which headers carry the SHA-256 thumbprint."""


def but_strategy(made: Connection) -> Connection:
    """Return a connection as if it were one of another strategy, to compare the rest."""
    return replace(made, strategy="-")


def shown(made: Connection) -> dict[str, object]:
    """Write what an administrator would be shown of a connection, and can send back."""
    written = asdict(made)
    for own in ("id", "created_at", "updated_at", "version", "endpoints"):
        del written[own]
    written["token_endpoint_auth_signing_alg"] = written.pop("signing_alg")
    written["id_token_signed_response_alg"] = written.pop("id_token_alg")
    written["assertion"]["key_headers"] = list(written["assertion"]["key_headers"])
    return {name: list(v) if isinstance(v, tuple) else v for name, v in written.items()}


def assertion(made: Connection, *, token_endpoint: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sign one assertion of a connection, and return its header and its claims."""
    kms = SoftwareKms()
    key_id = kms.create_key(algorithm=algorithm(made.signing_alg), tags={})
    key = SigningKey(
        kid="the-kid", alg=made.signing_alg, key_id=key_id, signer=kms, certificate=CERTIFICATE
    )
    profile = made.assertion_profile(token_endpoint=token_endpoint)
    token = read_unverified(sign_assertion(profile, key=key, jti="j", now=NOW).compact)
    return dict(token.header), dict(token.claims)


def refusal_of(strategy: str, members: Mapping[str, object]) -> str:
    """Return the code and the text with which a document is refused."""
    try:
        connection(strategy, **members)
    except Rejected as refused:
        return f"{refused.code}: {refused.public}"
    return "taken"
