"""The model's moves are the steps of the real rotator and reaper, in the same order.

What the real ones ask of KMS and of the keyrings is written down in the words of the model; what
comes twice in a row is one step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

import pytest

from signet.broker.event import Event
from signet.broker.keyring import Keyring
from signet.broker.managed_keys import ManagedKeys
from signet.broker.ports import KmsKey
from signet.errors import Unavailable
from signet.jose.algorithms import SigningAlgorithm
from signet.jose.jws import DigestSignature
from tests.support.broker import BOUNDS, Broker
from tests.support.memory import MemoryKeyrings
from tests.support.software_kms import SoftwareKms

READ, WRITE = "read", "write"
CREATE, PROVE, DESCRIBE, DISABLE, DELETE = "CreateKey", "prove", "describe", "disable", "delete"


class Kms(SoftwareKms):
    """Writes down what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def create_key(self, *, algorithm: SigningAlgorithm, tags: Mapping[str, str]) -> str:
        self.told.append(CREATE)
        return super().create_key(algorithm=algorithm, tags=tags)

    def public_key(self, key_id: str) -> bytes:
        self.told.append(PROVE)
        return super().public_key(key_id)

    def sign_digest(
        self, *, key_id: str, algorithm: SigningAlgorithm, digest: bytes
    ) -> DigestSignature:
        self.told.append(PROVE)
        return super().sign_digest(key_id=key_id, algorithm=algorithm, digest=digest)

    def describe(self, key_id: str) -> KmsKey | None:
        self.told.append(DESCRIBE)
        return super().describe(key_id)

    def disable_key(self, key_id: str) -> None:
        self.told.append(DISABLE)
        super().disable_key(key_id)

    def schedule_deletion(self, key_id: str) -> None:
        self.told.append(DELETE)
        super().schedule_deletion(key_id)


@dataclass
class Keyrings:
    """The keyrings of a broker; `overtaken` lets another write come first, `lost` loses answers."""

    inner: MemoryKeyrings
    told: list[str]
    overtaken: bool = False
    lost: bool = False

    def get(self, owner: str) -> Keyring | None:
        self.told.append(READ)
        return self.inner.get(owner)

    def replace(self, keyring: Keyring, *events: Event) -> bool:
        self.told.append(WRITE)
        if self.overtaken:
            stored = self.inner.items[keyring.owner]
            self.inner.items[keyring.owner] = replace(
                stored, version=stored.version + 1, operation="another's"
            )
        written = self.inner.replace(keyring, *events)
        if self.lost:
            raise Unavailable("storage_unavailable", "The service is not available now.")
        return written

    def add(self, keyring: Keyring) -> bool:
        return self.inner.add(keyring)

    since = MemoryKeyrings.since


@dataclass
class Stage:
    """A broker with one connection, whose rotator is watched."""

    kms: Kms = field(default_factory=Kms)

    def __post_init__(self) -> None:
        self.broker = Broker(kms=self.kms)
        self.owner = self.broker.connect().id
        self.keyrings = Keyrings(self.broker.keyrings, self.kms.told)
        self.rotator = replace(self.broker.rotator, keyrings=self.keyrings)

    def steps(self) -> list[str]:
        """Return what was done since it was asked last, and forget it."""
        steps = [step for step, _ in groupby(self.kms.told)]
        self.kms.told.clear()
        return steps


def announced() -> Stage:
    stage = Stage()
    stage.rotator.step(stage.owner, requested=True)
    stage.steps()
    return stage


def promoted() -> Stage:
    stage = announced()
    stage.broker.clock.time += BOUNDS.propagation
    stage.rotator.step(stage.owner)
    assert stage.broker.keyrings.items[stage.owner].previous is not None
    return stage


def test_a_key_is_made_then_proved_then_announced() -> None:
    stage = Stage()
    stage.steps()
    stage.rotator.step(stage.owner, requested=True)
    assert stage.steps() == [READ, CREATE, PROVE, WRITE, READ]


def test_who_loses_the_race_reads_again_and_gives_its_key_up() -> None:
    stage = Stage()
    stage.steps()
    stage.keyrings.overtaken = True
    stage.rotator.step(stage.owner, requested=True)
    assert stage.steps() == [READ, CREATE, PROVE, WRITE, READ, DISABLE, DELETE, READ]


def test_who_gets_no_answer_reads_again_and_keeps_its_key() -> None:
    stage = Stage()
    stage.steps()
    stage.keyrings.lost = True
    keyring = stage.rotator.step(stage.owner, requested=True)
    assert stage.steps() == [READ, CREATE, PROVE, WRITE, READ]
    assert keyring is not None
    assert keyring.next is not None


def test_a_key_is_probed_and_written_and_then_proved_and_promoted() -> None:
    assert promoted().steps() == [READ, PROVE, WRITE, READ, PROVE, WRITE, READ]


def test_a_retirement_is_a_read_and_a_write() -> None:
    stage = promoted()
    stage.steps()
    stage.broker.clock.time += BOUNDS.retention
    stage.rotator.step(stage.owner)
    assert stage.steps() == [READ, WRITE, READ]


def test_a_revoked_key_is_disabled_once_the_record_is_without_it() -> None:
    stage = Stage()
    broker = stage.broker
    keys = ManagedKeys(
        rotator=stage.rotator,
        bounds=BOUNDS,
        creation=broker.creation,
        kms=stage.kms,
        clock=broker.clock,
        entropy=broker.entropy,
    )
    kid = broker.keyrings.items[stage.owner].current.kid
    stage.steps()
    keys.revoke(stage.owner, kid, actor="admin")
    assert stage.steps() == [READ, CREATE, PROVE, WRITE, DISABLE]


@pytest.mark.parametrize(
    ("age", "steps"),
    [
        (BOUNDS.grace, [DESCRIBE, READ]),
        (BOUNDS.grace + 1, [DESCRIBE, READ, DISABLE]),
    ],
)
def test_the_reaper_reads_the_record_after_the_key_and_then_acts(
    age: int, steps: list[str]
) -> None:
    stage = Stage()
    broker = stage.broker
    key = broker.creation(stage.owner, alg="ES256", operation="crashed")
    stage.kms.created[key.key_id] = broker.clock.now()
    broker.clock.time += age
    stage.steps()
    replace(broker.reaper, keyrings=stage.keyrings).run(None)
    assert stage.steps()[-len(steps) :] == steps
