"""What has to hold in every state (docs/rotation.md): the first thing that does not, or None."""

from functools import cache

from signet.broker.key_standing import ENABLED, Standing, owner_of, standing
from signet.broker.keyring import Keyring
from signet.broker.ports import KmsKey
from signet.broker.rotation import Evidence, Step
from tests.model.reaping import STACK, TAGS
from tests.model.rules import SLOW, Rules, Scope
from tests.model.transitions import (
    APPROVE,
    PROMOTE,
    RETIRE,
    Change,
    aged,
    changed,
    may_begin,
    planned,
)
from tests.model.world import CACHED, NONE, RECORDS, Key, World, index_of

_LONG_AFTER = 1_000_000


def broken(world: World, rules: Rules, scope: Scope) -> str | None:
    """Return what is wrong in a state."""
    keyring = RECORDS[world.record]
    if world.wrong:
        return world.wrong
    reason = _of_record(world.record) or _of_plan(world.record, rules, scope.evidence)
    if reason is not None:
        return reason
    for index, key in enumerate(world.keys):
        reason = _of_key(world.record, index, key, rules)
        if reason is not None:
            return reason
        if not key.tagged and all(worker.key != index for worker in world.workers):
            return f"k{index} has no tag, and nobody will ever find it"
    current = index_of(keyring.current)
    if scope.provider == SLOW and not scope.evidence.word and current not in world.known:
        return f"k{current} signs, and the provider never said that it knows it"
    if scope.evidence.word and current not in world.known:
        return f"k{current} signs, and nobody said that the provider knows it"
    return None


@cache
def _of_record(record: int) -> str | None:
    """Judge a record alone: one current key, a set that is never empty, nobody comes back."""
    keyring = RECORDS[record]
    published = [key.kid for key in keyring.published()]
    if keyring.current.kid not in published or len(set(published)) != len(published):
        return "a key is in the record twice, or the one that signs is not published"
    if any(former.kid in published for former in (*keyring.revoked, *keyring.retired)):
        return "a key that left the JWKS is published again"
    return None


@cache
def _of_key(record: int, index: int, key: Key, rules: Rules) -> str | None:
    """Judge a key by the record: I1 to I5, and that it is never lost from sight."""
    keyring = RECORDS[record]
    published = keyring.refers_to(f"k{index}")
    if 0 <= key.signing < CACHED:
        reason = _of_signer(index, key, published=published)
        if reason is not None:
            return reason
    if key.signing != NONE and not published:
        return f"I3: k{index} left the JWKS, and what it signed is still valid"
    if published and key.state != ENABLED and not _is_over(keyring, rules):
        return f"I5: a record refers to k{index}, which is {key.state} in KMS"
    if published and not key.sound:
        return f"k{index} is published, and KMS cannot sign with it"
    if key.published != NONE and not published and not _is_former(keyring, index):
        return f"k{index} left the JWKS, and was neither retired nor revoked"
    if key.tagged and not _is_found(keyring, index, rules):
        return f"k{index} is left over for ever"
    return None


def _of_signer(index: int, key: Key, *, published: bool) -> str | None:
    """Judge a key that signs now, by the record or by a copy that some signer still has."""
    if not published:
        return f"I1: a signer uses k{index}, which is not published"
    if key.published < CACHED and not key.hurried:
        return f"I2: k{index} signs before every verifier has it"
    if key.state != ENABLED:
        return f"I4: a signer uses k{index}, which is {key.state} in KMS"
    return None


def _is_over(keyring: Keyring, rules: Rules) -> bool:
    """Tell whether the owner's removal is so long ago that its keys may go, by a fast clock."""
    bounds = rules.bounds
    return keyring.deleted_at is not None and bounds.skew - keyring.deleted_at > bounds.retention


def _is_former(keyring: Keyring, index: int) -> bool:
    return any(index_of(key) == index for key in (*keyring.retired, *keyring.revoked))


def _is_found(keyring: Keyring, index: int, rules: Rules) -> bool:
    """Tell whether a reaper long after, when no worker is left, finds a key where it has to be."""
    found = KmsKey(key_id=f"k{index}", created_at=-_LONG_AFTER, state=ENABLED, tags=TAGS)
    if owner_of(found, stack=STACK) != keyring.owner:
        return False
    judged = standing(found, keyring, bounds=rules.bounds, now=0)
    if keyring.refers_to(found.key_id) and not _is_over(keyring, rules):
        return judged is Standing.REFERENCED
    goes = judged is Standing.UNREFERENCED or judged is Standing.REVOKED
    return goes or keyring.refers_to(found.key_id)


@cache
def _of_plan(record: int, rules: Rules, evidence: Evidence) -> str | None:
    """Judge what is planned: the guards let it through, and there is always a way on."""
    keyring = RECORDS[record]
    step = planned(record, rules, evidence).step
    allowed = {
        Step.CREATE: may_begin(record, rules, evidence),
        Step.PROMOTE: changed(record, Change(PROMOTE), rules, evidence) != NONE,
        Step.RETIRE: changed(record, Change(RETIRE), rules, evidence) != NONE,
    }
    if not allowed.get(step, True):
        return f"the plan is to {step}, and the guards refuse it"
    if keyring.deleted_at is not None or _goes_on(record, rules, evidence):
        return None
    if keyring.next is not None:
        word = changed(record, Change(APPROVE, keyring.next.kid), rules, evidence)
        if _goes_on(word, rules, evidence):
            return None
    return "the rotation is stuck, and nobody's word brings it on"


def _goes_on(record: int, rules: Rules, evidence: Evidence) -> bool:
    """Tell whether a step is made in time, without anybody's help."""
    plan = planned(aged(record, rules.bounds.retention), rules, evidence)
    return plan.step is not Step.WAIT or plan.at is not None
