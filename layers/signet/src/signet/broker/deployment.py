"""Make a fresh deployment ready: the issuer's keyring and the first management client."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from signet.broker.client import MANAGEMENT_SCOPES, Client
from signet.broker.keyring import ISSUER, Keyring
from signet.broker.ports import (
    ClientRegistry,
    Clock,
    Entropy,
    KeyringRegistry,
    Keyrings,
    Kms,
    NonceSeeds,
)
from signet.broker.signing import publishable_key

ADMIN_CLIENT_ID = "admin"
ISSUER_ALG = "RS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class InitializeDeployment:
    """Idempotent: it runs at every deployment, and never replaces a keyring."""

    issuer_key_id: str
    admin_jwks: Mapping[str, object] | None
    keyrings: Keyrings
    keyring_registry: KeyringRegistry
    clients: ClientRegistry
    nonce_seeds: NonceSeeds
    kms: Kms
    clock: Clock
    entropy: Entropy

    def __call__(self) -> None:
        """Publish the issuer's first key, and register the administrator's public keys.

        And give the deployment what its DPoP nonces are made from, once.

        Raises:
            Misconfigured: `key_not_proved`. Rejected: the administrator's keys cannot be used.
            Unavailable: KMS or a table is.
        """
        if self.keyrings.get(ISSUER) is None:
            now = self.clock.now()
            key = publishable_key(
                self.kms,
                key_id=self.issuer_key_id,
                alg=ISSUER_ALG,
                challenge=self.entropy.token(),
                now=now,
            )
            self.keyring_registry.add(
                Keyring(owner=ISSUER, version=1, current=replace(key, activated_at=now))
            )
        if self.nonce_seeds.get() is None:
            self.nonce_seeds.add(self.entropy.token())
        if self.admin_jwks is not None:
            self.clients.put(self._admin(self.admin_jwks))

    def _admin(self, jwks: Mapping[str, object]) -> Client:
        document: dict[str, object] = {
            "name": "Administrator",
            "grant_types": ["client_credentials"],
            "scopes": list(MANAGEMENT_SCOPES),
            "jwks": dict(jwks),
            "connections": [],
        }
        return Client.parse(
            document, client_id=ADMIN_CLIENT_ID, allow_loopback=False, now=self.clock.now()
        )
