"""The real transitions on the model's records, each made once and remembered."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from signet.broker import rotation
from signet.broker.keyring import Keyring, Probe
from signet.broker.rotation import Evidence, Plan, Situation, Step
from signet.errors import Rejected
from tests.model.rules import Rules
from tests.model.world import NONE, RECORDS, fresh_key, later

OPERATION = "this write"
CREATE, PROMOTE, RETIRE = Step.CREATE.value, Step.PROMOTE.value, Step.RETIRE.value
PROMOTE_AT_ONCE = "promote at once"
PROBE, APPROVE, REFUSE, ROLL_BACK, REVOKE = "probe", "approve", "refuse", "roll back", "revoke"


@dataclass(frozen=True, slots=True)
class Change:
    """A step of somebody: of the key `kid`, with the `fresh` key, as the provider `answers`."""

    step: str
    kid: str = ""
    fresh: int = NONE
    answers: str = ""

    def told(self) -> str:
        """Return what is done, for a line of a trace."""
        return " ".join(word for word in (self.step, self.kid, self.answers) if word)


@cache
def changed(record: int, change: Change, rules: Rules, evidence: Evidence) -> int:
    """Return the record after a change, or NONE where the real transition refuses it."""
    keyring = RECORDS[record]
    situation = Situation(keyring=keyring, bounds=rules.bounds, now=0, evidence=evidence)
    try:
        after = _TRANSITIONS[change.step](situation, change, rules)
    except Rejected:
        return NONE
    if after.version != keyring.version + 1 or after.operation != OPERATION:
        raise AssertionError(f"{change} does not write the version after the one that was read")
    return RECORDS.number(later(after, 0))


@cache
def may_begin(record: int, rules: Rules, evidence: Evidence) -> bool:
    """Tell whether a new key may be announced, before one is made."""
    keyring = RECORDS[record]
    situation = Situation(keyring=keyring, bounds=rules.bounds, now=0, evidence=evidence)
    return rotation.held(situation, rules.announce) is None


@cache
def planned(record: int, rules: Rules, evidence: Evidence) -> Plan:
    """Return what is planned now, where a rotation is asked for."""
    keyring = RECORDS[record]
    situation = Situation(keyring=keyring, bounds=rules.bounds, now=0, evidence=evidence)
    return rotation.plan(situation, requested=True)


@cache
def aged(record: int, seconds: int) -> int:
    """Return a record as it is seen after so many seconds."""
    return record if record == NONE else RECORDS.number(later(RECORDS[record], seconds))


@cache
def removed(record: int) -> int:
    """Return the record of an owner that is removed now: its version stays."""
    return RECORDS.number(replace(RECORDS[record], deleted_at=0))


def _announce(s: Situation, change: Change, rules: Rules) -> Keyring:
    key = fresh_key(change.fresh)
    return rotation.announce(s, key, operation=OPERATION, guards=rules.announce)


def _promote(s: Situation, change: Change, rules: Rules) -> Keyring:
    return rotation.promote(s, operation=OPERATION, guards=rules.promote)


def _promote_at_once(s: Situation, change: Change, rules: Rules) -> Keyring:
    return rotation.promote(s, operation=OPERATION, guards=rotation.PROMOTE_AT_ONCE)


def _retire(s: Situation, change: Change, rules: Rules) -> Keyring:
    return rotation.retire(s, operation=OPERATION, guards=rules.retire)


def _probe(s: Situation, change: Change, rules: Rules) -> Keyring:
    probe = Probe(result=change.answers, at=s.now)
    return rotation.record_probe(s, change.kid, probe, operation=OPERATION)


def _approve(s: Situation, change: Change, rules: Rules) -> Keyring:
    return rotation.approve(s, change.kid, operation=OPERATION)


def _refuse(s: Situation, change: Change, rules: Rules) -> Keyring:
    return rotation.note_refusal(s, change.kid, operation=OPERATION)


def _roll_back(s: Situation, change: Change, rules: Rules) -> Keyring:
    return rotation.roll_back(s, change.kid, operation=OPERATION, guards=rules.roll_back)


def _revoke(s: Situation, change: Change, rules: Rules) -> Keyring:
    fresh = fresh_key(change.fresh) if change.fresh != NONE else None
    return rotation.revoke(s, change.kid, operation=OPERATION, replacement=fresh)


_TRANSITIONS: dict[str, Callable[[Situation, Change, Rules], Keyring]] = {
    CREATE: _announce,
    PROMOTE: _promote,
    PROMOTE_AT_ONCE: _promote_at_once,
    RETIRE: _retire,
    PROBE: _probe,
    APPROVE: _approve,
    REFUSE: _refuse,
    ROLL_BACK: _roll_back,
    REVOKE: _revoke,
}
