"""Tell operators of a current key that KMS refuses: once a day, from wherever it is met."""

from dataclasses import dataclass

from signet.broker.event import SYSTEM, Event
from signet.broker.keyring import ISSUER, Keyring
from signet.broker.ports import Announcements, Audit, Clock, RateLimits
from signet.errors import Misconfigured, Unavailable

_DAY = 86_400
_REASON = (
    "KMS does not sign with the current key, so logins fail: enable it in KMS (cancel its deletion "
    "first, if it is scheduled), or revoke it here, so that a new key takes over"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableKeys:
    """`KeyUnusable`, as an event of the audit and of the bus."""

    limits: RateLimits
    audit: Audit
    announcements: Announcements
    clock: Clock

    def tell(self, keyring: Keyring, problem: Misconfigured) -> None:
        """Tell of the current key of a keyring; `problem` is what KMS said. Never raises.

        Only a request that fails already waits for this.
        """
        owner, key, now = keyring.owner, keyring.current, self.clock.now()
        event = Event(
            type="KeyUnusable",
            time=now,
            actor=SYSTEM,
            subject=owner,
            connection=None if owner == ISSUER else owner,
            outcome="failure",
            kid=key.kid,
            detail={"reason": _REASON, "kms": problem.private or problem.public},
        )
        turn = f"REMINDER#{owner}#{key.kid}#{event.type}"
        try:
            if self.limits.take(turn, now=now, until=now + _DAY):
                # First to whoever can mend it: the turn is taken, whatever becomes of the audit.
                self.announcements.publish(event)
                self.audit.record(event)
        except Unavailable:
            # The request fails for the key, and its log line says so; a table that is down as
            # well must not hide that.
            return
