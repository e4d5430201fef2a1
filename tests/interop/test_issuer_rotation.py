"""The issuer's key rotates under running logins of real libraries, and none of them notices."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
from tests.support.aws import Stores, database
from tests.support.browser import Browser
from tests.support.library_scene import (
    NAME,
    OFFLINE,
    SCOPE,
    TABLE,
    Person,
    Scene,
    is_about_ada,
    scene_of,
)
from tests.support.lying_provider import LyingProvider
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import Stage
from tests.support.travelled import Travelled, Wire

from signet.broker.keyring import ISSUER, Keyring

AN_HOUR = 3_600
SHORT = {
    "SIGNET_TICK_SECONDS": "1",
    "SIGNET_ROTATION_SECONDS": str(AN_HOUR),
    "SIGNET_PROPAGATION_SECONDS": "2",
    "SIGNET_VERIFIER_CACHE_SECONDS": "1",
    "SIGNET_SIGNER_CACHE_SECONDS": "1",
    "SIGNET_RETENTION_SECONDS": "61",
}
PATIENCE = 60
A_JWKS_IS_OLD = 60
"""After so many seconds libraries fetch a JWKS again for a key that they do not know; P, the time
between publishing a key and signing with it, is two days where Signet is deployed."""


@dataclass(frozen=True, slots=True)
class Before:
    """What one application had going on when the key changed; `kept` is not refreshed after it."""

    scene: Scene
    signed_in: Person
    kept: Person
    browser: Browser
    address: str


@dataclass(frozen=True, slots=True)
class Rotated:
    """The applications, and which keys signed before and after."""

    applications: dict[str, Before]
    old: str
    new: str


def keyring(stores: Stores) -> Keyring:
    found = stores.keyrings.get(ISSUER)
    assert found is not None
    return found


def rotate(stage: Stage) -> tuple[str, str]:
    """Let an hour pass for the issuer's key, and wait until another one signs."""
    environment = json.loads((stage.stack.state / "environment.json").read_text("utf-8"))
    stores = Stores(database(environment))
    first = keyring(stores)
    activated_at = (first.current.activated_at or 0) - AN_HOUR
    old = replace(first.current, activated_at=activated_at)
    assert stores.keyrings.replace(replace(first, version=first.version + 1, current=old))
    deadline = time.monotonic() + PATIENCE
    while keyring(stores).current.kid == old.kid:
        assert time.monotonic() < deadline, stage.stack.log_text()[-2_000:]
        time.sleep(0.1)
    time.sleep(1.5)  # a function remembers for a second who signs
    return old.kid, keyring(stores).current.kid


@pytest.fixture(scope="module")
def rotated(travelled: Travelled, wire: Wire, liar: LyingProvider) -> Iterator[Rotated]:
    with ExitStack() as opened:
        stack = opened.enter_context(searched(Stack(**SHORT), travelled))
        stage = Stage(stack, liar, wire)
        stage.connect([NAME])
        applications = {}
        for library in TABLE:
            made = scene_of(stage, travelled, library, "issuer", **OFFLINE)
            scene = opened.enter_context(made)
            signed_in, kept = scene.sign_in(scope=SCOPE), scene.sign_in(scope=SCOPE)
            browser = stage.browser()
            address = scene.begin(browser, scope=SCOPE)
            applications[library] = Before(scene, signed_in, kept, browser, address)
        old, new = rotate(stage)
        for before in applications.values():
            before.scene.app.tell(age=A_JWKS_IS_OLD)
        yield Rotated(applications, old, new)


@pytest.mark.parametrize("library", TABLE)
def test_logins_of_before_go_on_with_the_issuers_new_key(rotated: Rotated, library: str) -> None:
    before = rotated.applications[library]
    scene = before.scene
    assert before.signed_in.result["kid"] == rotated.old
    finished = scene.finish(before.browser, scene.at_the_provider(before.browser, before.address))
    for result in (finished.result, scene.refresh(before.signed_in), scene.refresh(finished)):
        assert result["kid"] == rotated.new
        is_about_ada(result, scene)


@pytest.mark.parametrize("library", TABLE)
def test_an_id_token_of_the_old_key_still_signs_its_person_out(
    rotated: Rotated, library: str
) -> None:
    before = rotated.applications[library]
    assert before.kept.result["kid"] == rotated.old
    before.scene.signs_out(before.kept)
