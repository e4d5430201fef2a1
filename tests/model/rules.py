"""What the protocol is made of, so that a test can leave one rule out; and what is explored."""

from dataclasses import dataclass

from signet.broker import rotation
from signet.broker.rotation import TIME_ALONE, WORKER_DEADLINE, Bounds, Evidence, Guard
from signet.oauth.assertion_profile import MAX_LIFETIME_UPSTREAM

TICK = 60
"""Seconds. Everything happens at whole ticks, in any order within one."""
CACHE = TICK
"""C and S alike: a copy is used while it is younger."""
SKEW = TICK
"""What the bounds leave for a write that lands after the time that is written in it, or (to the
protocol it is the same) for a clock that is behind; and for a reaper's clock that is ahead."""

LEAST = Bounds(
    propagation=CACHE + SKEW,
    retention=CACHE + MAX_LIFETIME_UPSTREAM + SKEW,
    rotation=0,
    verifier_cache=CACHE,
    signer_cache=CACHE,
    grace=WORKER_DEADLINE + SKEW + 1,
    skew=SKEW,
)
"""The least that `Bounds.broken` lets through."""

TIMELY = "timely"
"""A provider that keeps our JWKS for C at most."""
SLOW = "slow"
"""One that fetches it whenever it likes, and says truly whether it knows a key."""
SILENT = "silent"
"""One that fetches it whenever it likes, and does not look at the key of a made-up code."""
FICKLE = "fickle"
"""One that says this now and that a minute later: two nodes with a cache each."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """The rules of the protocol; each can be left out.

    Two are never equal, so that a look-up by them is fast.
    """

    announce: tuple[Guard, ...] = rotation.ANNOUNCE
    promote: tuple[Guard, ...] = rotation.PROMOTE
    roll_back: tuple[Guard, ...] = rotation.ROLL_BACK
    retire: tuple[Guard, ...] = rotation.RETIRE
    bounds: Bounds = LEAST
    writes_on_version: bool = True
    writes_unless_removed: bool = True
    reads_again: bool = True
    """After a lost answer the record says whether the write was made."""
    knows_its_key: bool = True
    """In a later version, too: a fresh key that is published there came in by this write."""
    proves: bool = True
    tags_at_birth: bool = True
    reaper_reads_tags: bool = True
    reaper_reads_record_last: bool = True
    reaper_reads_clock_first: bool = True
    """The age of a key is told by the time before the record was read."""


PROTOCOL = Rules()
"""All of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much is explored: how many workers at once and keys in all, and how often what fails."""

    workers: int = 2
    keys: int = 3
    faults: int = 1
    orders: int = 0
    roll_backs: int = 0
    removals: int = 0
    provider: str = TIMELY
    evidence: Evidence = TIME_ALONE
    hours: bool = False
    """Whether the hour passes in which a promotion may be rolled back."""
    clumsy: bool = False
    """Whether a worker follows a lost answer with another announcement of the same key."""
    reaper: bool = True
    describes_apart: bool = False
    """Whether the reaper's reading of a key and of the record are two moves."""
