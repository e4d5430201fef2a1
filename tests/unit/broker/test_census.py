"""The census: each key of ours is counted once, as what it is, and what was left out is said."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.broker import BOUNDS, Broker
from tests.support.faulty_kms import THROTTLED, FaultyKms
from tests.support.memory import FixedClock, MemoryKeyrings
from tests.support.software_kms import SoftwareKms

from signet.broker.census import MOST_SECONDS, Census, Count
from signet.broker.keyring import FormerKey, Keyring, PublishedKey
from signet.broker.ports import KmsKey, Page
from signet.errors import Unavailable
from signet.jose.algorithms import algorithm

NOW = 1_800_000_000
ACME, REMOVED, LATELY_REMOVED, ABSENT = "acme", "removed", "lately removed", "absent"
ES256 = algorithm("ES256")


class ListedKms(SoftwareKms):
    """Any keys at all, in pages; None is a key that we may not look at."""

    def __init__(self, listed: dict[str, KmsKey | None], *, page_size: int) -> None:
        super().__init__()
        self.listed = listed
        self.page_size = page_size
        self.looks = 0

    def list_keys(self, *, position: str | None) -> Page[str]:
        key_ids = list(self.listed)
        end = int(position or 0) + self.page_size
        return Page(
            items=tuple(key_ids[end - self.page_size : end]),
            position=str(end) if end < len(key_ids) else None,
        )

    def describe(self, key_id: str) -> KmsKey | None:
        self.looks += 1
        return self.listed[key_id]


def published(key_id: str) -> PublishedKey:
    return PublishedKey(
        kid=f"kid-{key_id}", key_id=key_id, alg="ES256", jwk={}, created_at=0, published_at=0
    )


def former(key_id: str) -> FormerKey:
    return FormerKey(
        kid=f"kid-{key_id}",
        key_id=key_id,
        alg="ES256",
        created_at=0,
        published_at=0,
        activated_at=0,
        left_at=0,
    )


def keyrings() -> MemoryKeyrings:
    """Each owner's record: keys 0 to 2 are published, 3 and 4 are revoked, others unknown."""
    stored = MemoryKeyrings()
    for owner, deleted_at in ((ACME, None), (REMOVED, 1), (LATELY_REMOVED, NOW)):
        keys = [f"{owner}-{number}" for number in range(5)]
        stored.items[owner] = Keyring(
            owner=owner,
            version=1,
            next=published(keys[0]),
            current=published(keys[1]),
            previous=published(keys[2]),
            revoked=(former(keys[3]), former(keys[4])),
            deleted_at=deleted_at,
        )
    return stored


def key_of(owner: str, number: int, state: str, age: int, stack: str = "test") -> KmsKey:
    return KmsKey(
        key_id=f"{owner}-{number}",
        created_at=NOW - age,
        state=state,
        tags={
            "signet:stack": stack,
            "signet:purpose": "connection",
            "signet:connection": owner,
        },
    )


def take(kms: SoftwareKms, *, clock: FixedClock | None = None) -> Count:
    census = Census(
        stack="test",
        bounds=BOUNDS,
        keyrings=keyrings(),
        kms=kms,
        clock=clock or FixedClock(NOW),
    )
    return census()


KEYS = st.builds(
    key_of,
    st.sampled_from([ACME, REMOVED, LATELY_REMOVED, ABSENT]),
    st.integers(0, 6),
    st.sampled_from(["enabled", "disabled", "pending_deletion"]),
    st.sampled_from([0, BOUNDS.grace, BOUNDS.grace + 1, 10**6]),
    st.sampled_from(["test", "test", "another"]),
)
ANY_KEYS = st.lists(KEYS | st.none(), max_size=25)


@given(keys=ANY_KEYS, page_size=st.integers(1, 30))
def test_nothing_is_left_over_whatever_keys_there_are(
    keys: list[KmsKey | None], page_size: int
) -> None:
    listed = {f"{number}": key for number, key in enumerate(keys)}
    count = take(ListedKms(listed, page_size=page_size))
    ours = [key for key in keys if key is not None and key.tags["signet:stack"] == "test"]
    assert count.complete
    assert count.taken_at == NOW
    assert count.tagged == len(ours)
    assert count.tagged == (
        count.referenced
        + count.revoked
        + count.within_grace
        + count.leaving
        + count.pending_deletion
        + count.orphans
    )
    assert 0 <= count.unusable <= count.referenced


OLD = 10**6


