"""What is explored to its end: everything at once, and what needs a provider or a worker apart."""

from signet.broker.rotation import Evidence
from tests.model.rules import FICKLE, SILENT, SLOW, Scope

PROBED = Evidence(probe=True, word=False)
MANUAL = Evidence(probe=True, word=True)

WHOLE = Scope(orders=1, roll_backs=1)
"""Two workers, a fault, the reaper, an emergency and a roll-back, all at once."""
FAULTS = Scope(faults=3)
"""Fault upon fault."""
APART = Scope(describes_apart=True)
"""A reaper that reads a key long before the record."""
REMOVED = Scope(removals=1)
"""An owner that is removed at any moment."""
CLUMSY = Scope(keys=2, orders=1, clumsy=True, reaper=False)
"""A worker that announces a key again; it may have been revoked meanwhile."""
LATE = Scope(provider=SLOW, evidence=PROBED, faults=0, roll_backs=1, reaper=False)
"""A provider that keeps our JWKS for as long as it likes, and is asked."""
BY_HAND = Scope(provider=SILENT, evidence=MANUAL, faults=0, roll_backs=1, reaper=False)
"""A provider where somebody enters each key."""
UNTOLD = Scope(provider=SILENT, evidence=PROBED, faults=0, roll_backs=1, reaper=False)
"""A provider whose answer to a probe says nothing of the key."""
UNASKED = Scope(provider=SILENT, faults=0, roll_backs=1, reaper=False)
"""A provider whose profile has no probe."""
TORN = Scope(provider=FICKLE, evidence=PROBED, faults=0, roll_backs=2, hours=True, reaper=False)
"""A provider that accepts a key and refuses it, in turns, for hours."""

SCOPES = {
    "everything at once": WHOLE,
    "fault upon fault": FAULTS,
    "a slow reaper": APART,
    "a removed owner": REMOVED,
    "a clumsy worker": CLUMSY,
    "a slow provider": LATE,
    "a registration by hand": BY_HAND,
    "a provider that does not tell": UNTOLD,
    "a provider that is not asked": UNASKED,
    "a provider of two minds": TORN,
}
