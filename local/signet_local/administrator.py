"""The management client that is made for a run: its private key is in admin.json alone."""

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from signet.broker.client import MANAGEMENT_SCOPES
from signet.broker.deployment import ADMIN_CLIENT_ID
from signet.errors import Misconfigured, Rejected
from signet.jose.jwks import Jwks
from signet.jose.thumbprint import thumbprint


def new_private_jwk() -> dict[str, str]:
    """Make a key for ES256; `kid` is its thumbprint [RFC 7638]."""
    members = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    texts = {name: str(value) for name, value in members.items() if name != "key_ops"}
    return {**texts, "kid": thumbprint(texts), "alg": "ES256", "use": "sig"}


def admin_document(issuer: str, private_jwk: Mapping[str, str]) -> dict[str, Any]:
    """Write admin.json (contract, section 1)."""
    return {
        "issuer": issuer,
        "client_id": ADMIN_CLIENT_ID,
        "private_jwk": dict(private_jwk),
        "scope": " ".join(MANAGEMENT_SCOPES),
    }


def admin_jwks(private_jwk: Mapping[str, str], configured: str | None) -> str:
    """Write SIGNET_ADMIN_JWKS: this run's key beside those that the user configured."""
    public = {name: value for name, value in private_jwk.items() if name != "d"}
    keys = json.loads(configured)["keys"] if configured else []
    return json.dumps({"keys": [*keys, public]})


def check(configured: Mapping[str, object] | None) -> None:
    """Refuse keys of the user's that the deployment would refuse later, halfway through.

    Raises:
        Misconfigured: naming the setting.
    """
    if configured is None:
        return
    try:
        Jwks.parse_registered(configured)
    except Rejected as error:
        raise Misconfigured("settings", f"SIGNET_ADMIN_JWKS: {error.public}") from None
