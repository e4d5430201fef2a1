"""Rotate keys: find whose step is due, and make one step after the other (docs/rotation.md).

A step reads the record, does at most one thing outside, and ends in one conditional write. It can
be cut off anywhere and made again: what was written decides how it goes on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from signet.broker import rotation
from signet.broker.connection import Connection
from signet.broker.event import SYSTEM, Event
from signet.broker.key_creation import Exhausted, KeyCreation
from signet.broker.keyring import (
    ANNOUNCED,
    HELD,
    ISSUER,
    OVERLAP,
    STEADY,
    Keyring,
    Probe,
    PublishedKey,
)
from signet.broker.ports import (
    Announcements,
    Audit,
    Clock,
    Connections,
    Entropy,
    KeyringRegistry,
    RateLimits,
    RotationRequests,
)
from signet.broker.probe import evidence_for
from signet.broker.rotation import Bounds, Plan, Situation, Step
from signet.errors import Misconfigured, Rejected, Unavailable

CREATIONS_A_SWEEP = 300
"""What KMS's quota allows in a minute: more would only stand in line."""
_PAGE = 100
_MOST_STEPS = 6
"""Steps that one call makes at most: what is left is due, and the next sweep finds it."""
_REMINDER = 86_400

ProbeKey = Callable[[Connection, Keyring, PublishedKey], str]
Change = Callable[[Situation, str], Keyring]
"""Makes the keyring that comes after a situation, for an operation of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """Who asks for a step: `requested` begins a rotation early, `immediate` waits for nothing."""

    actor: str = SYSTEM
    requested: bool = False
    immediate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotator:
    """The rotation protocol on the real ports."""

    bounds: Bounds
    connections: Connections
    keyrings: KeyringRegistry
    creation: KeyCreation
    probe: ProbeKey
    limits: RateLimits
    requests: RotationRequests
    audit: Audit
    announcements: Announcements
    clock: Clock
    entropy: Entropy

    def sweep(self) -> int:
        """Ask for a step of everybody whose step may be due, and return how many they are.

        Raises:
            Unavailable: a table or the event bus is; the next sweep asks again.
        """
        now, bounds = self.clock.now(), self.bounds
        asked = 0
        for phase, age, most in (
            (OVERLAP, bounds.retention, None),
            (ANNOUNCED, bounds.propagation, None),
            (HELD, bounds.probe_interval, None),
            (STEADY, bounds.rotation, CREATIONS_A_SWEEP),
        ):
            for owners in self._due(phase, now - age, most):
                self.requests.request(*owners)
                asked += len(owners)
        return asked

    def step(
        self,
        owner: str,
        *,
        actor: str = SYSTEM,
        requested: bool = False,
        immediate: bool = False,
    ) -> Keyring | None:
        """Make every step of an owner's rotation that can be made now; return its keyring.

        Args:
            owner: a connection's id, or `issuer`; None comes back where it has no keyring.
            actor: who asks.
            requested: begin a rotation before its time.
            immediate: promote the next key at once, without evidence; logins may fail.

        Raises:
            Rejected: `rotation_refused`: what was asked for cannot be done now.
            Unavailable: KMS or a table is, or the next key may have been stored.
            Misconfigured: a new key could not be proved, or the one to be promoted at once.
        """
        request = _Request(actor=actor, requested=requested, immediate=immediate)
        situation = self.situation(owner)
        for _ in range(_MOST_STEPS):
            if situation is None or situation.keyring.deleted_at is not None:
                break
            plan = _plan(situation, request)
            if plan.step is Step.WAIT:
                self._tell_if_stuck(situation, plan)
                break
            if not self._make(situation, plan.step, request):
                break
            request = replace(request, requested=False)
            situation = self.situation(owner)
        return situation.keyring if situation is not None else None

    def approve(self, owner: str, kid: str, *, actor: str) -> Keyring:
        """Take an administrator's word that the provider knows the next key, and go on.

        Raises:
            Rejected: `not_found` or `rotation_refused`. Unavailable: KMS or a table is.
        """
        situation = self.situation(owner)
        if situation is None or situation.keyring.deleted_at is not None:
            raise Rejected("not_found", "There is no such connection.")
        if not any(key.kid == kid for key in situation.keyring.published()):
            raise Rejected("not_found", "There is no such key.")
        told = self._event(situation, "KeyApproved", kid=kid, actor=actor)
        written = self.commit(
            situation, lambda s, operation: rotation.approve(s, kid, operation=operation), told
        )
        if written is None:
            raise Unavailable("busy", "It is being changed by somebody else. Please try again.")
        return self.step(owner, actor=actor) or written

    def refused(self, owner: str, kid: str) -> None:
        """Count a login that the provider refused with the current key, and took with the previous.

        When it repeats, the previous key signs again (step 7).

        Raises:
            Unavailable: a table is.
        """
        if owner == ISSUER:
            # No provider ever sees that key: who says so would hold its rotation up for ever.
            return
        situation = self.situation(owner)
        for _ in range(_MOST_STEPS):
            if situation is None or situation.keyring.deleted_at is not None:
                return
            if situation.keyring.current.kid != kid:
                return
            if self._note_refusal(situation, kid):
                break
            situation = self.situation(owner)

    def situation(self, owner: str) -> Situation | None:
        """Read how things are with an owner's keys now; None where it has no keyring."""
        keyring = self.keyrings.get(owner)
        if keyring is None:
            return None
        connection = None if owner == ISSUER else self.connections.get(owner)
        if owner != ISSUER and connection is None and keyring.deleted_at is None:
            # It is being made or removed at this moment, or a backup brought back half of it.
            return None
        return Situation(
            keyring=keyring,
            bounds=self.bounds,
            now=self.clock.now(),
            evidence=evidence_for(connection),
        )

    def commit(self, s: Situation, change: Change, *events: Event) -> Keyring | None:
        """Write what comes after a situation, with what tells of it; None when it was overtaken.

        After a lost answer the record itself says whether the write was this one.

        Raises:
            Rejected: the change cannot be made. Unavailable: it may be written yet, or not.
        """
        operation = self.entropy.identifier()
        after = change(s, operation)
        if not self._stored(s, after, events):
            return None
        self.announcements.publish(*events)
        return after

    # ------------------------------------------------------------------------------ one step

    def _make(self, s: Situation, step: Step, request: _Request) -> bool:
        """Make one step; False when nothing more can be done now."""
        if step is Step.CREATE:
            return self._create(s, request)
        if step is Step.PROBE:
            return self._probe(s)
        if step is Step.PROMOTE:
            return self._promote(s, request)
        return self._retire(s)

    def _create(self, s: Situation, request: _Request) -> bool:
        """Make a key, prove it and announce it; who loses the race gives its key up."""
        operation = self.entropy.identifier()
        keyring = s.keyring
        try:
            key = self.creation(keyring.owner, alg=keyring.current.alg, operation=operation)
        except (Exhausted, Misconfigured) as problem:
            self._remind(s, "RotationStuck", f"no new key could be made: {problem.private}")
            if isinstance(problem, Exhausted) and not request.requested:
                # Time alone helps: the sweep after the owner's window tries again.
                return False
            raise
        fresh = replace(s, now=self.clock.now())
        after = rotation.announce(fresh, key, operation=operation)
        told = self._event(s, "KeyAnnounced", kid=key.kid, actor=request.actor)
        if self._stored(fresh, after, (told,)):
            self.announcements.publish(told)
        else:
            # The version moved on and the key is not in it: no write of ours can bring it in.
            self.creation.discard(key.key_id, owner=keyring.owner)
        return True

    def _probe(self, s: Situation) -> bool:
        """Ask the provider about the next key, at most once in an interval, and keep its answer."""
        key, owner = s.keyring.next, s.keyring.owner
        connection = self.connections.get(owner)
        if key is None or connection is None:
            return False
        until = s.now + s.bounds.probe_interval
        if not self.limits.take(f"PROBE#{owner}#{key.kid}", now=s.now, until=until):
            return False
        try:
            result = self.probe(connection, s.keyring, key)
        except Misconfigured as problem:
            if self._is_overtaken(s):
                return True
            self._remind(s, "RotationStuck", f"the provider cannot be asked: {problem.code}")
            return False
        probe = Probe(result=result, at=self.clock.now())
        told = self._event(s, "KeyProbed", kid=key.kid, detail={"result": result})
        kid = key.kid
        self.commit(
            s, lambda s, operation: rotation.record_probe(s, kid, probe, operation=operation), told
        )
        return True

    def _promote(self, s: Situation, request: _Request) -> bool:
        key = s.keyring.next
        if key is None:
            return False
        try:
            self.creation.prove(key)
        except Misconfigured as problem:
            if self._is_overtaken(s):
                return True
            self._remind(s, "RotationStuck", f"the next key cannot sign: {problem.private}")
            if request.immediate:
                raise
            return False
        told = self._event(
            s,
            "KeyPromoted",
            kid=key.kid,
            actor=request.actor,
            detail={"immediate": "true"} if request.immediate else {},
        )
        guards = rotation.PROMOTE_AT_ONCE if request.immediate else rotation.PROMOTE
        self.commit(
            replace(s, now=self.clock.now()),
            lambda s, operation: rotation.promote(s, operation=operation, guards=guards),
            told,
        )
        return True

    def _is_overtaken(self, s: Situation) -> bool:
        """Tell whether a key that cannot sign was taken away on purpose, since it was read."""
        stored = self.keyrings.get(s.keyring.owner)
        return stored is None or stored.version != s.keyring.version

    def _retire(self, s: Situation) -> bool:
        kid = s.keyring.previous.kid if s.keyring.previous is not None else None
        told = self._event(s, "KeyRetired", kid=kid)
        self.commit(s, lambda s, operation: rotation.retire(s, operation=operation), told)
        return True

    # ------------------------------------------------------------------------------ refusals

    def _note_refusal(self, s: Situation, kid: str) -> bool:
        """Count one refusal, and roll back when there are enough; False when it was overtaken."""
        if s.keyring.previous is None:
            return True
        told = self._event(s, "KeyRefusalNoted", kid=kid, outcome="failure")
        noted = self.commit(
            s, lambda s, operation: rotation.note_refusal(s, kid, operation=operation), told
        )
        if noted is None:
            return False
        if noted.current.refusals >= rotation.ROLL_BACK_AFTER:
            return self._roll_back(replace(s, keyring=noted), kid)
        return True

    def _roll_back(self, s: Situation, kid: str) -> bool:
        reason = rotation.held(s, rotation.ROLL_BACK)
        if reason is not None:
            self._remind(s, "RotationStuck", f"the provider refuses the current key; {reason}")
            return True
        told = self._event(s, "KeyRolledBack", kid=kid, outcome="failure")
        done = self.commit(
            s, lambda s, operation: rotation.roll_back(s, kid, operation=operation), told
        )
        return done is not None

    # --------------------------------------------------------------------------------- telling

    def _tell_if_stuck(self, s: Situation, plan: Plan) -> None:
        """Remind of a promotion that is held back although its time has come."""
        key = s.keyring.next
        if key is None or plan.held is None:
            return
        if s.now < key.published_at + s.bounds.propagation:
            return
        self._remind(
            s, "KeyAwaitingRegistration" if s.evidence.word else "RotationStuck", plan.held
        )

    def _remind(self, s: Situation, kind: str, reason: str) -> None:
        """Tell of what somebody has to look at, once a day."""
        key = s.keyring.next or s.keyring.current
        turn = f"REMINDER#{s.keyring.owner}#{key.kid}#{kind}"
        if self.limits.take(turn, now=s.now, until=s.now + _REMINDER):
            told = self._event(s, kind, kid=key.kid, outcome="failure", detail={"reason": reason})
            self.audit.record(told)
            self.announcements.publish(told)

    def _event(
        self,
        s: Situation,
        kind: str,
        *,
        kid: str | None,
        actor: str = SYSTEM,
        outcome: str = "success",
        detail: dict[str, str] | None = None,
    ) -> Event:
        owner = s.keyring.owner
        return Event(
            type=kind,
            time=self.clock.now(),
            actor=actor,
            subject=owner,
            connection=None if owner == ISSUER else owner,
            outcome=outcome,
            kid=kid,
            detail=detail or {},
        )

    # --------------------------------------------------------------------------------- storing

    def _stored(self, s: Situation, after: Keyring, events: tuple[Event, ...]) -> bool:
        """Write a keyring and tell whether it is this write that counts.

        Raises:
            Unavailable: the record is as it was before: a write that is under way may come yet.
        """
        problem: Unavailable | None = None
        try:
            if self.keyrings.replace(after, *events):
                return True
        except Unavailable as failure:
            problem = failure
        stored = self.keyrings.get(after.owner)
        if stored is not None and stored.version == after.version:
            return stored.operation == after.operation
        if stored is not None and stored.version > after.version:
            return _shows(stored, after, before=s.keyring)
        if problem is not None:
            raise problem
        return False

    def _due(self, phase: str, until: int, most: int | None) -> Iterator[tuple[str, ...]]:
        position, left = None, most
        while left is None or left > 0:
            limit = _PAGE if left is None else min(_PAGE, left)
            page = self.keyrings.since(phase, until=until, position=position, limit=limit)
            if page.items:
                yield page.items
            position = page.position
            if position is None:
                return
            left = left - len(page.items) if left is not None else None


def _plan(s: Situation, request: _Request) -> Plan:
    """Say what to do next; who asks for no waiting gets the promotion, or why not."""
    begins = s.keyring.next is None and (s.keyring.previous is None or not request.requested)
    if not request.immediate or begins:
        return rotation.plan(s, requested=request.requested)
    reason = rotation.held(s, rotation.PROMOTE_AT_ONCE)
    if reason is not None:
        raise Rejected("rotation_refused", f"This cannot be done now: {reason}.")
    return Plan(step=Step.PROMOTE, at=s.now)


def _shows(stored: Keyring, after: Keyring, *, before: Keyring) -> bool:
    """Tell from a later version whether a write came before it: what it brought is known there.

    Of a write that brought no key, a later version does not tell: it counts as overtaken.
    """
    brought = {key.key_id for key in after.published() if not before.refers_to(key.key_id)}
    former = {key.key_id for key in (*stored.retired, *stored.revoked)}
    return any(stored.refers_to(key_id) or key_id in former for key_id in brought)
