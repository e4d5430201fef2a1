"""One stack and one Keycloak for the folder; the stack's log is searched at its end."""

import signal
import socket  # noqa: TID251  (to find a free port)
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from tests.support.administrator import Administrator
from tests.support.application import Application
from tests.support.keycloak import Keycloak
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.travelled import Travelled, Wire


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    made = Wire(Travelled())
    yield made
    made.close()


@pytest.fixture(scope="session")
def stack(wire: Wire) -> Iterator[Stack]:
    with searched(Stack(), wire.travelled) as running:
        yield running


@pytest.fixture(scope="session")
def progress(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Write at once, whatever pytest keeps of a test's output."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def write(words: str) -> None:
        with capture.global_and_fixture_disabled():
            print(words, end="", flush=True)  # noqa: T201  (whoever waits wants to know for what)

    return write


@pytest.fixture(scope="session")
def keycloak(progress: Callable[[str], None]) -> Iterator[Keycloak]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # A run that is ended by kill must not leave a server behind: as Ctrl-C, with its teardown.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Keycloak(port, progress=progress) as running:
        yield running
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def administrator(stack: Stack) -> Iterator[Administrator]:
    with Administrator(stack.admin()) as made:
        yield made


@pytest.fixture(scope="session")
def app(stack: Stack, wire: Wire, administrator: Administrator) -> Application:
    made = Application(stack.issuer, wire, client_id="keycloak-app")
    answer = administrator.call("POST", "/clients", made.registration())
    assert answer.status_code == 201, answer.text
    return made


@pytest.fixture(scope="session")
def connect(administrator: Administrator, keycloak: Keycloak) -> Callable[..., dict[str, Any]]:
    """Make a connection of the strategy `keycloak`, and a client of Keycloak's by its sheet."""

    def connected(
        name: str,
        *,
        attributes: Mapping[str, str] | None = None,
        there: Mapping[str, Any] | None = None,
        **document: Any,
    ) -> dict[str, Any]:
        answer = administrator.call(
            "POST",
            "/connections",
            {
                "name": name,
                "strategy": "keycloak",
                "issuer": keycloak.issuer,
                "client_id": f"signet-{name}",
                **document,
            },
        )
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        keycloak.add_connection(made, attributes=attributes or {}, **(there or {}))
        return made

    return connected
