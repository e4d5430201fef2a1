"""Take keys away that no record refers to (step 9 of the rotation protocol).

First a key is disabled, seven days later its deletion is scheduled, which KMS does thirty days
after that: until then whoever misses it can have it back.

A record that is not there says nothing about its keys: a table may be the wrong one, or come from
a backup that is older than they are. So where a connection has no keyring its keys are left
alone, and where the issuer has none, or many and most owners, all keys are.
"""

from dataclasses import dataclass

from signet.broker.event import SYSTEM, Event
from signet.broker.key_standing import ENABLED, Standing, owner_of, standing
from signet.broker.keyring import ISSUER, Keyring
from signet.broker.ports import (
    Announcements,
    Audit,
    Clock,
    Connections,
    KeyringRegistry,
    Kms,
    KmsKey,
)
from signet.broker.rotation import Bounds
from signet.errors import Misconfigured

DISABLED_FOR = 7 * 86_400
"""Seconds between a key's disabling and the scheduling of its deletion."""
DISABLED_AT_TAG = "signet:disabled-at"
MOST_UNRECORDED = 10
"""Owners of a page that may have no record; more are held where they are also more than half."""

_Owned = tuple[KmsKey, str]
"""A key of ours and its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaper:
    """Looks at every key of the account, and touches those alone that carry our tag."""

    stack: str
    bounds: Bounds
    connections: Connections
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
            Misconfigured: `reaping_held`: too many owners have no record; no key is touched.
        """
        page = self.kms.list_keys(position=position)
        ours = [owned for key_id in page.items if (owned := self._owned(key_id)) is not None]
        self._check_records(ours)
        for key, owner in ours:
            self._look_at(key, owner)
        return page.position

    def _owned(self, key_id: str) -> _Owned | None:
        key = self.kms.describe(key_id)
        owner = owner_of(key, stack=self.stack) if key is not None else None
        return (key, owner) if key is not None and owner is not None else None

    def _check_records(self, ours: list[_Owned]) -> None:
        """Hold everything where it is the records that are missing, and not their owners."""
        now = self.clock.now()
        owners = {
            owner
            for key, owner in ours
            if standing(key, None, bounds=self.bounds, now=now) is Standing.UNREFERENCED
        }
        missing = sum(self.keyrings.get(owner) is None for owner in owners)
        many = missing > MOST_UNRECORDED and 2 * missing > len(owners)
        # The issuer has one from the first deployment on: without it this is another table.
        if many or (missing and self.keyrings.get(ISSUER) is None):
            reason = f"{missing} of {len(owners)} owners of keys have no keyring"
            self._tell_held(ISSUER, f"{reason}: is this the table that belongs to them?")
            raise Misconfigured("reaping_held", "No key is taken away.", private=reason)

    def _look_at(self, key: KmsKey, owner: str) -> None:
        # The record is read strongly, after the key and after the clock: a worker that was given
        # G to publish the key, by this time, has done it by then, or never does.
        now = self.clock.now()
        keyring = self.keyrings.get(owner)
        found = standing(key, keyring, bounds=self.bounds, now=now)
        if found is Standing.REFERENCED and keyring is not None:
            self._check_usable(key, keyring)
        elif found in {Standing.UNREFERENCED, Standing.REVOKED}:
            if keyring is None and self.connections.get(owner) is not None:
                self._tell_held(
                    owner, "the connection is there, and its keyring is not: restore it"
                )
            else:
                self._take_away(key, owner, now)

    def _take_away(self, key: KmsKey, owner: str, now: int) -> None:
        disabled_at = key.tags.get(DISABLED_AT_TAG, "")
        if key.state == ENABLED or not disabled_at.isdecimal():
            self._disable(key, owner, now)
        elif now - int(disabled_at) >= DISABLED_FOR:
            self._tell(_of_key("KeyDeletionScheduled", key, owner, now))
            self.kms.schedule_deletion(key.key_id)

    def _disable(self, key: KmsKey, owner: str, now: int) -> None:
        """Disable a key, and note on the key itself since when."""
        self._tell(_of_key("KeyDisabled", key, owner, now))
        self.kms.disable_key(key.key_id)
        self.kms.tag_key(key.key_id, {DISABLED_AT_TAG: str(now)})

    def _tell_held(self, owner: str, reason: str) -> None:
        now = self.clock.now()
        self._tell(_event("ReapingHeld", owner, now, outcome="failure", detail={"reason": reason}))

    def _check_usable(self, key: KmsKey, keyring: Keyring) -> None:
        """Tell of a key that is needed and cannot sign; with a removed owner's nothing signs."""
        if key.state == ENABLED or keyring.deleted_at is not None:
            return
        kid = next(found.kid for found in keyring.published() if found.key_id == key.key_id)
        reason = f"a published key is {key.state} in KMS: enable it, or revoke it here"
        self._tell(
            _event(
                "KeyUnusable",
                keyring.owner,
                self.clock.now(),
                kid=kid,
                outcome="failure",
                detail={"key_id": key.key_id, "reason": reason},
            )
        )

    def _tell(self, event: Event) -> None:
        """Record what is about to be done: nothing is taken away that the audit does not show."""
        self.audit.record(event)
        self.announcements.publish(event)


def _of_key(kind: str, key: KmsKey, owner: str, now: int) -> Event:
    return _event(kind, owner, now, detail={"key_id": key.key_id})


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
