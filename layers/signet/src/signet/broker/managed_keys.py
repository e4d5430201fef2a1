"""Rotate, approve and revoke keys: what the management API does with them (contract, section 4)."""

from dataclasses import dataclass, replace

from signet.broker import rotation
from signet.broker.event import Event
from signet.broker.key_creation import KeyCreation
from signet.broker.keyring import ISSUER, Keyring, PublishedKey
from signet.broker.ports import Clock, Entropy, Kms
from signet.broker.resource_version import rfc3339
from signet.broker.rotation import Bounds, Situation
from signet.broker.rotator import Rotator
from signet.errors import Misconfigured, Rejected, Unavailable

_ATTEMPTS = 5
_PATIENCE = 5
"""How many seconds somebody who waits for an answer stands in line for a new key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """What revoking a key breaks, and for how long (seconds; None: until somebody acts)."""

    kid: str
    state: str
    takes_over: str | None
    logins_fail: bool
    seconds: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationState:
    """What a rotation does next, when (RFC 3339), and what it waits for beside time."""

    phase: str
    next_step: str
    due_at: str | None
    held: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedKeys:
    """Keys by their owners: connections' ids, or `issuer`."""

    rotator: Rotator
    bounds: Bounds
    creation: KeyCreation
    kms: Kms
    clock: Clock
    entropy: Entropy

    def keyring(self, owner: str) -> Keyring:
        """Return an owner's keys.

        Raises:
            Rejected: `not_found`.
        """
        return self._situation(owner).keyring

    def state(self, owner: str) -> RotationState:
        """Tell what the rotation does next.

        Raises:
            Rejected: `not_found`.
        """
        situation = self._situation(owner)
        plan = rotation.plan(situation)
        phase, _ = situation.keyring.phase()
        return RotationState(
            phase=phase,
            next_step=plan.step.value,
            due_at=rfc3339(plan.at) if plan.at is not None else None,
            held=plan.held,
        )

    def rotate(self, owner: str, *, actor: str, immediate: bool) -> Keyring:
        """Begin a rotation, or bring the one that is under way on as far as it may go now.

        Raises:
            Rejected: `not_found`, or `rotation_refused`: there is nothing that can be promoted at
                once. Unavailable, Misconfigured: as a step of the rotator.
        """
        keyring = self.rotator.step(owner, actor=actor, requested=True, immediate=immediate)
        if keyring is None or keyring.deleted_at is not None:
            raise _not_found()
        return keyring

    def approve(self, owner: str, kid: str, *, actor: str) -> Keyring:
        """Take the word of an administrator that the provider knows the next key.

        Raises:
            Rejected: `not_found`, or `rotation_refused`: it is not the next key.
        """
        return self.rotator.approve(owner, kid, actor=actor)

    def preview(self, owner: str, kid: str) -> BlastRadius:
        """Tell what revoking a key would break, and change nothing.

        Raises:
            Rejected: `not_found`.
        """
        situation = self._situation(owner)
        return _blast_radius(situation, _published(situation.keyring, kid), kid)

    def revoke(self, owner: str, kid: str, *, actor: str) -> Keyring:
        """Take a key out of the JWKS and have KMS refuse to sign with it, now.

        The current key is followed by the next one where that signs, else by a fresh one that is
        made before the current one is taken away. Revoking again completes what was interrupted.

        Raises:
            Rejected: `not_found`. Unavailable: `busy`, or KMS or a table is. Misconfigured: the
                fresh key could not be proved.
        """
        for _ in range(_ATTEMPTS):
            situation = self._situation(owner)
            revoked = [key for key in situation.keyring.revoked if key.kid == kid]
            if revoked:
                self.kms.disable_key(revoked[0].key_id)
                return situation.keyring
            key = _published(situation.keyring, kid)
            if key is None:
                raise _not_found()
            following = situation.keyring.next
            if key is situation.keyring.current and following and not self._signs(following):
                # It may not take over: it goes first, and a fresh one is made.
                self.revoke(owner, following.kid, actor=actor)
                continue
            written = self._revoke(situation, key, actor)
            if written is not None:
                self.kms.disable_key(key.key_id)
                return written
        raise Unavailable("busy", "It is being changed by somebody else. Please try again.")

    def _revoke(self, situation: Situation, key: PublishedKey, actor: str) -> Keyring | None:
        """Write the record without the key; None when somebody else's change came first."""
        fresh = self._replacement(situation, key)
        told = self._events(situation, key, fresh, actor)
        written = self.rotator.commit(
            replace(situation, now=self.clock.now()),
            lambda s, operation: rotation.revoke(
                s, key.kid, operation=operation, replacement=fresh
            ),
            *told,
        )
        if written is None and fresh is not None:
            self.creation.discard(fresh.key_id, owner=situation.keyring.owner)
        return written

    def _signs(self, key: PublishedKey) -> bool:
        try:
            self.creation.prove(key)
        except Misconfigured:
            return False
        return True

    def _replacement(self, situation: Situation, key: PublishedKey) -> PublishedKey | None:
        keyring = situation.keyring
        if key.kid != keyring.current.kid or keyring.next is not None:
            return None
        operation = self.entropy.identifier()
        return self.creation(
            keyring.owner, alg=keyring.current.alg, operation=operation, patience=_PATIENCE
        )

    def _events(
        self, situation: Situation, key: PublishedKey, fresh: PublishedKey | None, actor: str
    ) -> tuple[Event, ...]:
        owner = situation.keyring.owner
        radius = _blast_radius(situation, key, key.kid)
        successor = fresh or situation.keyring.next if radius.state == "current" else None
        kinds = [("KeyRevoked", key.kid, radius.text)]
        if successor is not None:
            kinds.append(("KeyPromoted", successor.kid, "it follows a revoked key"))
        return tuple(
            Event(
                type=kind,
                time=self.clock.now(),
                actor=actor,
                subject=owner,
                connection=None if owner == ISSUER else owner,
                kid=kid,
                detail={"reason": reason},
            )
            for kind, kid, reason in kinds
        )

    def _situation(self, owner: str) -> Situation:
        situation = self.rotator.situation(owner)
        if situation is None or situation.keyring.deleted_at is not None:
            raise _not_found()
        return situation


