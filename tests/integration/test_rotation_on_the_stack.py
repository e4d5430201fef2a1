"""Keys rotate by the ticks alone: nobody asks for anything, and the provider checks each step."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx  # noqa: TID251  (an outside caller)
import pytest
from joserfc import jws as joserfc_jws
from tests.support.administrator import Administrator
from tests.support.aws import Stores, database
from tests.support.probed_provider import ProbedProvider, probed_provider
from tests.support.stack import Stack

from signet.broker.keyring import Keyring

SHORT = {
    "SIGNET_TICK_SECONDS": "1",
    "SIGNET_ROTATION_SECONDS": "2",
    "SIGNET_PROPAGATION_SECONDS": "2",
    "SIGNET_VERIFIER_CACHE_SECONDS": "1",
    "SIGNET_SIGNER_CACHE_SECONDS": "1",
    # The least that is allowed: an assertion lives for 60 s.
    "SIGNET_RETENTION_SECONDS": "61",
}
PATIENCE = 30


class Rotating:
    """A stack whose keys rotate, seen from its account and from outside."""

    def __init__(self, stack: Stack, provider: ProbedProvider) -> None:
        (made,) = stack.register({
            "connections": [
                {
                    "name": "acme",
                    "strategy": "oidc",
                    "issuer": provider.issuer,
                    "client_id": "signet",
                    "token_endpoint_auth_signing_alg": "ES256",
                }
            ]
        })["connections"]  # fmt: skip
        self.stack = stack
        self.provider = provider
        self.id = made["id"]
        provider.jwks_uri = made["jwks_uri"]
        environment = json.loads((stack.state / "environment.json").read_text("utf-8"))
        self.stores = Stores(database(environment))

    def keyring(self, owner: str) -> Keyring:
        keyring = self.stores.keyrings.get(owner)
        assert keyring is not None
        return keyring

    def published(self, owner: str) -> set[str]:
        """Return the kids of a JWKS, which is never empty."""
        path = ".well-known" if owner == "issuer" else f"connections/{owner}"
        answer = httpx.get(f"{self.stack.issuer}/{path}/jwks.json", timeout=5, trust_env=False)
        kids = {key["kid"] for key in answer.json()["keys"]}
        assert kids
        return kids

    def wait_for(self, owner: str, reached: Callable[[Keyring], bool]) -> Keyring:
        deadline = time.monotonic() + PATIENCE
        while not reached(keyring := self.keyring(owner)):
            assert time.monotonic() < deadline, (keyring, self.stack.log_text()[-2_000:])
            # At any moment whoever signs is published.
            assert keyring.current.kid in self.published(owner)
            time.sleep(0.1)
        return keyring


def kid_of(token: str) -> str:
    """Read which key a token says that it is signed by."""
    return str(joserfc_jws.extract_compact(token.encode()).headers()["kid"])


@pytest.fixture(scope="module")
def rotating() -> Iterator[Rotating]:
    with probed_provider() as provider, Stack(**SHORT) as stack:
        yield Rotating(stack, provider)


def test_a_connections_key_is_announced_probed_promoted_and_retired(rotating: Rotating) -> None:
    owner = rotating.id
    first = rotating.keyring(owner).current

    announced = rotating.wait_for(owner, lambda keyring: keyring.next is not None)
    assert announced.next is not None
    second = announced.next.kid
    assert announced.current.kid == first.kid
    assert rotating.published(owner) == {first.kid, second}

    promoted = rotating.wait_for(owner, lambda keyring: keyring.current.kid != first.kid)
    assert promoted.current.kid == second
    assert promoted.previous is not None
    assert promoted.previous.kid == first.kid
    assert promoted.current.activated_at is not None
    assert promoted.current.activated_at - promoted.current.published_at >= 2
    # The provider was asked with the new key, verified it, and no assertion was ever refused.
    assert second in rotating.provider.verified
    assert rotating.provider.refused == []
    assert rotating.published(owner) == {first.kid, second}

    # As if R had passed: the previous key stopped to sign long ago.
    retired_at = (promoted.previous.retired_at or 0) - 120
    old = replace(promoted.previous, retired_at=retired_at)
    aged = replace(promoted, version=promoted.version + 1, previous=old)
    assert rotating.stores.keyrings.replace(aged)
    rotating.wait_for(owner, lambda keyring: keyring.previous is None)
    assert first.kid not in rotating.published(owner)
    assert second in rotating.published(owner)


def test_the_issuers_key_rotates_too_and_by_time_alone(rotating: Rotating) -> None:
    keyring = rotating.wait_for("issuer", lambda keyring: keyring.previous is not None)
    assert keyring.previous is not None
    assert keyring.previous.kid != keyring.current.kid
    assert {keyring.previous.kid, keyring.current.kid} <= rotating.published("issuer")


def test_tokens_are_signed_by_the_issuers_new_key_within_the_signers_cache(
    rotating: Rotating,
) -> None:
    keyring = rotating.wait_for("issuer", lambda keyring: keyring.previous is not None)
    deadline = time.monotonic() + PATIENCE
    signed_by = ""
    while signed_by != keyring.current.kid:
        assert time.monotonic() < deadline
        with Administrator(rotating.stack.admin()) as administrator:
            signed_by = kid_of(administrator.token)
        assert signed_by in rotating.published("issuer")


def test_a_rotation_leaves_nothing_in_the_log_that_failed(rotating: Rotating) -> None:
    for failure in ("Traceback", "defect", "event failed", "event dropped"):
        assert failure not in rotating.stack.log_text()
