"""Makes assertions of a connection outside of Signet: with its key in KMS, or with another."""

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.support.application import ASSERTION_TYPE
from tests.support.clock import now
from tests.support.emulated import EmulatedAccount
from tests.support.forged_jws import encode, new_key, segment, sign
from tests.support.lying_provider import changed
from tests.support.travelled import Client, Response

ALG = "ES256"


@dataclass(frozen=True, slots=True)
class Outsider:
    """Whoever may use the account's keys; the connection's algorithm is ES256."""

    account: EmulatedAccount
    callback: str
    http: Client = field(repr=False)
    client_id: str = field(kw_only=True)
    issuer: str = field(kw_only=True)
    token_endpoint: str = field(kw_only=True)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Write what the provider has to accept, with changes."""
        issued = now()
        honest = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": str(uuid.uuid4()),
            "iat": issued,
            "exp": issued + 60,
        }
        return changed(honest, changes)

    def assertion(self, **changes: Any) -> str:
        """Sign in KMS, as Signet does."""
        key = self._key()
        message = f"{segment({'alg': ALG, 'kid': key['kid']})}.{segment(self.claims(**changes))}"
        digest = hashlib.sha256(message.encode("ascii")).digest()
        der = self.account.sign(key["key_id"], digest, "ECDSA_SHA_256")
        r, s = decode_dss_signature(der)
        return f"{message}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def forged(self, alg: str) -> str:
        """Sign with a key of one's own under the connection's kid."""
        head = {"alg": alg, "kid": self._key()["kid"]}
        return sign(head, self.claims(), key=new_key(alg), alg=alg)

    def send(self, assertion: str, **parameters: str) -> Response:
        """Ask for tokens with a made-up code: `invalid_grant` says that we were believed."""
        return self.http.post(
            self.token_endpoint,
            data={
                "grant_type": "authorization_code",
                "code": "made-up-code-made-up-code-made-up-code",
                "redirect_uri": "https://nowhere.example",
                "code_verifier": "v" * 43,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
                **parameters,
            },
        )

    def _key(self) -> dict[str, Any]:
        return self.account.current_key(self.callback)
