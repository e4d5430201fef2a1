"""Register connections and clients: the use cases of the management API (contract, section 4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.key_creation import KeyCreation
from signet.broker.keyring import Keyring
from signet.broker.ports import (
    ClientRegistry,
    Clock,
    ConnectionRegistry,
    Destinations,
    Entropy,
)
from signet.errors import Rejected

_PATIENCE = 5
"""How many seconds an administrator stands in line for a new key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Writes connections and clients; `issuer` is Signet's own."""

    issuer: str
    allow_loopback: bool
    connections: ConnectionRegistry
    clients: ClientRegistry
    destinations: Destinations
    creation: KeyCreation
    clock: Clock
    entropy: Entropy

    def create_connection(
        self,
        document: Mapping[str, object],
        *,
        identifier: str | None = None,
        agree: Callable[[Connection], Connection] | None = None,
    ) -> Connection:
        """Check an administrator's document, make the connection's first key, and store both.

        The key is made last, so that a refused document leaves no key behind; one whose connection
        is refused then is given up, and where that is not sure its tags lead the reaper to it. An
        `identifier` makes the id, for a request that may be repeated; `agree` pins the provider's
        endpoints.

        Raises:
            Rejected: `invalid_connection`, `destination_refused`, `provider_metadata` or
                `name_taken`.
        """
        now = self.clock.now()
        connection = Connection.parse(
            document, connection_id=f"con_{identifier or self.entropy.identifier()}", now=now
        )
        self.check_issuer(connection.issuer)
        if agree is not None:
            connection = agree(connection)
        key = self.creation(
            connection.id, alg=connection.signing_alg, operation="register", patience=_PATIENCE
        )
        keyring = Keyring(
            owner=connection.id, version=1, current=replace(key, activated_at=key.published_at)
        )
        try:
            self.connections.add(connection, keyring)
        except Rejected:
            # It is not stored, and no write that is under way could store it.
            self.creation.discard(key.key_id, owner=connection.id)
            raise
        return connection

    def register_client(
        self, document: Mapping[str, object], *, identifier: str | None = None
    ) -> Client:
        """Check an administrator's document and store the client.

        Raises:
            Rejected: `invalid_client_metadata`, `invalid_redirect_uri`, `destination_refused` or
                `client_id_taken`.
        """
        client = self.read_client(
            document, client_id=f"app_{identifier or self.entropy.identifier()}"
        )
        self.clients.add(client)
        return client

    def read_client(self, document: Mapping[str, object], *, client_id: str) -> Client:
        """Check an administrator's document, and store nothing.

        Raises:
            Rejected: `invalid_client_metadata`, `invalid_redirect_uri` or `destination_refused`.
        """
        client = Client.parse(
            document,
            client_id=client_id,
            allow_loopback=self.allow_loopback,
            now=self.clock.now(),
        )
        if client.jwks_uri is not None:
            self.destinations.check(client.jwks_uri)
        if client.backchannel_logout_uri is not None:
            self.destinations.check(client.backchannel_logout_uri)
        return client

    def check_issuer(self, issuer: str) -> None:
        """Refuse an issuer that Signet must never call; its form is the profile's rule.

        Raises:
            Rejected: `destination_refused`.
        """
        self.destinations.check(issuer)
