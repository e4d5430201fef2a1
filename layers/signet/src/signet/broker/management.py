"""All that the management API does, in one hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from signet.broker.audit_log import AuditLog
from signet.broker.audit_verification import AuditVerification
from signet.broker.census import Census
from signet.broker.connection_test import ConnectionTest
from signet.broker.cursors import Cursors
from signet.broker.idempotency import Idempotency
from signet.broker.managed_clients import ManagedClients
from signet.broker.managed_connections import ManagedConnections
from signet.broker.managed_keys import ManagedKeys
from signet.broker.management_access import Principal
from signet.broker.recorded_write import WriteRecords


class Access(Protocol):
    """Lets a caller in who has a scope."""

    def __call__(
        self,
        authorization: str | None,
        *,
        scope: str,
        dpop: str | None = None,
        method: str = "GET",
        path: str = "",
    ) -> Principal:
        """Return who calls; `dpop` is the header of that name, of a request to `path`.

        Raises:
            Denied: `invalid_token` or `insufficient_scope`.
            Rejected: `invalid_dpop_proof` or `use_dpop_nonce`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Management:
    """The use cases of the management API; `issuer` is Signet's own."""

    issuer: str
    access: Access
    connections: ManagedConnections
    connection_test: ConnectionTest
    keys: ManagedKeys
    census: Census
    clients: ManagedClients
    cursors: Cursors
    idempotency: Idempotency
    events: AuditLog
    verify_events: AuditVerification
    writes: WriteRecords


LoadManagement = Callable[[], Management]