@pytest.mark.parametrize(
    ("key", "counted"),
    [
        (key_of(ACME, 0, "enabled", OLD), {"referenced"}),
        (key_of(ACME, 1, "enabled", 0), {"referenced"}),
        (key_of(ACME, 2, "disabled", OLD), {"referenced", "unusable"}),
        (key_of(ACME, 1, "pending_deletion", OLD), {"referenced", "unusable"}),
        (key_of(ACME, 3, "enabled", OLD), {"revoked"}),
        (key_of(ACME, 3, "disabled", 0), {"revoked"}),
        (key_of(ACME, 3, "pending_deletion", OLD), {"pending_deletion"}),
        (key_of(ACME, 5, "enabled", BOUNDS.grace), {"within_grace"}),
        (key_of(ACME, 5, "enabled", BOUNDS.grace + 1), {"orphans"}),
        (key_of(ACME, 5, "disabled", OLD), {"leaving"}),
        (key_of(ACME, 5, "pending_deletion", OLD), {"pending_deletion"}),
        (key_of(ABSENT, 0, "enabled", 0), {"within_grace"}),
        (key_of(ABSENT, 0, "enabled", OLD), {"orphans"}),
        (key_of(REMOVED, 1, "enabled", OLD), {"orphans"}),
        (key_of(LATELY_REMOVED, 1, "enabled", OLD), {"referenced"}),
        (key_of(LATELY_REMOVED, 1, "pending_deletion", OLD), {"pending_deletion"}),
        (None, set()),
        (key_of(ACME, 1, "enabled", OLD, stack="another"), set()),
    ],
)
def test_a_key_is_counted_as_what_it_is(key: KmsKey | None, counted: set[str]) -> None:
    key_id = key.key_id if key is not None else "foreign"
    count = asdict(take(ListedKms({key_id: key}, page_size=1)))
    del count["taken_at"], count["complete"]
    expected = counted | {"tagged"} if counted else set()
    assert {name for name, number in count.items() if number} == expected
    assert set(count.values()) <= {0, 1}


class SlowKms(ListedKms):
    """Each look takes five seconds."""

    def __init__(self, clock: FixedClock, count: int, *, page_size: int) -> None:
        keys = [key_of(ACME, 1, "enabled", OLD)] * count
        listed: dict[str, KmsKey | None] = {str(n): key for n, key in enumerate(keys)}
        super().__init__(listed, page_size=page_size)
        self._clock = clock

    def describe(self, key_id: str) -> KmsKey | None:
        self._clock.time += 5
        return super().describe(key_id)


@pytest.mark.parametrize("page_size", [1, 100])
def test_a_census_ends_when_nobody_waits_any_more_and_says_so(page_size: int) -> None:
    clock = FixedClock(NOW)
    kms = SlowKms(clock, 10, page_size=page_size)
    count = take(kms, clock=clock)
    assert not count.complete
    assert count.tagged == count.referenced == kms.looks == MOST_SECONDS // 5 + 1
    assert count.taken_at == NOW


@pytest.mark.parametrize(("keys", "complete"), [(4, True), (5, False)])
def test_a_census_that_ends_in_time_is_complete(keys: int, *, complete: bool) -> None:
    clock = FixedClock(NOW)
    assert take(SlowKms(clock, keys, page_size=2), clock=clock).complete is complete


def test_an_account_without_keys_is_counted() -> None:
    assert take(ListedKms({}, page_size=1)) == Count(
        taken_at=NOW,
        complete=True,
        tagged=0,
        referenced=0,
        unusable=0,
        revoked=0,
        within_grace=0,
        leaving=0,
        pending_deletion=0,
        orphans=0,
    )


@pytest.mark.parametrize("operation", ["list_keys", "describe"])
def test_nothing_is_guessed_where_kms_is_busy(operation: str) -> None:
    kms = FaultyKms()
    kms.create_key(algorithm=ES256, tags={})
    kms.faults[operation] = [THROTTLED]
    with pytest.raises(Unavailable):
        take(kms)


class CountingKeyrings(MemoryKeyrings):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def get(self, owner: str) -> Keyring | None:
        self.reads.append(owner)
        return super().get(owner)


def test_each_owners_record_is_read_once() -> None:
    records = CountingKeyrings()
    listed: dict[str, KmsKey | None] = {
        f"{owner}-{number}": key_of(owner, number, "enabled", OLD)
        for owner in (ACME, ABSENT)
        for number in range(5)
    }
    kms = ListedKms(listed, page_size=2)
    Census(stack="test", bounds=BOUNDS, keyrings=records, kms=kms, clock=FixedClock(NOW))()
    assert sorted(records.reads) == [ABSENT, ACME]


def test_orphans_that_the_reaper_met_are_leaving_until_kms_deletes_them() -> None:
    broker = Broker()
    connection = broker.connect(token_endpoint_auth_signing_alg="ES256")
    census = Census(
        stack="test",
        bounds=BOUNDS,
        keyrings=broker.keyrings,
        kms=broker.kms,
        clock=broker.clock,
    )
    broker.creation(connection.id, alg="ES256", operation="lost")
    nothing = Count(
        taken_at=broker.clock.time,
        complete=True,
        tagged=2,
        referenced=1,
        unusable=0,
        revoked=0,
        within_grace=0,
        leaving=0,
        pending_deletion=0,
        orphans=0,
    )
    assert census() == replace(nothing, orphans=1)
    broker.reaper.run(None)
    assert census() == replace(nothing, leaving=1)
    broker.clock.time += 7 * 86_400
    broker.reaper.run(None)
    assert census() == replace(nothing, taken_at=broker.clock.time, pending_deletion=1)
