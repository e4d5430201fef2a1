"""The reaper: what it takes, in which order, and above all what it never touches."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.support.broker import BOUNDS, Broker
from tests.support.faulty_kms import THROTTLED, FaultyKms
from tests.support.memory import MemoryKeyrings

from signet.broker.keyring import ISSUER, FormerKey, Keyring
from signet.broker.ports import KmsKey
from signet.broker.reaper import DISABLED_AT_TAG, MOST_UNRECORDED, Reaper
from signet.broker.rotator import Rotator
from signet.errors import Misconfigured, Unavailable
from signet.jose.algorithms import algorithm

ABSENT = "con_" + "z" * 26
WEEK = 7 * 86_400
ES256 = algorithm("ES256")


class World(Broker):
    """A broker whose keys are old enough to be taken, unless a test says otherwise."""

    faulty: FaultyKms

    def __init__(self, *, page_size: int = 100) -> None:
        self.faulty = FaultyKms(page_size=page_size)
        super().__init__(kms=self.faulty)

    def orphan(self, owner: str = ABSENT, **tags: str) -> str:
        """Make a key as a rotation does that is cut off then."""
        purpose = "issuer" if owner == ISSUER else "connection"
        given = {
            "signet:stack": "test",
            "signet:purpose": purpose,
            "signet:connection": owner,
            "signet:operation": "cut off",
        }
        return self.kms.create_key(algorithm=ES256, tags={**given, **tags})

    def acme(self, name: str = "acme") -> Keyring:
        connection = self.connect(name, token_endpoint_auth_signing_alg="ES256")
        return self.keyrings.items[connection.id]

    def told(self, kind: str) -> list[str]:
        """Return whom the audit tells of, by events of a type."""
        return [event.subject for event in self.audit.events if event.type == kind]

    def untouched(self) -> bool:
        return not self.kms.disabled and not self.kms.scheduled


def owned(world: World, key_id: str) -> tuple[KmsKey, str]:
    key = world.kms.describe(key_id)
    assert key is not None
    return key, key.tags["signet:connection"]


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


@pytest.fixture
def world() -> World:
    return World()


# --- what is never touched -------------------------------------------------------------------


@pytest.mark.parametrize(
    "tags",
    [
        {"signet:stack": "another"},
        {"signet:stack": ""},
        {"signet:purpose": "audit"},
        {"signet:purpose": "CONNECTION"},
    ],
)
def test_a_key_without_our_tags_is_never_touched(world: World, tags: dict[str, str]) -> None:
    world.orphan(**tags)
    world.kms.create_key(algorithm=ES256, tags={})
    world.reaper.run(None)
    assert world.untouched()
    assert world.audit.events == []


def test_a_key_that_we_may_not_look_at_is_not_ours_and_ends_nothing(world: World) -> None:
    world.faulty.foreign.add(world.orphan())
    orphan = world.orphan()
    world.reaper.run(None)
    assert world.kms.disabled == {orphan}


def test_a_published_key_is_never_touched_however_old_it_is(world: World) -> None:
    acme = world.acme()
    keys = [replace(acme.current, key_id=world.orphan(acme.owner)) for _ in range(2)]
    world.keyrings.items[acme.owner] = replace(acme, next=keys[0], previous=keys[1])
    world.clock.time += 365 * 86_400
    world.reaper.run(None)
    assert world.untouched()
    assert world.audit.events == []


@pytest.mark.parametrize(("age", "taken"), [(BOUNDS.grace, False), (BOUNDS.grace + 1, True)])
def test_a_key_is_taken_when_no_worker_can_publish_it_any_more(
    world: World, age: int, *, taken: bool
) -> None:
    acme = world.acme()
    orphan = world.orphan(acme.owner)
    world.kms.created[orphan] = world.clock.time - age
    world.reaper.run(None)
    assert (world.kms.disabled == {orphan}) is taken


def test_the_record_is_read_after_the_key_was_looked_at(world: World) -> None:
    """A key that is published while a page is looked at is seen in its record."""
    acme = world.acme()
    late = world.orphan(acme.owner)
    describe = world.faulty.describe

    def publishing(key_id: str) -> Any:
        found = describe(key_id)
        if key_id == late:
            published = replace(acme.current, key_id=late)
            world.keyrings.items[acme.owner] = replace(acme, next=published)
        return found

    world.faulty.describe = publishing  # type: ignore[method-assign]
    world.reaper.run(None)
    assert world.untouched()


# --- how a key is taken ----------------------------------------------------------------------


def test_an_orphan_is_disabled_and_a_week_later_its_deletion_is_scheduled(world: World) -> None:
    orphan = world.orphan()
    world.reaper.run(None)
    assert world.kms.disabled == {orphan}
    assert world.kms.tags[orphan][DISABLED_AT_TAG] == str(world.clock.time)
    world.clock.time += WEEK - 1
    world.reaper.run(None)
    assert world.kms.scheduled == set()
    world.clock.time += 1
    world.reaper.run(None)
    assert world.kms.scheduled == {orphan}
    world.reaper.run(None)
    assert [event.type for event in world.audit.events] == ["KeyDisabled", "KeyDeletionScheduled"]
    assert {event.detail["key_id"] for event in world.audit.events} == {orphan}
    assert world.audit.published == world.audit.events


def test_a_key_that_somebody_else_disabled_has_its_week_from_when_we_saw_it(world: World) -> None:
    orphan = world.orphan()
    world.kms.disable_key(orphan)
    world.reaper.run(None)
    assert world.kms.tags[orphan][DISABLED_AT_TAG] == str(world.clock.time)
    world.clock.time += WEEK
    world.reaper.run(None)
    assert world.kms.scheduled == {orphan}


def test_a_key_that_somebody_enabled_again_has_another_week(world: World) -> None:
    orphan = world.orphan()
    world.reaper.run(None)
    world.kms.disabled.clear()
    world.clock.time += WEEK
    world.reaper.run(None)
    assert world.kms.disabled == {orphan}
    assert world.kms.scheduled == set()
    world.clock.time += WEEK - 1
    world.reaper.run(None)
    assert world.kms.scheduled == set()


@pytest.mark.parametrize("value", ["", "soon", "-1"])
def test_a_tag_that_is_no_time_is_written_anew(world: World, value: str) -> None:
    orphan = world.orphan(**{DISABLED_AT_TAG: value})
    world.kms.disable_key(orphan)
    world.reaper.run(None)
    assert world.kms.tags[orphan][DISABLED_AT_TAG] == str(world.clock.time)
    assert world.kms.scheduled == set()


def test_a_revoked_key_that_signs_yet_is_disabled_at_once_and_deleted_a_week_later(
    world: World,
) -> None:
    acme = world.acme()
    revoked = acme.current.key_id
    world.kms.created[revoked] = world.clock.time
    successor = replace(acme.current, key_id=world.orphan(acme.owner))
    world.keyrings.items[acme.owner] = replace(acme, current=successor, revoked=(former(revoked),))
    world.reaper.run(None)
    assert world.kms.disabled == {revoked}
    world.clock.time += WEEK
    world.reaper.run(None)
    assert world.kms.scheduled == {revoked}


def test_a_removed_owners_keys_are_kept_for_r(world: World) -> None:
    acme = world.acme()
    world.connections.remove(world.connections.items[acme.owner], now=world.clock.time)
    world.clock.time += BOUNDS.retention
    world.reaper.run(None)
    assert world.untouched()
    world.clock.time += 1
    world.reaper.run(None)
    assert world.kms.disabled == {acme.current.key_id}


# --- what has to be told ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ["disabled", "pending_deletion"])
def test_a_published_key_that_cannot_sign_is_told_and_not_touched(world: World, state: str) -> None:
    acme = world.acme()
    spoil = world.kms.disable_key if state == "disabled" else world.kms.schedule_deletion
    spoil(acme.current.key_id)
    tags = dict(world.kms.tags[acme.current.key_id])
    world.reaper.run(None)
    (told,) = world.audit.events
    assert (told.type, told.subject, told.kid) == ("KeyUnusable", acme.owner, acme.current.kid)
    assert told.outcome == "failure"
    assert state in told.detail["reason"]
    assert world.audit.published == [told]
    assert world.kms.tags[acme.current.key_id] == tags
    assert len(world.kms.disabled) + len(world.kms.scheduled) == 1


def test_of_a_removed_owners_keys_nobody_has_to_be_told(world: World) -> None:
    acme = world.acme()
    world.connections.remove(world.connections.items[acme.owner], now=world.clock.time)
    world.kms.disable_key(acme.current.key_id)
    world.reaper.run(None)
    assert world.audit.events == []


def test_what_cannot_be_recorded_is_not_done(world: World) -> None:
    world.orphan()
    world.audit.down = True
    with pytest.raises(Unavailable):
        world.reaper.run(None)
    assert world.untouched()


def test_a_deletion_that_cannot_be_recorded_is_not_scheduled(world: World) -> None:
    world.orphan()
    world.reaper.run(None)
    world.clock.time += WEEK
    world.audit.down = True
    with pytest.raises(Unavailable):
        world.reaper.run(None)
    assert world.kms.scheduled == set()


# --- records that are not there --------------------------------------------------------------


def test_the_keys_of_a_connection_without_a_keyring_are_left_alone_and_told(world: World) -> None:
    acme = world.acme()
    del world.keyrings.items[acme.owner]
    orphan = world.orphan()
    world.reaper.run(None)
    assert world.kms.disabled == {orphan}
    assert world.told("ReapingHeld") == [acme.owner]
    assert [event.type for event in world.audit.published] == ["ReapingHeld", "KeyDisabled"]


@pytest.mark.parametrize("owner", [ISSUER, ABSENT])
def test_a_table_without_the_issuers_keyring_is_not_the_one_that_tells(
    world: World, owner: str
) -> None:
    world.orphan(owner)
    del world.keyrings.items[ISSUER]
    with pytest.raises(Misconfigured) as held:
        world.reaper.run(None)
    assert held.value.code == "reaping_held"
    assert world.untouched()
    assert world.told("ReapingHeld") == [ISSUER]


def owners(count: int) -> list[str]:
    return [f"con_{number:026d}" for number in range(count)]


def test_a_page_whose_owners_are_mostly_unknown_is_not_touched_and_told(world: World) -> None:
    acme = world.acme()
    known = world.orphan(acme.owner)
    for owner in owners(MOST_UNRECORDED + 1):
        world.orphan(owner)
    with pytest.raises(Misconfigured) as held:
        world.reaper.run(None)
    assert held.value.code == "reaping_held"
    assert "11 of 12 owners" in held.value.private
    assert world.untouched()
    assert known not in world.kms.disabled
    assert world.told("ReapingHeld") == [ISSUER]
    (told,) = world.audit.published
    assert "11 of 12 owners" in told.detail["reason"]


def test_a_few_unknown_owners_are_taken_for_what_they_are(world: World) -> None:
    orphans = {world.orphan(owner) for owner in owners(MOST_UNRECORDED)}
    world.reaper.run(None)
    assert world.kms.disabled == orphans


@pytest.mark.parametrize(("known", "held"), [(10, True), (11, False)])
def test_as_many_known_owners_as_unknown_ones_say_that_the_table_is_right(
    world: World, known: int, *, held: bool
) -> None:
    orphans = {world.orphan(owner) for owner in owners(MOST_UNRECORDED + 1)}
    for number in range(known):
        world.acme(f"acme-{number}")
    if held:
        with pytest.raises(Misconfigured):
            world.reaper.run(None)
    else:
        world.reaper.run(None)
    assert world.kms.disabled == (set() if held else orphans)


def test_many_keys_of_one_owner_are_one_owner(world: World) -> None:
    orphans = {world.orphan() for _ in range(MOST_UNRECORDED + 1)}
    world.reaper.run(None)
    assert world.kms.disabled == orphans


def test_keys_that_are_being_made_or_deleted_hold_nothing(world: World) -> None:
    """Connections that are registered at this moment have no record yet."""
    for number, owner in enumerate(owners(2 * MOST_UNRECORDED)):
        key_id = world.orphan(owner)
        if number % 2:
            world.kms.created[key_id] = world.clock.time
        else:
            world.kms.schedule_deletion(key_id)
    orphan = world.orphan()
    world.reaper.run(None)
    assert world.kms.disabled == {orphan}


# --- failures --------------------------------------------------------------------------------


class UnreadableKeyrings:
    """A table that does not answer."""

    def get(self, owner: str) -> Keyring | None:
        raise Unavailable("store_unavailable", "Later.", private=owner)


def test_a_record_that_cannot_be_read_has_no_key_touched(world: World) -> None:
    world.orphan()
    blind = replace(world.reaper, keyrings=UnreadableKeyrings())  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        blind.run(None)
    assert world.untouched()


@pytest.mark.parametrize("operation", ["list_keys", "describe"])
def test_a_kms_that_is_busy_is_asked_again_later(world: World, operation: str) -> None:
    orphan = world.orphan()
    world.faulty.faults[operation] = [THROTTLED]
    with pytest.raises(Unavailable):
        world.reaper.run(None)
    assert world.untouched()
    world.reaper.run(None)
    assert world.kms.disabled == {orphan}


def test_a_page_says_where_the_next_one_begins() -> None:
    world = World(page_size=2)
    orphans = [world.orphan() for _ in range(5)]  # after the issuer's key
    seen: list[str | None] = []
    position: str | None = None
    for _ in range(3):
        position = world.reaper.run(position)
        seen.append(position)
    assert seen == ["2", "4", None]
    assert world.kms.disabled == set(orphans)


def test_time_that_passes_after_the_record_was_read_makes_no_key_old_enough(world: World) -> None:
    young = world.orphan()
    world.kms.created[young] = world.clock.time - BOUNDS.grace

    class Slow(MemoryKeyrings):
        """Answers, and the worker that asked is held up then, while the key is announced."""

        def get(self, owner: str) -> Keyring | None:
            found = super().get(owner)
            world.clock.time += 10
            return found

    slow = Slow()
    slow.items = world.keyrings.items
    replace(world.reaper, keyrings=slow)._look_at(*owned(world, young))
    assert world.untouched()


def test_a_page_that_is_looked_at_twice_is_as_if_once(world: World) -> None:
    world.orphan()
    world.reaper.run(None)
    tags = {key_id: dict(found) for key_id, found in world.kms.tags.items()}
    world.clock.time += 60
    world.reaper.run(None)
    assert world.kms.tags == tags
    assert [event.type for event in world.audit.events] == ["KeyDisabled"]


# --- a crash between any two calls -----------------------------------------------------------


class CrashError(Exception):
    """The sandbox is gone."""


@dataclass
class Fuse:
    """Lets so many calls happen; the next one finds no sandbox any more."""

    calls: int

    def __call__(self) -> None:
        if self.calls == 0:
            raise CrashError
        self.calls -= 1


class Fused:
    """A port behind a fuse."""

    def __init__(self, port: object, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._fuse()
            return method(*arguments, **named)

        return call


def fused(world: World, fuse: Fuse) -> Reaper:
    ports = ("connections", "keyrings", "kms", "audit", "announcements")
    behind: Any = {name: Fused(getattr(world.reaper, name), fuse) for name in ports}
    return replace(world.reaper, **behind)


def crowded() -> tuple[World, set[str]]:
    """Return a world with every kind of key, and which of them are to be taken."""
    world = World()
    acme = world.acme()
    revoked = world.orphan(acme.owner)
    world.keyrings.items[acme.owner] = replace(acme, revoked=(former(revoked),))
    half = world.orphan(acme.owner)
    world.kms.disable_key(half)
    return world, {revoked, half, world.orphan(), world.orphan(acme.owner)}


def calls_of_a_run(world: World) -> int:
    enough = Fuse(1_000)
    fused(world, enough).run(None)
    return 1_000 - enough.calls


def disabled_for_a_week() -> tuple[World, set[str]]:
    world, taken = crowded()
    world.reaper.run(None)
    world.clock.time += WEEK
    return world, taken


def test_a_disabling_that_crashes_between_any_two_calls_is_completed_by_the_next_run() -> None:
    for calls in range(calls_of_a_run(crowded()[0])):
        world, taken = crowded()
        with pytest.raises(CrashError):
            fused(world, Fuse(calls)).run(None)
        world.clock.time += 60
        world.reaper.run(None)
        assert world.kms.disabled == taken
        # The week of each begins when its disabling was complete.
        world.clock.time += WEEK - 61
        world.reaper.run(None)
        assert world.kms.scheduled == set()
        world.clock.time += 61
        world.reaper.run(None)
        assert world.kms.scheduled == taken


def test_a_deletion_that_crashes_between_any_two_calls_is_completed_by_the_next_run() -> None:
    for calls in range(calls_of_a_run(disabled_for_a_week()[0])):
        world, taken = disabled_for_a_week()
        with pytest.raises(CrashError):
            fused(world, Fuse(calls)).run(None)
        assert world.kms.scheduled <= taken
        world.reaper.run(None)
        assert world.kms.scheduled == world.kms.disabled == taken
        assert {event.detail["key_id"] for event in world.audit.events} == taken


# --- beside a rotation -----------------------------------------------------------------------


class Watched:
    """A port beside which something else happens before and after each call."""

    def __init__(self, port: object, meanwhile: Callable[[], object]) -> None:
        self._port = port
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._meanwhile()
            try:
                return method(*arguments, **named)
            finally:
                self._meanwhile()

        return call


def watched_rotator(world: World, meanwhile: Callable[[], object]) -> Rotator:
    def beside(port: object) -> Any:
        return Watched(port, meanwhile)

    creation = replace(world.creation, kms=beside(world.kms), limits=beside(world.limits))
    return replace(
        world.rotator,
        creation=creation,
        keyrings=beside(world.keyrings),
        limits=beside(world.limits),
        audit=beside(world.audit),
        announcements=beside(world.audit),
    )


def test_reapings_between_any_two_calls_of_a_rotation_take_nothing_that_it_needs() -> None:
    world = World()
    world.faulty.clock = world.clock
    acme = world.acme()
    world.clock.time += 365 * 86_400
    runs: list[str | None] = []

    def reap() -> None:
        world.clock.time += 1  # all of a worker's calls end before its deadline
        runs.append(world.reaper.run(None))

    rotator = watched_rotator(world, reap)
    for wait in (0, BOUNDS.propagation, BOUNDS.retention):
        assert world.untouched()
        world.clock.time += wait
        rotator.step(acme.owner, requested=wait == 0)
    rotated = world.keyrings.items[acme.owner]
    assert [key.kid for key in rotated.retired] == [acme.current.kid]
    assert len(runs) > 40
    reap()
    assert world.kms.disabled == {acme.current.key_id}
    assert world.told("KeyUnusable") == []


def test_the_stack_that_makes_a_key_is_the_one_that_takes_it(world: World) -> None:
    creation = world.creation
    other = replace(creation, stack="another")
    mine = creation(ABSENT, alg="ES256", operation="op").key_id
    other(ABSENT, alg="ES256", operation="op")
    world.reaper.run(None)
    assert world.kms.disabled == {mine}
