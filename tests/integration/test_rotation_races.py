"""Two rotators and an administrator at the same moment, a hundred times: one winner each time."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from tests.support import broker, records
from tests.support.aws import NAMES, Stores
from tests.support.memory import FixedClock, MemoryAudit, MemoryRequests
from tests.support.racing import at_once

from signet.adapters.dynamodb.keyrings import DynamoDbKeyrings
from signet.adapters.dynamodb.management import DynamoDbRateLimits
from signet.adapters.kms import KmsKeys
from signet.adapters.random import SystemEntropy
from signet.broker.key_creation import CONNECTION_TAG, KeyCreation
from signet.broker.keyring import Keyring
from signet.broker.managed_keys import ManagedKeys
from signet.broker.rotation import ACCEPTED
from signet.broker.rotator import Rotator

STACK = "races"
BOUNDS = replace(broker.BOUNDS, rotation=10**9)
"""Only who asks for a rotation begins one."""
ROUNDS = 100
AN_HOUR = 3_600
"""Longer than every wait of the protocol here, and than any limit of how often."""


class Contenders:
    """Two rotators and an administrator over one account, at a time that a test sets."""

    def __init__(self, stores: Stores, kms: KmsKeys) -> None:
        self.clock = FixedClock()
        self.told = MemoryAudit()
        self.keyrings = DynamoDbKeyrings(
            stores.database, table=NAMES["SIGNET_KEYRINGS_TABLE"], recording=stores.audit.puts
        )
        self.kms = kms
        entropy = SystemEntropy()
        limits = DynamoDbRateLimits(stores.database, table=NAMES["SIGNET_MANAGEMENT_TABLE"])
        creation = KeyCreation(
            stack=STACK,
            kms=kms,
            limits=limits,
            clock=self.clock,
            entropy=entropy,
            # The seconds of KMS's quota go by when somebody waits for one.
            pause=self._let_time_pass,
        )
        rotator = Rotator(
            bounds=BOUNDS,
            connections=stores.connections,
            keyrings=self.keyrings,
            creation=creation,
            probe=lambda *_: ACCEPTED,
            limits=limits,
            requests=MemoryRequests(),
            audit=self.told,
            announcements=self.told,
            clock=self.clock,
            entropy=entropy,
        )
        self.administrator = ManagedKeys(
            rotator=rotator,
            bounds=BOUNDS,
            creation=creation,
            kms=kms,
            clock=self.clock,
            entropy=entropy,
        )
        self.first, self.second = rotator, replace(rotator)
        connection = records.connection(signing_alg="ES256", key_registration="jwks_uri")
        self.owner = connection.id
        first = creation(self.owner, alg="ES256", operation="race")
        keyring = Keyring(
            owner=self.owner, version=1, current=replace(first, activated_at=self.clock.now())
        )
        stores.connections.add(connection, keyring)

    def keyring(self) -> Keyring:
        keyring = self.keyrings.get(self.owner)
        assert keyring is not None
        return keyring

    def race(self) -> None:
        """Have all three begin a rotation, or bring it on, at the same moment."""
        at_once([
            partial(self.first.step, self.owner, requested=True),
            partial(self.second.step, self.owner, requested=True),
            partial(self.administrator.rotate, self.owner, actor="admin", immediate=False),
        ])  # fmt: skip

    def announced(self) -> Counter[str]:
        return Counter(event.type for event in self.told.published)

    def usable(self, key_ids: set[str]) -> set[str]:
        """Return those keys of this owner that KMS would sign with."""
        found = set()
        for key_id in key_ids:
            key = self.kms.describe(key_id)
            assert key is not None
            if key.tags.get(CONNECTION_TAG) == self.owner and key.state == "enabled":
                found.add(key_id)
        return found

    def _let_time_pass(self, seconds: float) -> None:
        self.clock.time += max(1, round(seconds))


@pytest.fixture
def contenders(stores: Stores, kms: KmsKeys) -> Contenders:
    return Contenders(stores, kms)


def test_one_of_three_wins_each_time_and_no_key_is_left_over(
    contenders: Contenders, kms: KmsKeys
) -> None:
    before = set(all_keys(kms))
    retired: set[str] = set()
    for number in range(1, ROUNDS + 1):
        steady = contenders.keyring()
        retired.add(steady.current.key_id)

        contenders.race()
        announced = contenders.keyring()
        assert announced.next is not None
        assert announced.current == steady.current
        assert announced.version == steady.version + 1

        contenders.clock.time += AN_HOUR
        contenders.race()
        promoted = contenders.keyring()
        assert promoted.current.kid == announced.next.kid
        assert promoted.previous is not None
        assert promoted.previous.kid == steady.current.kid

        contenders.clock.time += AN_HOUR
        contenders.first.step(contenders.owner)
        assert contenders.keyring().published() == (contenders.keyring().current,)
        told = contenders.announced()
        assert (told["KeyAnnounced"], told["KeyPromoted"], told["KeyRetired"]) == (number,) * 3

    made = set(all_keys(kms)) - before
    assert len(made) > ROUNDS, "nobody lost a race: nothing was raced for"
    # Every key that lost was given up at once; those that won and are retired are the reaper's.
    assert contenders.usable(made) - retired == {contenders.keyring().current.key_id}


def all_keys(kms: KmsKeys) -> list[str]:
    found: list[str] = []
    position: str | None = None
    while True:
        page = kms.list_keys(position=position)
        found.extend(page.items)
        position = page.position
        if position is None:
            return found
