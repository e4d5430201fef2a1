"""A certified provider that keeps our keys for longer than P: what it says, and what a login does.

npm oidc-provider keeps a client's JWKS for a minute, whatever we say, and verifies each assertion
by the keys that it has. So it does not know a new key, and says so: nothing here is canned.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.administrator import Administrator
from tests.support.lying_provider import LyingProvider
from tests.support.ports import free_port
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import Stage
from tests.support.travelled import Travelled, Wire

from signet_local.real_parts.provider import ProviderProcess

ALG = "ES256"
PATIENCE = 30
SHORT = {
    "SIGNET_TICK_SECONDS": "1",
    "SIGNET_PROPAGATION_SECONDS": "2",
    "SIGNET_VERIFIER_CACHE_SECONDS": "1",
    "SIGNET_SIGNER_CACHE_SECONDS": "1",
}


class KeepingProvider:
    """The provider with one connection to it; a login went through it, so that it has our keys."""

    def __init__(
        self, process: ProviderProcess, stage: Stage, administrator: Administrator, *, name: str
    ) -> None:
        self.process = process
        self.name = name
        self._stage = stage
        self._administrator = administrator
        self._app = stage.application(f"app-{name}")
        (self._connection,) = stage.stack.register({
            "connections": [
                {
                    "name": self.name,
                    "strategy": "oidc",
                    "issuer": self.process.issuer,
                    "client_id": "signet",
                    "token_endpoint_auth_signing_alg": ALG,
                    "id_token_signed_response_alg": ALG,
                }
            ]
        })["connections"]  # fmt: skip
        self.process.add_connection(self._connection, client_id="signet", alg=ALG)
        self.sign_in()

    def sign_in(self) -> None:
        """Sign in as a person does; whatever happens to keys, it succeeds."""
        browser, sign_in = self._stage.browser(), self._app.request(self.name)
        response = browser.open(f"{self._stage.issuer}/authorize", sign_in.parameters)
        back = browser.sign_in(response)
        assert "code" in back, (back, self._stage.stack.log_text()[-2_000:])
        assert self._app.redeem(back["code"], sign_in.verifier).status_code == 200

    def let_its_copy_end(self) -> None:
        """Have it fetch our keys at the next assertion, as it does when its minute is over."""
        # A changed client is a new one there, of whose keys it has no copy.
        self.process.add_connection(
            self._connection, client_id="signet", alg=ALG, client_name="Signet"
        )

    def answers(self, kid: str) -> set[tuple[str, int]]:
        """Return where it got assertions by a key, and how it answered."""
        return {
            (assertion["endpoint"], assertion["status"])
            for assertion in self.process.assertions()
            if assertion["header"]["kid"] == kid
        }

    def keys(self) -> dict[str, dict[str, Any]]:
        """Return the connection's keys, as the management API shows them, by their states."""
        path = f"/connections/{self._connection['id']}/keys"
        listed = self._administrator.call("GET", path).json()
        return {key["state"]: key for key in listed}

    def rotate(self, **how: object) -> None:
        path = f"/connections/{self._connection['id']}/keys/rotate"
        answer = self._administrator.call("POST", path, how)
        assert answer.status_code == 202, answer.text

    def wait_until(self, reached: Callable[[dict[str, dict[str, Any]]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while not reached(keys := self.keys()):
            assert time.monotonic() < deadline, (keys, self._stage.stack.log_text()[-2_000:])
            time.sleep(0.1)
        return keys


@pytest.fixture(scope="module")
def short_stage(travelled: Travelled, liar: LyingProvider, wire: Wire) -> Iterator[Stage]:
    with searched(Stack(**SHORT), travelled) as stack:
        yield Stage(stack, liar, wire)


@pytest.fixture(scope="module")
def administrator(short_stage: Stage) -> Iterator[Administrator]:
    with Administrator(short_stage.stack.admin()) as somebody:
        yield somebody


@pytest.fixture(params=["off", "required"])
def provider(
    request: pytest.FixtureRequest, short_stage: Stage, administrator: Administrator
) -> Iterator[KeepingProvider]:
    port = free_port()
    process = ProviderProcess(port, par=request.param)
    process.start()
    try:
        yield KeepingProvider(process, short_stage, administrator, name=f"keeping-{port}")
    finally:
        process.stop()


def test_a_login_with_a_key_that_the_provider_refuses_is_healed_and_the_key_rolled_back(
    provider: KeepingProvider,
) -> None:
    first = provider.keys()["current"]["kid"]
    provider.rotate(immediate=True)
    second = provider.keys()["current"]["kid"]
    assert second != first

    # Until the signer's memory is over, and two refusals are counted: each login succeeds.
    deadline = time.monotonic() + PATIENCE
    while provider.keys()["current"]["kid"] != first:
        assert time.monotonic() < deadline
        provider.sign_in()

    refused = provider.answers(second)
    assert refused
    assert {status for _, status in refused} == {401}, "it never knew this key"
    assert ("/token", 200) in provider.answers(first)
    assert provider.keys()["next"]["kid"] == second
    assert provider.keys()["next"]["probe"]["result"] == "refused"


def test_a_promotion_waits_until_the_provider_accepts_the_key(provider: KeepingProvider) -> None:
    first = provider.keys()["current"]["kid"]
    provider.rotate()

    held = provider.wait_until(lambda keys: bool(keys.get("next", {}).get("probe")))
    second = held["next"]["kid"]
    assert held["next"]["probe"]["result"] == "refused"
    assert held["current"]["kid"] == first
    assert provider.answers(second) == {("/token", 401)}
    provider.sign_in()

    provider.let_its_copy_end()
    provider.wait_until(lambda keys: keys["current"]["kid"] == second)
    assert ("/token", 400) in provider.answers(second), "a made-up code is what it refused now"
    assert provider.keys()["current"]["probe"]["result"] == "accepted"
    provider.sign_in()
