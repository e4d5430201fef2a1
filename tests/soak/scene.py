"""What a run plays on: a stack of its own, a certified provider, and an application."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signet.broker.keyring import Keyring
from signet.errors import Unavailable
from signet_local.real_parts.provider import ProviderProcess
from tests.soak.clock import RunClock
from tests.soak.logins import FreshWire
from tests.support.administrator import Administrator
from tests.support.application import Application
from tests.support.aws import Stores, database
from tests.support.ports import free_port
from tests.support.stack import Stack
from tests.support.travelled import Travelled

ALG = "ES256"
CODE_SECONDS = 600
"""Seconds of a fast clock are short, and a busy machine takes some between two requests."""


@dataclass(slots=True)
class Scene:
    """`connections` are the ids of the stack's connections, `names` their names."""

    clock: RunClock
    stack: Stack
    provider: ProviderProcess
    application: Application
    connections: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    stores: Stores = field(init=False)

    def __post_init__(self) -> None:
        self.find_stores()

    def connect(self, count: int) -> list[str]:
        """Make so many connections to the provider, and tell it of them; return their ids."""
        first = len(self.names)
        names = [f"acme-{number}" for number in range(first, first + count)]
        documents = [
            {
                "name": name,
                "strategy": "oidc",
                "issuer": self.provider.issuer,
                "client_id": name,
                "token_endpoint_auth_signing_alg": ALG,
                "id_token_signed_response_alg": ALG,
            }
            for name in names
        ]
        made = self.stack.register({"connections": documents})["connections"]
        for connection in made:
            self.provider.add_connection(connection, client_id=connection["name"], alg=ALG)
        ids = [connection["id"] for connection in made]
        self.names += names
        self.connections += ids
        return ids

    def find_stores(self) -> None:
        """Find the emulated AWS of a stack that was started."""
        environment = json.loads((self.stack.state / "environment.json").read_text("utf-8"))
        self.stores = Stores(database(environment))

    def keyring(self, owner: str) -> Keyring:
        """Read a keyring; a machine that is too busy to answer in time is asked again."""
        try:
            keyring = self.stores.keyrings.get(owner)
        except Unavailable:
            keyring = self.stores.keyrings.get(owner)
        assert keyring is not None
        return keyring

    def ask(self, path: str) -> dict[str, Any]:
        """Ask the management API."""
        with Administrator(self.stack.admin()) as administrator:
            answer = administrator.call("GET", path)
        assert answer.status_code == 200, answer.text
        members: dict[str, Any] = answer.json()
        return members

    def go_ahead(self, seconds: float, settings: dict[str, str]) -> None:
        """Start the stack again so much later, without faults and with other settings."""
        self.stack.stop(within=30)
        self.clock.go_ahead(seconds)
        self.stack.change_environment(SOAK_FAULTS="", **settings)
        self.stack.start()
        self.find_stores()

    def wait(self, seconds: float, reached: Callable[[], bool], *, pause: float = 0.2) -> bool:
        """Wait for so many seconds of the machine at most; tell whether it was reached."""
        deadline = self.clock.machine() + seconds
        over = threading.Event()
        while not reached():
            if self.clock.machine() >= deadline:
                return False
            over.wait(pause)
        return True


@contextmanager
def scene(
    folder: Path,
    *,
    connections: int,
    speed: float,
    settings: dict[str, str],
    provider: dict[str, Any] | None = None,
    faults: str = "",
) -> Iterator[Scene]:
    """Start everything, and end it however the block ends; `folder` keeps the stack's state."""
    clock = RunClock(speed=speed)
    at_the_provider = ProviderProcess(
        free_port(), log=folder / "provider.log", codeSeconds=CODE_SECONDS, **(provider or {})
    )
    settings = {"SIGNET_KEEP": "1", "SIGNET_PORT": str(free_port()), **settings}
    stack = Stack(state=folder / "state", module="tests.soak.stack", SOAK_FAULTS=faults, **settings)
    wire = FreshWire(Travelled())
    try:
        at_the_provider.start()
        stack.start()
        application = Application(stack.issuer, wire, client_id="app")
        stack.register({"clients": [application.registration()]})
        playing = Scene(clock=clock, stack=stack, provider=at_the_provider, application=application)
        playing.connect(connections)
        yield playing
    finally:
        stack.stop(within=30)
        at_the_provider.stop()
        wire.close()
