"""Count the keys that carry our tag by what they are to the records.

Nothing is left over: every key is referenced, on its way out, or too young to tell.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from signet.broker.key_standing import ENABLED, Standing, owner_of, standing
from signet.broker.keyring import Keyring
from signet.broker.ports import Clock, KeyringRegistry, Kms
from signet.broker.rotation import Bounds

MOST_SECONDS = 15
"""How long a census may take: what is left is said to be left, and nothing is guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Keys by their standing, as of `taken_at`.

    `tagged` are all of ours: `referenced` by a record, `revoked`, `within_grace` (too young to
    tell), `leaving` (disabled by the reaper), `pending_deletion` in KMS, and `orphans`, which the
    reaper has not met yet. `unusable` are those of `referenced` that KMS does not sign with.
    """

    taken_at: int
    complete: bool
    tagged: int
    referenced: int
    unusable: int
    revoked: int
    within_grace: int
    leaving: int
    pending_deletion: int
    orphans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Counts by KMS's own list, and each owner's record as it is now."""

    stack: str
    bounds: Bounds
    keyrings: KeyringRegistry
    kms: Kms
    clock: Clock

    def __call__(self) -> Count:
        """Count, for as long as somebody may wait.

        Raises:
            Unavailable: KMS or a table is.
        """
        began = self.clock.now()
        counts: Counter[str] = Counter()
        keyrings: dict[str, Keyring | None] = {}
        in_time = True
        for key_id in self._key_ids():
            in_time = self.clock.now() - began <= MOST_SECONDS
            if not in_time:
                break
            counts.update(self._look_at(key_id, keyrings))
        return Count(
            taken_at=began,
            complete=in_time,
            tagged=counts["tagged"],
            referenced=counts[Standing.REFERENCED],
            unusable=counts["unusable"],
            revoked=counts[Standing.REVOKED],
            within_grace=counts[Standing.WITHIN_GRACE],
            leaving=counts["leaving"],
            pending_deletion=counts[Standing.PENDING_DELETION],
            orphans=counts["orphans"],
        )

    def _key_ids(self) -> Iterator[str]:
        position: str | None = None
        while True:
            page = self.kms.list_keys(position=position)
            yield from page.items
            position = page.position
            if position is None:
                return

    def _look_at(self, key_id: str, keyrings: dict[str, Keyring | None]) -> tuple[str, ...]:
        key = self.kms.describe(key_id)
        owner = owner_of(key, stack=self.stack) if key is not None else None
        if key is None or owner is None:
            return ()
        if owner not in keyrings:
            keyrings[owner] = self.keyrings.get(owner)
        found = standing(key, keyrings[owner], bounds=self.bounds, now=self.clock.now())
        if found is Standing.UNREFERENCED:
            return ("tagged", "orphans" if key.state == ENABLED else "leaving")
        if found is Standing.REFERENCED and key.state != ENABLED:
            return ("tagged", found, "unusable")
        return ("tagged", found)
