"""What a test of a connection tells about our network: nothing, and no packet goes inside.

The fetcher is the deployment's (no loopback), over names and addresses that the test arranges.
"""

import socket  # noqa: TID251  (a port that nobody listens on)
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.canned_provider import DISCOVERY, CannedProvider
from tests.support.management import Desk
from tests.support.memory import MemoryRateLimits, one_after_the_other
from tests.support.scripted_server import ScriptedServer

from signet.adapters.fetcher.connection import Deadline
from signet.adapters.fetcher.destination import DestinationPolicy
from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.broker.agreement import Agreement
from signet.broker.connection_test import ConnectionTest
from signet.broker.provider import Provider
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable

PUBLIC = "1.1.1.1"
"""An address that is public; nothing is sent there, `connect` leads elsewhere."""
INSIDE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254")


class Network:
    """Where the names of a test lead to; connections go to a port that may be closed."""

    def __init__(self) -> None:
        self.addresses: list[str] | None = [PUBLIC]
        self.port = closed_port()
        self.connected: list[str] = []

    def resolve(self, host: str, port: int, deadline: Deadline) -> list[str]:
        if self.addresses is None:
            raise Unreachable("resolve: gaierror", sent=False)
        return self.addresses

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.connected.append(address)
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)


class Outside:
    """The honest provider answers; the addresses that end in `guarded` go through the guard."""

    def __init__(
        self, idp: CannedProvider, guard: GuardedFetcher, guarded: tuple[str, ...]
    ) -> None:
        self.idp = idp
        self.guard = guard
        self.guarded = guarded

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        if request.url.endswith(self.guarded):
            return self.guard.fetch(request, bulkhead=bulkhead)
        return self.idp.fetch(request, bulkhead=bulkhead)


class Scene:
    """An administrator's desk whose tests of a connection go out by the guarded fetcher."""

    def __init__(self, *guarded: str) -> None:
        self.network = Network()
        self.desk = Desk()
        broker = self.desk.broker
        guard = GuardedFetcher(
            policy=DestinationPolicy(), resolve=self.network.resolve, connect=self.network.connect
        )
        self.outside = Outside(broker.idp, guard, guarded)
        self.test = ConnectionTest(
            issuer=self.desk.api.issuer,
            agreement=Agreement(fetcher=self.outside, clock=broker.clock),
            provider=Provider(
                fetcher=self.outside,
                keys=broker.keys,
                audit=broker.audit,
                clock=broker.clock,
                entropy=broker.entropy,
                together=one_after_the_other,
            ),
            fetcher=self.outside,
            keyrings=broker.keyrings,
            limits=MemoryRateLimits(),
            clock=broker.clock,
            entropy=broker.entropy,
        )

    def found(self, **metadata: str) -> dict[str, Any]:
        """Run one test of a connection whose provider publishes these addresses."""
        self.desk.broker.idp.metadata.update(metadata)
        return dict(self.test(self.desk.broker.connect()))


@pytest.fixture
def canary() -> Iterator[ScriptedServer]:
    """Something that must never see a connection."""
    with ScriptedServer(b"") as server:
        yield server
        assert server.connections == 0


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


NAMES: dict[str, list[str] | None] = {
    "nobody listens": [PUBLIC],
    "no such name": None,
    "one address inside among others": [PUBLIC, "10.0.0.1"],
    **{f"a name of {address}": [address] for address in INSIDE},
}
"""What a name leads to."""

ORIGINS = {
    "a literal": "https://127.0.0.1:PORT",
    "plain http": "http://127.0.0.1:PORT",
    "another port": "https://inside.example:PORT",
    "the metadata service": "http://169.254.169.254",
    "an internal name": "https://vault.internal",
    "an API of the platform": "https://kms.us-east-1.amazonaws.com",
}
"""What a provider's metadata name."""


def lead(scene: Scene, name: str, canary: ScriptedServer) -> None:
    """Let names lead somewhere; whatever is connected to inside would be the canary."""
    scene.network.addresses = NAMES[name]
    if NAMES[name] != [PUBLIC]:
        scene.network.port = canary.port


ENDPOINTS = ("token_endpoint", "jwks_uri")


def at(origin: str) -> dict[str, str]:
    return {name: f"{origin}/{name}" for name in ENDPOINTS}


def nobody_is_at(*paths: str, **metadata: str) -> dict[str, Any]:
    """Return what is said where nobody listens."""
    return Scene(*paths).found(**metadata)


@pytest.mark.parametrize("name", NAMES)
def test_endpoints_whose_name_leads_inside_read_like_endpoints_where_nobody_is(
    canary: ScriptedServer, name: str
) -> None:
    scene = Scene(*ENDPOINTS)
    lead(scene, name, canary)
    found = scene.found(**at("https://inside.example"))
    assert found == nobody_is_at(*ENDPOINTS, **at("https://inside.example"))
    assert (found["client_authentication"], found["evidence"]) == ("unknown", {})
    assert not set(scene.network.connected) - {PUBLIC}


@pytest.mark.parametrize("origin", ORIGINS)
def test_endpoints_that_are_inside_read_like_endpoints_where_nobody_is(
    canary: ScriptedServer, origin: str
) -> None:
    scene = Scene(*ENDPOINTS)
    scene.network.port = canary.port
    found = scene.found(**at(ORIGINS[origin].replace("PORT", str(canary.port))))
    assert found == nobody_is_at(*ENDPOINTS, **at("https://inside.example"))
    assert scene.network.connected == []


@pytest.mark.parametrize("name", NAMES)
def test_an_issuer_whose_name_leads_inside_reads_like_one_where_nobody_is(
    canary: ScriptedServer, name: str
) -> None:
    scene = Scene(DISCOVERY)
    lead(scene, name, canary)
    found = scene.found()
    assert found == nobody_is_at(DISCOVERY)
    assert not set(scene.network.connected) - {PUBLIC}
    assert not scene.desk.broker.idp.token_requests()
