"""The rotation protocol: states, guards and transitions, as data and pure functions.

A transition takes a `Situation` and returns the keyring that replaces the one in it; the caller
writes it on the condition that the stored version is still the one that was read. Guards return
why not, or None; each transition's guards are a tuple, so that tests can leave one out and see
which invariant breaks. docs/rotation.md has the whole protocol.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from signet.broker.keyring import ACCEPTED as ACCEPTED  # noqa: PLC0414  (with the other results)
from signet.broker.keyring import FormerKey, Keyring, Probe, PublishedKey
from signet.errors import Rejected
from signet.oauth.assertion_profile import MAX_LIFETIME_UPSTREAM

WORKER_DEADLINE = 60
"""Seconds after which no worker of ours runs any more: the function's timeout."""
PROBE_INTERVAL = 3_600
WATCH = 3_600
"""Seconds after a promotion in which it may be rolled back."""
ROLL_BACK_AFTER = 2
KEPT_RETIRED = 10
_LEAST_MAX_AGE = 60
_MOST_STALE = 3_600
_SKEW = "SIGNET_CLOCK_SKEW_SECONDS"

REFUSED = "refused"
UNKNOWN = "unknown"
UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The times of the protocol, in seconds.

    P propagation, R retention, C verifier's cache, S signer's cache, G the reaper's grace; `skew`
    is how far two clocks of ours may be apart.
    """

    propagation: int
    retention: int
    rotation: int
    verifier_cache: int
    signer_cache: int
    grace: int
    skew: int = 0

    def broken(self) -> str | None:
        """Return the inequality that fails, with its settings' names, and what would happen."""
        for left, right, consequence in (
            (
                ("SIGNET_PROPAGATION_SECONDS", self.propagation),
                (
                    ("SIGNET_VERIFIER_CACHE_SECONDS", self.verifier_cache),
                    (_SKEW, self.skew),
                ),
                "A new key would sign before verifiers can know it.",
            ),
            (
                ("SIGNET_RETENTION_SECONDS", self.retention),
                (
                    ("SIGNET_SIGNER_CACHE_SECONDS", self.signer_cache),
                    ("assertion lifetime", MAX_LIFETIME_UPSTREAM),
                    (_SKEW, self.skew),
                ),
                "A key would leave the JWKS while its signatures are valid.",
            ),
            (
                ("SIGNET_REAPER_GRACE_SECONDS", self.grace),
                (
                    ("the rotator's deadline", WORKER_DEADLINE),
                    (_SKEW, self.skew),
                    ("1", 1),
                ),
                "The reaper would take a key that a rotation is about to publish.",
            ),
        ):
            terms = [term for term in right if term[1] or term[0] != _SKEW]
            least = sum(seconds for _, seconds in terms)
            if left[1] < least:
                names = " + ".join(name for name, _ in terms)
                sums = " + ".join(str(seconds) for _, seconds in terms)
                return f"{left[0]} >= {names} fails: {left[1]} < {sums}. {consequence}"
        return None

    @property
    def probe_interval(self) -> int:
        """Return how long to wait between two probes: an hour, less where P is less."""
        return min(PROBE_INTERVAL, max(self.propagation, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a promotion needs beside time.

    `probe`: the provider is asked whether it knows the key. `word`: a provider that cannot be
    asked is not enough; the probe has to be accepted, or an administrator says so.
    """

    probe: bool
    word: bool


TIME_ALONE = Evidence(probe=False, word=False)
"""For the issuer's keys, whose verifiers are told by their own caches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a transition is judged by."""

    keyring: Keyring
    bounds: Bounds
    now: int
    evidence: Evidence = TIME_ALONE


_UNPROVEN = {
    None: "the provider was not asked yet",
    UNKNOWN: None,
    REFUSED: "the provider does not know the next key yet",
    UNREACHABLE: "the provider cannot be reached",
}
Guard = Callable[[Situation], str | None]


class Step(StrEnum):
    """What can be done to a keyring next."""

    CREATE = "create"
    PROBE = "probe"
    PROMOTE = "promote"
    RETIRE = "retire"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The next step; `at` is when (unix seconds; None: only somebody's act), `held` why not."""

    step: Step
    at: int | None = None
    held: str | None = None


# ------------------------------------------------------------------------------------- guards


def is_alive(s: Situation) -> str | None:
    """Its owner was not removed."""
    return None if s.keyring.deleted_at is None else "its owner was removed"


def has_no_next(s: Situation) -> str | None:
    """No rotation is under way."""
    return None if s.keyring.next is None else "a next key is published already"


def has_no_previous(s: Situation) -> str | None:
    """The rotation before is over: a fourth key would push one out that is still needed."""
    return None if s.keyring.previous is None else "the previous key is still needed"


def has_next(s: Situation) -> str | None:
    """There is something to promote."""
    return None if s.keyring.next is not None else "no next key is published"


def is_propagated(s: Situation) -> str | None:
    """Every verifier's copy of our JWKS has the next key: P is over."""
    key = s.keyring.next
    if key is not None and s.now - key.published_at >= s.bounds.propagation:
        return None
    return "the next key was not published for long enough"


def is_evidenced(s: Situation) -> str | None:
    """The provider knows the next key, as far as that can be told."""
    key = s.keyring.next
    if key is None or key.approved_at is not None:
        return None
    result = key.probe.result if key.probe is not None else None
    if result == ACCEPTED:
        return None
    if s.evidence.word:
        return "the provider's administrator has to enter the next key, or confirm that it is"
    # Where no provider can be asked, too: time alone would bring the refused key back at once.
    if key.rolled_back_at is not None:
        return "the next key was rolled back, and the provider did not accept it since"
    if not s.evidence.probe:
        return None
    return _UNPROVEN[result]


def has_previous(s: Situation) -> str | None:
    """There is a key to go back to."""
    return None if s.keyring.previous is not None else "there is no previous key"


def is_watched(s: Situation) -> str | None:
    """The promotion is fresh."""
    activated_at = s.keyring.current.activated_at
    if activated_at is not None and s.now - activated_at <= WATCH:
        return None
    return "the current key signs for longer than an hour"


def is_first_roll_back(s: Situation) -> str | None:
    """One roll-back a rotation: two keys that are both refused must not take turns."""
    return None if s.keyring.current.rolled_back_at is None else "it was rolled back before"


def is_unneeded(s: Situation) -> str | None:
    """Nothing that the previous key signed is valid any more: R is over."""
    key = s.keyring.previous
    if key is not None and key.retired_at is not None:
        if s.now - key.retired_at >= s.bounds.retention:
            return None
        return "what the previous key signed may still be valid"
    return "there is no previous key"


def carries_no_login(s: Situation) -> str | None:
    """No login of late fell back on the previous key, where the provider refuses the current."""
    refused_at = s.keyring.current.refused_at
    if refused_at is None or s.now - refused_at >= s.bounds.retention:
        return None
    return "the provider refuses the current key, and logins need the previous one"


ANNOUNCE: tuple[Guard, ...] = (is_alive, has_no_next, has_no_previous)
PROMOTE: tuple[Guard, ...] = (is_alive, has_next, has_no_previous, is_propagated, is_evidenced)
PROMOTE_AT_ONCE: tuple[Guard, ...] = (is_alive, has_next, has_no_previous)
ROLL_BACK: tuple[Guard, ...] = (is_alive, has_previous, is_watched, is_first_roll_back)
RETIRE: tuple[Guard, ...] = (is_alive, has_previous, is_unneeded, carries_no_login)
ALIVE: tuple[Guard, ...] = (is_alive,)


def held(s: Situation, guards: tuple[Guard, ...]) -> str | None:
    """Return why a transition may not be made now."""
    return next((reason for guard in guards if (reason := guard(s)) is not None), None)


# -------------------------------------------------------------------------------- transitions


def announce(
    s: Situation, key: PublishedKey, *, operation: str, guards: tuple[Guard, ...] = ANNOUNCE
) -> Keyring:
    """Publish a new, proved key, which does not sign yet (steps 3 and 4)."""
    _check(s, guards)
    _check_new(s.keyring, key)
    fresh = replace(key, published_at=s.now, activated_at=None, retired_at=None)
    return _written(s, operation, next=fresh)


def record_probe(s: Situation, kid: str, probe: Probe, *, operation: str) -> Keyring:
    """Keep what the provider said of the next key (step 5)."""
    return _written(s, operation, next=replace(_next(s, kid), probe=probe))


def approve(s: Situation, kid: str, *, operation: str) -> Keyring:
    """Keep an administrator's word that the provider knows the next key."""
    return _written(s, operation, next=replace(_next(s, kid), approved_at=s.now))


def promote(s: Situation, *, operation: str, guards: tuple[Guard, ...] = PROMOTE) -> Keyring:
    """Have the next key sign; the one before stays published (step 6)."""
    _check(s, guards)
    key = s.keyring.next
    if key is None:
        raise _refused("no next key is published")
    return _written(
        s,
        operation,
        next=None,
        current=replace(key, activated_at=s.now, refusals=0),
        previous=replace(s.keyring.current, retired_at=s.now),
    )


def note_refusal(s: Situation, kid: str, *, operation: str) -> Keyring:
    """Count a login that the provider refused with the current key, and took with the previous."""
    _check(s, (is_alive, has_previous))
    current = s.keyring.current
    if current.kid != kid:
        raise _refused("the current key is another one")
    noted = replace(current, refusals=current.refusals + 1, refused_at=s.now)
    return _written(s, operation, current=noted)


def roll_back(
    s: Situation, kid: str, *, operation: str, guards: tuple[Guard, ...] = ROLL_BACK
) -> Keyring:
    """Have the previous key sign again; the refused one stays published, as the next (step 7)."""
    _check(s, guards)
    current, previous = s.keyring.current, s.keyring.previous
    if current.kid != kid or previous is None:
        raise _refused("the current key is another one")
    refused = replace(
        current,
        activated_at=None,
        rolled_back_at=s.now,
        approved_at=None,
        probe=Probe(result=REFUSED, at=s.now),
    )
    restored = replace(previous, retired_at=None)
    return _written(s, operation, current=restored, next=refused, previous=None)


def retire(s: Situation, *, operation: str, guards: tuple[Guard, ...] = RETIRE) -> Keyring:
    """Take the previous key out of the JWKS for ever (step 8)."""
    _check(s, guards)
    previous = s.keyring.previous
    if previous is None:
        raise _refused("there is no previous key")
    retired = (*s.keyring.retired, _former(previous, s.now))[-KEPT_RETIRED:]
    return _written(s, operation, previous=None, retired=retired)


def revoke(
    s: Situation, kid: str, *, operation: str, replacement: PublishedKey | None = None
) -> Keyring:
    """Take a key out of the JWKS now; a revoked current key is followed by the next, or a new one.

    Raises:
        Rejected: `not_found`, or `rotation_refused`: the current key needs a replacement.
    """
    _check(s, ALIVE)
    for state in ("next", "current", "previous"):
        key = getattr(s.keyring, state)
        if key is not None and key.kid == kid:
            changes: dict[str, Any] = {state: None}
            if state == "current":
                changes = _succession(s, replacement)
            revoked = (*s.keyring.revoked, _former(key, s.now))
            return _written(s, operation, revoked=revoked, **changes)
    raise Rejected("not_found", "There is no such key.")


def _succession(s: Situation, replacement: PublishedKey | None) -> dict[str, Any]:
    if s.keyring.next is not None:
        return {"current": replace(s.keyring.next, activated_at=s.now, refusals=0), "next": None}
    if replacement is None:
        raise _refused("there is no key to take over")
    _check_new(s.keyring, replacement)
    return {"current": replace(replacement, published_at=s.now, activated_at=s.now)}


# --------------------------------------------------------------------------------------- plan


def plan(s: Situation, *, requested: bool = False) -> Plan:
    """Say what is to be done next, and when; `requested` begins a rotation before its time."""
    keyring, bounds = s.keyring, s.bounds
    if keyring.deleted_at is not None:
        return Plan(step=Step.WAIT)
    if keyring.previous is not None:
        at = retires_at(keyring, keyring.previous, bounds)
        return _due(s, Step.RETIRE, at, held(s, RETIRE))
    if keyring.next is None:
        since = keyring.current.activated_at or keyring.current.published_at
        at = s.now if requested else since + bounds.rotation
        return _due(s, Step.CREATE, at, None)
    return _plan_promotion(s, keyring.next)


def retires_at(keyring: Keyring, previous: PublishedKey, bounds: Bounds) -> int:
    """Return when the previous key leaves the JWKS as planned (unix seconds).

    R after it stopped to sign, or carried a refused login after that.
    """
    return max(previous.retired_at or 0, keyring.current.refused_at or 0) + bounds.retention


def _plan_promotion(s: Situation, key: PublishedKey) -> Plan:
    propagated_at = key.published_at + s.bounds.propagation
    if s.now < propagated_at:
        return Plan(step=Step.WAIT, at=propagated_at, held=is_propagated(s))
    if s.evidence.probe and (key.probe is None or key.probe.result != ACCEPTED):
        settled = is_evidenced(s) is None and (key.probe is not None or key.approved_at is not None)
        at = key.probe.at + s.bounds.probe_interval if key.probe is not None else s.now
        if not settled:
            return _due(s, Step.PROBE, at, is_evidenced(s))
    reason = held(s, PROMOTE)
    if reason is not None:
        return Plan(step=Step.WAIT, held=reason)
    return Plan(step=Step.PROMOTE, at=s.now)


def _due(s: Situation, step: Step, at: int, reason: str | None) -> Plan:
    if s.now < at:
        return Plan(step=Step.WAIT, at=at, held=reason)
    return Plan(step=step, at=at, held=reason)


def jwks_max_age(keyring: Keyring, bounds: Bounds, *, configured: int, now: int) -> int:
    """Return how long a JWKS may be kept, in seconds.

    At most C and a third of P; less when the set is about to change as planned, but not under a
    minute: some verifiers would ask at every login.
    """
    most = min(configured, bounds.verifier_cache, bounds.propagation // 3)
    return max(min(most, _until_change(keyring, bounds, now)), min(most, _LEAST_MAX_AGE))


def jwks_stale_if_error(bounds: Bounds, *, max_age: int) -> int:
    """Return for how long a JWKS may be used past its max-age, in seconds, while ours fails.

    That is RFC 5861's `stale-if-error`, so that logins outlive an hour in which nobody can fetch
    our keys. 0 where the bounds leave no room.
    """
    # A key signs at P after it is published at the earliest. A copy that lacks it was made before
    # that, and must be out of use by then:
    # - in a verifier that heeds these headers, so max-age and this are at most C together;
    # - in one that keeps what it gets for C, whatever we say, and gets it from a shared cache
    #   that heeds them: then it is C after theirs, and our clocks may be `skew` apart.
    # A copy that has a key too many verifies nothing that we sign, unless the key was revoked
    # because somebody else signs with it. Whoever can make our answers fail would keep that one
    # alive, so it is an hour at most, however much room there is.
    room = min(bounds.verifier_cache, bounds.propagation - bounds.verifier_cache - bounds.skew)
    return max(0, min(_MOST_STALE, room - max_age))


def _until_change(keyring: Keyring, bounds: Bounds, now: int) -> int:
    """Return the seconds until the set of published keys changes as planned."""
    if keyring.previous is not None:
        return retires_at(keyring, keyring.previous, bounds) - now
    if keyring.next is not None:
        return bounds.propagation
    since = keyring.current.activated_at or keyring.current.published_at
    return since + bounds.rotation - now


def _check(s: Situation, guards: tuple[Guard, ...]) -> None:
    reason = held(s, guards)
    if reason is not None:
        raise _refused(reason)


def _check_new(keyring: Keyring, key: PublishedKey) -> None:
    """A kid or a KMS key that was ever here never comes again."""
    known: tuple[PublishedKey | FormerKey, ...] = (
        *keyring.published(),
        *keyring.retired,
        *keyring.revoked,
    )
    if any(key.kid == other.kid or key.key_id == other.key_id for other in known):
        raise _refused("this key was published before")


def _next(s: Situation, kid: str) -> PublishedKey:
    key = s.keyring.next
    if s.keyring.deleted_at is not None or key is None or key.kid != kid:
        raise _refused("the next key is another one")
    return key


def _former(key: PublishedKey, now: int) -> FormerKey:
    return FormerKey(
        kid=key.kid,
        key_id=key.key_id,
        alg=key.alg,
        created_at=key.created_at,
        published_at=key.published_at,
        activated_at=key.activated_at,
        left_at=now,
    )


def _written(s: Situation, operation: str, **changes: Any) -> Keyring:
    version = s.keyring.version + 1
    return replace(s.keyring, version=version, operation=operation, **changes)


def _refused(reason: str) -> Rejected:
    return Rejected("rotation_refused", f"This cannot be done now: {reason}.")
