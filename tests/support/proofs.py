"""DPoP proofs, made by hand so that they can get everything wrong [RFC 9449 4.2]."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.clock import now
from tests.support.forged_jws import PrivateKey, encode, new_key, public_jwk, sign
from tests.support.lying_provider import changed


def thumbprint_of(jwk: Mapping[str, str]) -> str:
    """Compute a thumbprint by other code than Signet's [RFC 7638 3]."""
    names = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    required = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    return encode(hashlib.sha256(required.encode("ascii")).digest())


def ath_of(access_token: str) -> str:
    """Compute `ath` by other code than Signet's [RFC 9449 4.2]."""
    return encode(hashlib.sha256(access_token.encode("ascii")).digest())


@dataclass(slots=True)
class Prover:
    """Somebody with a key, who proves it."""

    alg: str = "ES256"
    key: PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.key = new_key(self.alg)

    @property
    def jwk(self) -> dict[str, str]:
        return public_jwk(self.key)

    @property
    def jkt(self) -> str:
        return thumbprint_of(self.jwk)

    def header(self, **changes: Any) -> dict[str, Any]:
        """Write a header that has to be accepted."""
        return changed({"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk}, changes)

    def claims(self, method: str, uri: str, /, **changes: Any) -> dict[str, Any]:
        """Write claims that have to be accepted; `token` adds its hash."""
        token = changes.pop("token", None)
        honest = {"jti": str(uuid.uuid4()), "htm": method, "htu": uri, "iat": now()}
        if token is not None:
            honest["ath"] = ath_of(token)
        return changed(honest, changes)

    def proof(self, method: str, uri: str, /, **changes: Any) -> str:
        """Make a proof, with other claims where a test wants them."""
        return self.signed(self.claims(method, uri, **changes))

    def signed(
        self,
        claims: Mapping[str, Any] | str,
        *,
        header: Mapping[str, Any] | str | None = None,
        key: PrivateKey | bytes | None = None,
        signed_as: str | None = None,
    ) -> str:
        """Sign claims; `signed_as` is what really signs, whatever the header says."""
        full = header if header is not None else self.header()
        return sign(full, claims, key=key or self.key, alg=signed_as or self.alg)
