"""A state of the world. Times in it are ages, so that a state that comes again is the same one.

A record is a real `Keyring` as of now (time 0), without its version and its operation's name:
what matters of those is how far a worker's copy is behind, and that is kept with the worker.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from signet.broker.key_standing import ENABLED
from signet.broker.keyring import FormerKey, Keyring, PublishedKey
from signet.broker.rotation import WATCH
from signet.oauth.assertion_profile import MAX_LIFETIME_UPSTREAM
from tests.model.rules import CACHE, LEAST, TICK

OVERTAKEN = 2
"""Writes since a worker read: this many, or more."""
OWNER = "con_model"
DISABLED = "disabled"
AGES_AGO = 9
"""Ticks: older than anything that a rule asks for."""
NONE = -1
"""No key, no record, or an age of what never was or does not matter any more."""
CACHED = CACHE // TICK
STILL_VALID = CACHED + MAX_LIFETIME_UPSTREAM // TICK
"""Ticks after which nothing is valid that a key signed, once it is not current any more."""
_OLD = 1 + LEAST.grace // TICK
"""An age in ticks of a key that no grace covers any more."""
_SETTLED = -(WATCH + TICK)


class Key(NamedTuple):
    """A key in KMS. Ages are in ticks.

    `published` is how long ago it came into the JWKS, `signing` how long ago it stopped to be the
    current key (0: it is). `hurried`: it took over by an order, before every verifier had it.
    """

    state: str = ENABLED
    created: int = 0
    sound: bool = True
    tagged: bool = True
    published: int = NONE
    signing: int = NONE
    hurried: bool = False
    rolled_back: bool = False


class Worker(NamedTuple):
    """Somebody who changes the record: a step of the rotator, or an administrator's act.

    `behind` counts the writes since it read (2: or more), its own among them; `base` is what it
    read, `after` what it writes, `key` what it made, or takes away.
    """

    step: str
    phase: str
    age: int = 0
    behind: int = 0
    base: int = NONE
    after: int = NONE
    key: int = NONE
    landed: bool = False


class Reaper(NamedTuple):
    """A reaper in the middle of looking at a key."""

    phase: str
    key: int = NONE
    base: int = NONE


class Left(NamedTuple):
    """How often what may still happen."""

    faults: int
    orders: int
    roll_backs: int
    removals: int


class World(NamedTuple):
    """Everything. `wrong` says what a step did that no step may do."""

    record: int
    keys: tuple[Key, ...]
    workers: tuple[Worker, ...]
    reaper: Reaper | None
    known: tuple[int, ...]
    left: Left
    wrong: str = ""


Move = tuple[str, World]
"""What happens, and the world after it."""


class Members(Mapping[str, str]):
    """A JWK that can be hashed; its `kid` is all that the model needs of it."""

    __slots__ = ("_kid",)

    def __init__(self, kid: str) -> None:
        self._kid = kid

    def __getitem__(self, name: str) -> str:
        if name != "kid":
            raise KeyError(name)
        return self._kid

    def __iter__(self) -> Iterator[str]:
        return iter(("kid",))

    def __len__(self) -> int:
        return 1

    def __hash__(self) -> int:
        return hash(self._kid)


class _Records:
    """Every record that was met, by a number: a state is compared in no time."""

    def __init__(self) -> None:
        self._numbers: dict[Keyring, int] = {}
        self._keyrings: list[Keyring] = []

    def number(self, keyring: Keyring) -> int:
        number = self._numbers.setdefault(keyring, len(self._keyrings))
        if number == len(self._keyrings):
            self._keyrings.append(keyring)
        return number

    def __getitem__(self, number: int) -> Keyring:
        return self._keyrings[number]


RECORDS = _Records()


def put(world: World, place: int, worker: Worker | None = None) -> World:
    """Return the world with a worker in that place, or nobody."""
    rest = world.workers[:place] + world.workers[place + 1 :]
    return world._replace(workers=tuple(sorted(rest if worker is None else (*rest, worker))))


def added(world: World, worker: Worker) -> World:
    """Return the world with one more worker; whose name is which tells nothing."""
    return world._replace(workers=tuple(sorted((*world.workers, worker))))


def replaced(keys: tuple[Key, ...], index: int, key: Key) -> tuple[Key, ...]:
    """Return the keys with that one in its place."""
    return (*keys[:index], key, *keys[index + 1 :])


def disabled(keys: tuple[Key, ...], index: int) -> tuple[Key, ...]:
    """Return the keys without one: how old it was does not matter any more."""
    return replaced(keys, index, keys[index]._replace(state=DISABLED, created=AGES_AGO))


def fresh_key(index: int) -> PublishedKey:
    """Return what a worker publishes of the key of that number."""
    kid = f"k{index}"
    return PublishedKey(
        kid=kid, key_id=kid, alg="ES256", jwk=Members(kid), created_at=0, published_at=0
    )


def index_of(key: PublishedKey | FormerKey) -> int:
    """Return a key's number."""
    return int(key.key_id[1:])


def later(keyring: Keyring, seconds: int) -> Keyring:
    """Return a record as it is seen after so many seconds, without what no rule tells apart."""
    return replace(
        keyring,
        version=0,
        operation="",
        current=_later(keyring.current, seconds),
        next=_later(keyring.next, seconds) if keyring.next is not None else None,
        previous=_later(keyring.previous, seconds) if keyring.previous is not None else None,
        deleted_at=_ago(keyring.deleted_at, seconds, LEAST.retention + TICK),
        retired=tuple(map(_timeless, keyring.retired)),
        revoked=tuple(map(_timeless, keyring.revoked)),
    )


def older(age: int, most: int = _OLD) -> int:
    """Return an age one tick later; what never was stays so."""
    return age if age == NONE else max(age, min(age + 1, most))


def _later(key: PublishedKey, seconds: int) -> PublishedKey:
    probe = key.probe
    return replace(
        key,
        published_at=_ago(key.published_at, seconds, LEAST.propagation) or 0,
        activated_at=_activated(key.activated_at, seconds),
        retired_at=_ago(key.retired_at, seconds, LEAST.retention),
        refused_at=_ago(key.refused_at, seconds, LEAST.retention),
        probe=replace(probe, at=0) if probe is not None else None,
        approved_at=None if key.approved_at is None else 0,
        rolled_back_at=None if key.rolled_back_at is None else 0,
    )


def _activated(at: int | None, seconds: int) -> int | None:
    """Tell two ages apart: within the hour after a promotion, and after it."""
    if at is None:
        return None
    return _SETTLED if at <= _SETTLED or seconds > WATCH else 0


def _ago(at: int | None, seconds: int, most: int) -> int | None:
    return None if at is None else max(at - seconds, -most)


def _timeless(former: FormerKey) -> FormerKey:
    return replace(former, created_at=0, published_at=0, activated_at=None, left_at=0)
