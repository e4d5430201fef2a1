"""Read, change and remove connections: what the management API does with them (contract, 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from signet.broker.agreement import Agreement
from signet.broker.connection import Connection
from signet.broker.connection_document import connection_etag, settable_members
from signet.broker.connection_id import is_connection_id
from signet.broker.keyring import Keyring
from signet.broker.merge_patch import merge
from signet.broker.ports import Clock, ConnectionRegistry, Keyrings, Kms, Page
from signet.broker.profiles.registry import profile_of
from signet.broker.registration import Registration
from signet.broker.resource_version import ATTEMPTS, busy, check_if_match, version_mismatch, written
from signet.errors import Rejected, Unavailable

NULLABLE = frozenset({"typ"})
"""`assertion.typ` may be null, which is to send none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedConnections:
    """Connections by their ids."""

    registration: Registration
    connections: ConnectionRegistry
    keyrings: Keyrings
    agreement: Agreement
    kms: Kms
    clock: Clock

    def get(self, connection_id: str) -> Connection:
        """Return a connection.

        Raises:
            Rejected: `not_found`.
        """
        connection = self._find(connection_id)
        if connection is None:
            raise _not_found()
        return connection

    def page(self, *, position: str | None, limit: int) -> Page[Connection]:
        """Return a part of the list, oldest first."""
        return self.connections.page(position=position, limit=limit)

    def keyring(self, connection_id: str) -> Keyring:
        """Return the keys of a connection.

        Raises:
            Rejected: `not_found`.
        """
        connection = self.get(connection_id)
        keyring = self.keyrings.get(connection.id)
        if keyring is None:
            raise _not_found()
        return keyring

    def create(self, document: Mapping[str, object], *, identifier: str | None) -> Connection:
        """Register a connection; with an identifier, the one that it made before.

        Raises:
            Rejected: `invalid_connection`, `destination_refused`, `name_taken` or `domain_taken`.
        """
        made_before = self._find(f"con_{identifier}") if identifier is not None else None
        if made_before is not None:
            return made_before
        return self.registration.create_connection(
            document, identifier=identifier, agree=self.agreement.pinned_if_reachable
        )

    def agree(self, connection_id: str, *, if_match: str | None) -> Connection:
        """Agree to the endpoints that the provider publishes now.

        Raises:
            Rejected: `not_found`, `version_mismatch`, `provider_metadata`, or
                `provider_unreachable`: there is nothing to agree to now.
        """
        stored = self.get(connection_id)
        check_if_match(if_match, connection_etag(stored))
        now = self.clock.now()
        changed = replace(self._pinned(stored), version=stored.version + 1, updated_at=now)
        if not written(partial(self.connections.replace, changed, previous=stored)):
            raise version_mismatch()
        return changed

    def change(
        self, connection_id: str, patch: Mapping[str, object], *, if_match: str | None
    ) -> Connection:
        """Apply a merge patch to a connection, in one conditional write.

        Without If-Match a change that somebody else's overtook is made again from theirs.

        Raises:
            Rejected: `not_found`, `version_mismatch`, and what creation may raise.
            Unavailable: `busy`: too many others changed it meanwhile.
        """
        for _ in range(ATTEMPTS):
            stored = self.get(connection_id)
            check_if_match(if_match, connection_etag(stored))
            changed = self._changed(stored, patch)
            if changed is stored:
                return stored
            if written(partial(self.connections.replace, changed, previous=stored)):
                return changed
            if if_match is not None:
                raise version_mismatch()
        raise busy()

    def remove(self, connection_id: str, *, if_match: str | None) -> None:
        """Remove a connection: its name and domains are free, its keys are on their way out.

        Removing it again completes what a failure of KMS interrupted.

        Raises:
            Rejected: `not_found` or `version_mismatch`.
        """
        for _ in range(ATTEMPTS):
            stored = self._find(connection_id)
            if stored is None:
                self._schedule_deletion(connection_id)
                raise _not_found()
            check_if_match(if_match, connection_etag(stored))
            if written(partial(self.connections.remove, stored, now=self.clock.now())):
                self._schedule_deletion(stored.id)
                return
            if if_match is not None:
                raise version_mismatch()
        raise busy()

    def _pinned(self, stored: Connection) -> Connection:
        try:
            return self.agreement.pinned(stored)
        except Unavailable as problem:
            raise Rejected("provider_unreachable", problem.public) from problem

    def _find(self, connection_id: str) -> Connection | None:
        return self.connections.get(connection_id) if is_connection_id(connection_id) else None

    def _changed(self, stored: Connection, patch: Mapping[str, object]) -> Connection:
        """Read the patched document as a whole, so that no rule is skipped."""
        document = _patched(stored, patch)
        now = self.clock.now()
        parsed = Connection.parse(document, connection_id=stored.id, now=now)
        if parsed.signing_alg != stored.signing_alg:
            raise Rejected(
                "invalid_connection",
                "token_endpoint_auth_signing_alg has to stay: it belongs to the connection's key.",
            )
        if parsed.issuer != stored.issuer:
            # Another issuer has other endpoints: nobody agreed to them yet.
            self.registration.check_issuer(parsed.issuer)
            parsed = self.agreement.pinned_if_reachable(parsed)
        else:
            parsed = replace(parsed, endpoints=stored.endpoints)
        changed = replace(
            parsed,
            created_at=stored.created_at,
            version=stored.version,
            updated_at=stored.updated_at,
        )
        if changed == stored:
            return stored
        return replace(changed, version=stored.version + 1, updated_at=now)

    def _schedule_deletion(self, connection_id: str) -> None:
        keyring = self.keyrings.get(connection_id) if is_connection_id(connection_id) else None
        if keyring is not None and keyring.deleted_at is not None:
            for key in keyring.published():
                self.kms.schedule_deletion(key.key_id)


def _patched(stored: Connection, patch: Mapping[str, object]) -> dict[str, object]:
    """Apply a patch to the members that administrators set.

    Members that make the issuer are read back from the stored one where the patch brings any of
    them, so that it may bring one alone.
    """
    if patch.get("strategy", stored.strategy) != stored.strategy:
        raise Rejected(
            "invalid_connection", "strategy has to stay: register another connection for that."
        )
    form = profile_of(stored.strategy).issuer
    document = settable_members(stored)
    if not patch.keys().isdisjoint(form.names()):
        document.update(form.members_of(str(document.pop("issuer"))))
    return merge(document, patch, keep_null=NULLABLE)


def _not_found() -> Rejected:
    return Rejected("not_found", "There is no such connection.")
