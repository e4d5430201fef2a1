"""One stack for the whole folder, and every stack's log searched for what travelled."""

from collections.abc import Iterator

import pytest
from tests.support.lying_provider import LyingProvider, lying_provider
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import Stage
from tests.support.travelled import Travelled, Wire

LAST = "test_logs_carry_nothing.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Search the logs when everything else has been in them."""
    items.sort(key=lambda item: item.path.name == LAST)


@pytest.fixture(scope="session")
def travelled() -> Travelled:
    return Travelled()


@pytest.fixture(scope="session")
def wire(travelled: Travelled) -> Iterator[Wire]:
    made = Wire(travelled)
    yield made
    made.close()


@pytest.fixture(scope="session")
def stack(travelled: Travelled) -> Iterator[Stack]:
    with searched(Stack(), travelled) as running:
        yield running


@pytest.fixture(scope="session")
def liar(travelled: Travelled) -> Iterator[LyingProvider]:
    with lying_provider(travelled) as provider:
        yield provider


@pytest.fixture(scope="session")
def stage(stack: Stack, liar: LyingProvider, wire: Wire) -> Stage:
    return Stage(stack, liar, wire)
