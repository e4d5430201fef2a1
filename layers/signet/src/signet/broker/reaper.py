"""Take keys away that no record refers to (step 9 of the rotation protocol).

First a key is disabled, seven days later its deletion is scheduled, which KMS does thirty days
after that: until then whoever misses it can have it back.
"""

from dataclasses import dataclass

from signet.broker.event import SYSTEM, Event
from signet.broker.key_standing import ENABLED, Standing, owner_of, standing
from signet.broker.keyring import ISSUER, Keyring
from signet.broker.ports import Announcements, Audit, Clock, KeyringRegistry, Kms, KmsKey
from signet.broker.rotation import Bounds

DISABLED_FOR = 7 * 86_400
"""Seconds between a key's disabling and the scheduling of its deletion."""
DISABLED_AT_TAG = "signet:disabled-at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaper:
    """Looks at every key of the account, and touches those alone that carry our tag."""

    stack: str
    bounds: Bounds
    keyrings: KeyringRegistry
    kms: Kms
    audit: Audit
    announcements: Announcements
    clock: Clock

    def run(self, position: str | None) -> str | None:
        """Look at one page of KMS's keys, and return where the next one begins.

        Every part of it can be made again.

        Raises:
            Unavailable: KMS or a table is; a record that cannot be read has no key touched.
        """
        page = self.kms.list_keys(position=position)
        for key_id in page.items:
            self._look_at(key_id)
        return page.position

    def _look_at(self, key_id: str) -> None:
        key = self.kms.describe(key_id)
        owner = owner_of(key, stack=self.stack) if key is not None else None
        if key is None or owner is None:
            return
        # Read after the key, and strongly: what refers to it now is seen.
        keyring = self.keyrings.get(owner)
        now = self.clock.now()
        found = standing(key, keyring, bounds=self.bounds, now=now)
        if found is Standing.REFERENCED and key.state != ENABLED and keyring is not None:
            self._tell_unusable(key, keyring)
        elif found is Standing.REVOKED and key.state == ENABLED:
            self._disable(key, owner, now)
        elif found in {Standing.UNREFERENCED, Standing.REVOKED}:
            self._take_away(key, owner, now)

    def _take_away(self, key: KmsKey, owner: str, now: int) -> None:
        disabled_at = key.tags.get(DISABLED_AT_TAG, "")
        if key.state == ENABLED or not disabled_at.isdecimal():
            self._disable(key, owner, now)
        elif now - int(disabled_at) >= DISABLED_FOR:
            self._tell("KeyDeletionScheduled", key, owner, now)
            self.kms.schedule_deletion(key.key_id)

    def _disable(self, key: KmsKey, owner: str, now: int) -> None:
        """Disable a key, and note on the key itself since when."""
        self._tell("KeyDisabled", key, owner, now)
        self.kms.disable_key(key.key_id)
        self.kms.tag_key(key.key_id, {DISABLED_AT_TAG: str(now)})

    def _tell(self, kind: str, key: KmsKey, owner: str, now: int) -> None:
        """Record what is about to be done: nothing is taken away that the audit does not show."""
        told = _event(kind, owner, now, detail={"key_id": key.key_id})
        self.audit.record(told)
        self.announcements.publish(told)

    def _tell_unusable(self, key: KmsKey, keyring: Keyring) -> None:
        kid = next(found.kid for found in keyring.published() if found.key_id == key.key_id)
        told = _event(
            "KeyUnusable",
            keyring.owner,
            self.clock.now(),
            kid=kid,
            outcome="failure",
            detail={
                "key_id": key.key_id,
                "reason": f"a published key is {key.state} in KMS: enable it, or revoke it here",
            },
        )
        self.audit.record(told)
        self.announcements.publish(told)


def _event(
    kind: str,
    owner: str,
    now: int,
    *,
    detail: dict[str, str],
    kid: str | None = None,
    outcome: str = "success",
) -> Event:
    return Event(
        type=kind,
        time=now,
        actor=SYSTEM,
        subject=owner,
        connection=None if owner == ISSUER else owner,
        kid=kid,
        outcome=outcome,
        detail=detail,
    )
