"""What a login waits for when the event bus is down: one attempt, and a second at most."""

import importlib.util
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import botocore.endpoint  # noqa: TID251  (its waits are shortened)
import pytest
from tests.support.aws_error_server import AwsErrors, aws_errors

from signet import wiring as deployed_wiring
from signet.broker.event import Event
from signet.errors import Unavailable

REFUSED = Event(type="KeyRefused", time=1, actor="signet", subject="con_a", outcome="failure")


@pytest.fixture
def bus() -> Iterator[AwsErrors]:
    with aws_errors() as server:
        server.answer("InternalFailure", status=500)
        yield server


@pytest.fixture
def wiring(bus: AwsErrors, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The composition, made anew for a bus that is down."""
    # The SDK's retries are the real ones; only its waits between them are left out.
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    settings = {
        "AWS_ENDPOINT_URL": bus.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "SIGNET_ISSUER": "https://login.example",
        "no_proxy": "127.0.0.1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.find_spec(deployed_wiring.__name__)
    assert spec is not None
    assert spec.loader is not None
    wiring = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wiring)
    return wiring


def test_a_bus_that_is_down_is_told_once(wiring: ModuleType, bus: AwsErrors) -> None:
    wiring._announcements().publish(REFUSED)
    assert len(bus.requests) == 1


def test_a_step_is_asked_for_with_more_patience(wiring: ModuleType, bus: AwsErrors) -> None:
    with pytest.raises(Unavailable):
        wiring._rotation_requests().request("con_a")
    assert len(bus.requests) == 3


def test_an_announcement_is_given_a_second(wiring: ModuleType) -> None:
    config = wiring._announcements()._bus._client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 1)
