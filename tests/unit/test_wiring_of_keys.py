"""How what is deployed makes keys: the settings that the use cases do not check themselves."""

import importlib.util
from types import ModuleType

import pytest

from signet import wiring as deployed


@pytest.fixture
def wiring(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load the module a second time: what this deployment keeps is nobody else's."""
    monkeypatch.setenv("SIGNET_ISSUER", "https://login.example")
    monkeypatch.setenv("SIGNET_STACK", "login")
    spec = importlib.util.spec_from_file_location("another_wiring", deployed.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("propagation", "seconds"), [("172800", 3_600), ("100", 100)])
def test_an_owner_waits_for_an_hour_or_for_p_where_that_is_less(
    wiring: ModuleType, monkeypatch: pytest.MonkeyPatch, propagation: str, seconds: int
) -> None:
    monkeypatch.setenv("SIGNET_PROPAGATION_SECONDS", propagation)
    monkeypatch.setenv("SIGNET_VERIFIER_CACHE_SECONDS", "90")
    assert wiring._key_creation().window == seconds


def test_keys_are_made_counted_and_taken_away_under_one_name(wiring: ModuleType) -> None:
    stacks = {
        wiring._key_creation().stack,
        wiring.reaper().stack,
        wiring.management().census.stack,
    }
    assert stacks == {"login"}
