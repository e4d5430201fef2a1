"""A provider on loopback with a certificate of our own authority, and a fetcher that finds it."""

import socket  # noqa: TID251  (real connections are what is tested here)
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.certificates import Authority
from tests.support.scripted_server import Script, ScriptedServer, server_context

from signet.adapters.fetcher.addresses import is_public
from signet.adapters.fetcher.connection import Deadline, Limits
from signet.adapters.fetcher.destination import DestinationPolicy
from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.oauth.http_message import HttpAnswer, HttpRequest

HOST = "idp.example"
ADDRESS = "127.0.0.1"
PUBLIC = "1.1.1.1"
"""An address that is public; no test connects to it."""


@dataclass
class Network:
    """Names, addresses and the port of a provider, as a test arranges them.

    Connections to port 443 go to the provider's port, because ordinary users cannot bind 443.
    """

    port: int = 0
    answers: list[list[str]] = field(default_factory=lambda: [[ADDRESS]])
    lookups: list[str] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)
    elsewhere: str | None = None

    def resolve(self, host: str, port: int, deadline: Deadline) -> list[str]:
        self.lookups.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def allowed(self, address: str) -> bool:
        return address == ADDRESS or is_public(address)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.connected.append((address, port))
        return socket.create_connection((self.elsewhere or address, self.port), timeout=seconds)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def cafile(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    path.write_bytes(authority.pem)
    return str(path)


@pytest.fixture(scope="session")
def certificate(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.issue(tmp_path_factory.mktemp("leaf"), [HOST])


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def serve(certificate: Path, network: Network) -> Iterator[Callable[..., ScriptedServer]]:
    """Start a provider (TLS with the right certificate) and put it where 443 leads to."""
    with ExitStack() as servers:

        def start(script: Script, *, leaf: Path = certificate) -> ScriptedServer:
            server = ScriptedServer(script, context=server_context(leaf))
            servers.enter_context(server)
            network.port = server.port
            return server

        yield start


@pytest.fixture
def make_fetcher(network: Network, cafile: str) -> Callable[..., GuardedFetcher]:
    def make(limits: Limits | None = None) -> GuardedFetcher:
        return GuardedFetcher(
            policy=DestinationPolicy(),
            limits=limits or Limits(connect_seconds=10, total_seconds=20),
            resolve=network.resolve,
            allowed=network.allowed,
            connect=network.connect,
            cafile=cafile,
        )

    return make


@pytest.fixture
def get(make_fetcher: Callable[..., GuardedFetcher]) -> Callable[..., HttpAnswer]:
    """Fetch the provider's document once, with a fetcher of its own."""

    def fetch(url: str = f"https://{HOST}/document", limits: Limits | None = None) -> HttpAnswer:
        request = HttpRequest(method="GET", url=url)
        return make_fetcher(limits).fetch(request, bulkhead="con_1")

    return fetch