def _published(keyring: Keyring, kid: str) -> PublishedKey | None:
    return next((key for key in keyring.published() if key.kid == kid), None)


def _blast_radius(situation: Situation, key: PublishedKey | None, kid: str) -> BlastRadius:
    """Say what stops working when a key goes: a verifier keeps our JWKS for up to C."""
    keyring, bounds = situation.keyring, situation.bounds
    if key is None:
        raise _not_found()
    if key is keyring.next:
        return BlastRadius(
            kid=kid,
            state="next",
            takes_over=None,
            logins_fail=False,
            seconds=0,
            text="No login fails: it does not sign yet. The rotation begins anew.",
        )
    if key is keyring.previous:
        seconds = bounds.signer_cache
        return BlastRadius(
            kid=kid,
            state="previous",
            takes_over=None,
            logins_fail=seconds > 0,
            seconds=seconds,
            text=(
                f"Logins may fail for up to {seconds} seconds, where the key before the last "
                "promotion is still in use; and no login can fall back on it any more."
            ),
        )
    return _of_current(situation, kid)


def _of_current(situation: Situation, kid: str) -> BlastRadius:
    following, bounds = situation.keyring.next, situation.bounds
    if situation.evidence.word and (following is None or following.approved_at is None):
        known = following is not None and _accepted(following)
        if not known:
            return BlastRadius(
                kid=kid,
                state="current",
                takes_over="next" if following is not None else "new",
                logins_fail=True,
                seconds=None,
                text=(
                    "Every login through this connection fails until the provider's administrator "
                    "enters the key that takes over."
                ),
            )
    if following is not None and _refused(following):
        return BlastRadius(
            kid=kid,
            state="current",
            takes_over="next",
            logins_fail=True,
            seconds=None,
            text=(
                "Every login through this connection fails until the provider knows the key that "
                "takes over: it refused that key when it was asked last."
            ),
        )
    if following is None:
        wait = bounds.verifier_cache
    else:
        wait = max(0, following.published_at + bounds.verifier_cache - situation.now)
    if following is not None and _accepted(following):
        wait = 0
    wait = max(wait, bounds.signer_cache)
    verifier = "apps refuse tokens" if situation.keyring.owner == ISSUER else "logins fail"
    return BlastRadius(
        kid=kid,
        state="current",
        takes_over="next" if following is not None else "new",
        logins_fail=wait > 0,
        seconds=wait,
        text=(
            f"Until whoever verifies our signatures fetches the JWKS again, {verifier}: for up to "
            f"{wait} seconds. What the key signed before is not accepted any more."
        ),
    )


def _accepted(key: PublishedKey) -> bool:
    return key.probe is not None and key.probe.result == rotation.ACCEPTED


def _refused(key: PublishedKey) -> bool:
    if key.approved_at is not None:
        return False
    return key.probe is not None and key.probe.result == rotation.REFUSED


def _not_found() -> Rejected:
    return Rejected("not_found", "There is no such key.")
