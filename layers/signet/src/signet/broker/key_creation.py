"""Make a key in KMS and prove it, so that it may be published (steps 1 and 2 of the rotation).

A key belongs to one owner for its whole life: its tags say whose, and which operation made it, in
the very call that makes it. Whatever fails after that call leaves a key that the reaper finds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from signet.broker.certification import certified
from signet.broker.keyring import ISSUER, PublishedKey
from signet.broker.ports import Clock, Entropy, Kms, RateLimits
from signet.broker.resource_version import rfc3339
from signet.broker.signing import prove, publishable_key
from signet.errors import Misconfigured, SignetError, Unavailable
from signet.jose.algorithms import algorithm

CREATIONS_A_SECOND = 5
"""AWS KMS's default quota of CreateKey for an account and a Region."""
MOST_UNPROVED = 3
"""New keys that one owner may have in a window of time without one of them being proved."""
WINDOW_SECONDS = 3_600
_PATIENCE = 20
"""How many seconds a rotation waits for its turn before it leaves it to the next sweep."""
_PAUSES = (0.2, 0.5, 1.0, 2.0)
"""KMS is eventually consistent: a new key may not be found for a while."""

STACK_TAG = "signet:stack"
PURPOSE_TAG = "signet:purpose"
CONNECTION_TAG = "signet:connection"
OPERATION_TAG = "signet:operation"
PURPOSE_CONNECTION = "connection"
PURPOSE_ISSUER = "issuer"

T = TypeVar("T")


class Exhausted(Unavailable):
    """An owner's new keys were not proved, one after the other: only time gives it another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCreation:
    """Makes keys.

    `stack` is the tag value of this deployment's keys, `pause` waits seconds, and `window` is how
    many seconds an owner has to wait whose new keys could not be proved.
    """

    stack: str
    kms: Kms
    limits: RateLimits
    clock: Clock
    entropy: Entropy
    pause: Callable[[float], None]
    window: int = WINDOW_SECONDS

    def __call__(
        self, owner: str, *, alg: str, operation: str, patience: int = _PATIENCE
    ) -> PublishedKey:
        """Return a new key of that owner, proved, and certified for a connection.

        Args:
            owner: a connection's id, or `issuer`.
            alg: the JWS algorithm of the key.
            operation: what makes it, for its tag.
            patience: seconds to wait for a turn within KMS's quota.

        Raises:
            Exhausted: `busy`: too many keys of this owner were not proved; the text says until
                when. Unavailable: `busy`: no turn; or KMS is. Misconfigured: `key_not_proved`,
                `signing_key`. Where there is a key, `private` names it.
        """
        turn = self._take_owners_turn(owner)
        try:
            self._wait_for_turn(patience)
        except Unavailable:
            self._give_back(turn)
            raise
        key_id = self.kms.create_key(algorithm=algorithm(alg), tags=self._tags(owner, operation))
        try:
            key = self._patiently(lambda: self._proved(key_id, owner, alg))
        except SignetError as problem:
            raise _unproved(problem, key_id) from problem
        self._give_back(turn)
        return key

    def prove(self, key: PublishedKey) -> None:
        """Have a published key sign once more, before everything depends on it.

        Raises:
            Misconfigured: it cannot sign, or what it signs cannot be verified. Unavailable: KMS is.
        """
        prove(self.kms, key, challenge=self.entropy.token())

    def discard(self, key_id: str, *, owner: str) -> None:
        """Give a key up that no record refers to and that no write under way could publish.

        It may be saved for 30 days. Where KMS does not answer, the reaper does it later. An
        issuer's key is the reaper's to delete, always: no other role may.
        """
        try:
            self.kms.disable_key(key_id)
            if owner != ISSUER:
                self.kms.schedule_deletion(key_id)
        except SignetError:
            return

    def _proved(self, key_id: str, owner: str, alg: str) -> PublishedKey:
        now = self.clock.now()
        challenge = self.entropy.token()
        key = publishable_key(self.kms, key_id=key_id, alg=alg, challenge=challenge, now=now)
        if owner == ISSUER:
            return key
        return certified(key, owner=owner, signer=self.kms, entropy=self.entropy, now=now)

    def _tags(self, owner: str, operation: str) -> dict[str, str]:
        purpose = PURPOSE_ISSUER if owner == ISSUER else PURPOSE_CONNECTION
        tags = {STACK_TAG: self.stack, PURPOSE_TAG: purpose, OPERATION_TAG: operation}
        return tags if owner == ISSUER else {**tags, CONNECTION_TAG: owner}

    def _take_owners_turn(self, owner: str) -> str:
        """Take one of the owner's turns, which only a proved key gives back.

        Each sweep begins a rotation anew whose key could not be proved: without an end to it,
        keys would fill the account until nobody can make one.
        """
        now = self.clock.now()
        window = now // self.window
        turn, ends = f"CREATION#{owner}#{window}", (window + 1) * self.window
        if self.limits.take_one_of(turn, limit=MOST_UNPROVED, until=ends):
            return turn
        raise Exhausted(
            "busy",
            "New keys are being made, or could not be proved. "
            f"Please try again after {rfc3339(ends)}.",
            private=f"{MOST_UNPROVED} new keys of {owner} were not proved: nothing uses them",
        )

    def _give_back(self, turn: str) -> None:
        try:
            self.limits.give_back(turn)
        except Unavailable:
            # The owner has one turn less until its window ends; the key is as good.
            return

    def _wait_for_turn(self, patience: int) -> None:
        """Share KMS's quota with every other worker: so many turns in each second."""
        for waited in range(2 * patience + 1):
            if waited:
                self.pause(0.5)
            now = self.clock.now()
            turn = f"CREATEKEY#{now}"
            if self.limits.take_one_of(turn, limit=CREATIONS_A_SECOND, until=now + 60):
                return
        raise Unavailable("busy", "Too many keys are made at once. Please try again.")

    def _patiently(self, attempt: Callable[[], T]) -> T:
        for pause in _PAUSES:
            try:
                return attempt()
            except Unavailable:
                self.pause(pause)
            except Misconfigured as problem:
                if problem.code != "signing_key":
                    raise
                self.pause(pause)
        return attempt()


def _unproved(problem: SignetError, key_id: str) -> SignetError:
    """Name the key in what is told of it: no record does, and the reaper takes it later.

    What KMS shows may be no key of the algorithm at all, which nobody asked for.
    """
    private = f"the new KMS key {key_id} is not proved: {problem.private or problem.public}"
    if isinstance(problem, Unavailable | Misconfigured):
        return type(problem)(
            problem.code, problem.public, private=private, redirectable=problem.redirectable
        )
    return Misconfigured("key_not_proved", "A new key could not be proved.", private=private)
