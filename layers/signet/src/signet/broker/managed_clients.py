"""Read, register, change and remove clients: what the management API does (contract, 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from signet.broker.client import ID, MANAGEMENT_SCOPES, Client
from signet.broker.client_document import client_etag, settable_members
from signet.broker.deployment import ADMIN_CLIENT_ID
from signet.broker.management_access import Principal
from signet.broker.merge_patch import merge
from signet.broker.ports import ClientRegistry, Clock, Page
from signet.broker.registration import Registration
from signet.broker.resource_version import ATTEMPTS, busy, check_if_match, version_mismatch, written
from signet.errors import Denied, Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedClients:
    """Clients by their ids.

    Whoever writes a client could sign in as it, so nobody writes a client that may manage more
    than they may themselves; and the client that the deployment registered is changed there.
    """

    registration: Registration
    clients: ClientRegistry
    clock: Clock

    def get(self, client_id: str) -> Client:
        """Return a client.

        Raises:
            Rejected: `not_found`.
        """
        client = self.clients.get(client_id) if ID.fullmatch(client_id) else None
        if client is None:
            raise Rejected("not_found", "There is no such client.")
        return client

    def page(self, *, position: str | None, limit: int) -> Page[Client]:
        """Return a part of the list, oldest first."""
        return self.clients.page(position=position, limit=limit)

    def create(
        self, document: Mapping[str, object], *, identifier: str | None, by: Principal
    ) -> Client:
        """Register a client; with an identifier, the one that it made before.

        Raises:
            Rejected: `invalid_client_metadata`, `invalid_redirect_uri`, `destination_refused` or
                `client_id_taken`. Denied: `insufficient_scope`.
        """
        registration = self.registration
        client_id = f"app_{identifier or registration.entropy.identifier()}"
        client = registration.read_client(document, client_id=client_id)
        self._check_power(client, by)
        try:
            self.clients.add(client)
        except Rejected:
            made_before = self.clients.get(client.client_id) if identifier is not None else None
            if made_before is None or settable_members(made_before) != settable_members(client):
                raise
            return made_before
        return client

    def change(
        self, client_id: str, patch: Mapping[str, object], *, if_match: str | None, by: Principal
    ) -> Client:
        """Apply a merge patch to a client, in one conditional write.

        Raises:
            Rejected: `not_found`, `version_mismatch`, `deployment_client`, and what creation may
                raise. Denied: `insufficient_scope`.
            Unavailable: `busy`: too many others changed it meanwhile.
        """
        for _ in range(ATTEMPTS):
            stored = self._writable(client_id, by)
            check_if_match(if_match, client_etag(stored))
            changed = self._changed(stored, patch)
            self._check_power(changed, by)
            if changed is stored:
                return stored
            if written(partial(self.clients.replace, changed, previous=stored)):
                return changed
            if if_match is not None:
                raise version_mismatch()
        raise busy()

    def remove(self, client_id: str, *, if_match: str | None, by: Principal) -> None:
        """Remove a client; its tokens end within the signer's cache time.

        Raises:
            Rejected: `not_found`, `version_mismatch` or `deployment_client`.
            Denied: `insufficient_scope`.
        """
        for _ in range(ATTEMPTS):
            stored = self._writable(client_id, by)
            check_if_match(if_match, client_etag(stored))
            if written(partial(self.clients.remove, stored)):
                return
            if if_match is not None:
                raise version_mismatch()
        raise busy()

    def _changed(self, stored: Client, patch: Mapping[str, object]) -> Client:
        """Read the patched document as a whole, so that no rule is skipped."""
        document = merge(settable_members(stored), patch)
        parsed = self.registration.read_client(document, client_id=stored.client_id)
        changed = replace(
            parsed,
            created_at=stored.created_at,
            version=stored.version,
            updated_at=stored.updated_at,
        )
        if changed == stored:
            return stored
        return replace(changed, version=stored.version + 1, updated_at=self.clock.now())

    def _writable(self, client_id: str, by: Principal) -> Client:
        stored = self.get(client_id)
        if stored.client_id == ADMIN_CLIENT_ID:
            raise Rejected(
                "deployment_client", "This client is registered by the deployment's settings."
            )
        self._check_power(stored, by)
        return stored

    def _check_power(self, client: Client, by: Principal) -> None:
        writer = self.clients.get(by.client_id)
        own = set(writer.scopes) if writer is not None else set()
        more = (set(client.scopes) & set(MANAGEMENT_SCOPES)) - own
        if more:
            raise Denied(
                "insufficient_scope",
                f"A client with the scope {min(more)} can only be written by one that has it.",
            )
