"""The management API's handler over the whole broker in memory, spoken to by its events."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from signet.broker.agreement import Agreement
from signet.broker.audit_log import AuditLog
from signet.broker.audit_verification import AuditVerification
from signet.broker.census import Census
from signet.broker.checkpoint import Anchor, AuditKey
from signet.broker.client import MANAGEMENT_SCOPES
from signet.broker.connection_test import ConnectionTest
from signet.broker.cursors import Cursors
from signet.broker.idempotency import Idempotency
from signet.broker.managed_clients import ManagedClients
from signet.broker.managed_connections import ManagedConnections
from signet.broker.managed_keys import ManagedKeys
from signet.broker.management import Management
from signet.broker.management_access import Principal
from signet.broker.recorded_write import WriteRecords
from signet.broker.sealing import Sealer
from signet.errors import Denied
from signet.jose.algorithms import algorithm
from signet.web.management.handler import management_handler
from tests.support.broker import BOUNDS, ISSUER, App, Broker
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.memory import MemoryAuditLog, MemoryClaims, MemoryPositions, MemoryRateLimits

EVERY_SCOPE = " ".join(MANAGEMENT_SCOPES)


@dataclass(frozen=True)
class Answered:
    """An answer of the handler."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        assert self.headers["content-type"] == "application/problem+json", self.body
        assert self.json["status"] == self.status
        return str(self.json["code"])


def stand_in_access(
    authorization: str | None,
    *,
    scope: str,
    dpop: str | None = None,
    method: str = "GET",
    path: str = "",
) -> Principal:
    """Let `Bearer <client id> <scopes>` in, as the real one does its tokens."""
    del dpop, method, path
    kind, _, rest = (authorization or "").partition(" ")
    client_id, _, scopes = rest.partition(" ")
    if kind != "Bearer" or not client_id:
        raise Denied("invalid_token", "The access token is not valid.")
    if scope not in scopes.split():
        raise Denied("insufficient_scope", "The token's scope does not allow this.")
    return Principal(client_id=client_id)


class Desk:
    """An administrator's desk: `call` sends one request."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.claims = MemoryClaims()
        self.positions = MemoryPositions()
        broker = self.broker
        self.log = MemoryAuditLog()
        key_id = broker.kms.create_key(algorithm=algorithm("ES256"), tags={})
        self.audit_key = AuditKey(issuer=ISSUER, key_id=key_id, kms=broker.kms)
        self.anchor = Anchor(chain=self.log, key=self.audit_key, clock=broker.clock)
        sealer = Sealer(chain=self.log)
        agreement = Agreement(fetcher=broker.idp, clock=broker.clock)
        self.api = Management(
            issuer=ISSUER,
            access=stand_in_access,
            connections=ManagedConnections(
                registration=broker.registration,
                connections=broker.connections,
                keyrings=broker.keyrings,
                agreement=agreement,
                kms=broker.kms,
                clock=broker.clock,
            ),
            connection_test=ConnectionTest(
                issuer=ISSUER,
                agreement=agreement,
                provider=broker.provider,
                fetcher=broker.idp,
                keyrings=broker.keyrings,
                limits=MemoryRateLimits(),
                clock=broker.clock,
                entropy=broker.entropy,
            ),
            keys=ManagedKeys(
                rotator=broker.rotator,
                bounds=BOUNDS,
                creation=broker.creation,
                kms=broker.kms,
                clock=broker.clock,
                entropy=broker.entropy,
            ),
            census=Census(
                stack="test",
                bounds=BOUNDS,
                keyrings=broker.keyrings,
                kms=broker.kms,
                clock=broker.clock,
            ),
            clients=ManagedClients(
                registration=broker.registration, clients=broker.clients, clock=broker.clock
            ),
            cursors=Cursors(positions=self.positions, clock=broker.clock, entropy=broker.entropy),
            idempotency=Idempotency(claims=self.claims, clock=broker.clock, entropy=broker.entropy),
            events=AuditLog(sealer=sealer, chain=self.log),
            verify_events=AuditVerification(sealer=sealer, chain=self.log, key=self.audit_key),
            writes=WriteRecords(audit=self.log, notices=broker.notices, clock=broker.clock),
        )
        self._handler = management_handler(lambda: self.api)
        self.app = App(broker)
        self.administrator("admin2", MANAGEMENT_SCOPES)

    def administrator(self, client_id: str, scopes: Iterable[str]) -> None:
        """Register a management client."""
        self.broker.registration.register_client({
            "client_id": client_id,
            "name": client_id,
            "grant_types": ["client_credentials"],
            "scopes": list(scopes),
            "jwks": {"keys": [self.app.jwk]},
            "connections": [],
        })  # fmt: skip

    def call(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        token: str | None = f"admin2 {EVERY_SCOPE}",
        body: str | None = None,
    ) -> Answered:
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        if document is not None:
            sent.setdefault("content-type", "application/json")
            body = json.dumps(document)
        http = {"method": method, "path": f"/api/v1{path}"}
        event = {
            "rawPath": f"/api/v1{path}",
            "rawQueryString": query,
            "headers": sent,
            "requestContext": {"http": http, "requestId": "made-up"},
            "body": body or "",
            "isBase64Encoded": False,
        }
        answer = self._handler(event, None)
        return Answered(answer["statusCode"], dict(answer["headers"]), answer["body"])

    def connect(self, name: str = "acme", **members: object) -> dict[str, Any]:
        answer = self.call("POST", "/connections", connection(name, **members))
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json
        return made

    def register(self, **members: object) -> dict[str, Any]:
        answer = self.call("POST", "/clients", self.client(**members))
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json
        return made

    def client(self, **members: object) -> dict[str, object]:
        return {
            "name": "Payroll",
            "redirect_uris": ["https://payroll.example/cb"],
            "jwks": {"keys": [self.app.jwk]},
            **members,
        }


def connection(name: str = "acme", **members: object) -> dict[str, object]:
    return {
        "name": name,
        "strategy": "oidc",
        "issuer": PROVIDER,
        "client_id": "signet",
        "token_endpoint_auth_signing_alg": "ES256",
        **members,
    }
