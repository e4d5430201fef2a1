"""Count rotations as they happen, and see that whoever signs is published, at any moment."""

from dataclasses import dataclass, field

from signet.broker.keyring import ISSUER, Keyring
from tests.soak.scene import Scene


@dataclass(slots=True)
class Rotations:
    """The changes of each owner's current key; one back to the key before is a roll-back."""

    scene: Scene
    finished: dict[str, int] = field(default_factory=dict)
    rolled_back: int = 0
    _seen: dict[str, Keyring] = field(default_factory=dict)

    def look(self) -> None:
        """Read every keyring."""
        for owner in (*self.scene.connections, ISSUER):
            keyring = self.scene.keyring(owner)
            before = self._seen.get(owner, keyring)
            assert keyring.version >= before.version, (before, keyring)
            revoked = {key.kid for key in keyring.revoked}
            assert not revoked & {key.kid for key in keyring.published()}
            if keyring.current.kid != before.current.kid:
                self._count(owner, keyring)
            self._seen[owner] = keyring

    def of_connections(self) -> int:
        """Return how many there were, the issuer's aside."""
        return sum(count for owner, count in self.finished.items() if owner != ISSUER)

    def fewest(self) -> int:
        """Return how many the connection with the fewest had."""
        return min(self.finished.get(owner, 0) for owner in self.scene.connections)

    def _count(self, owner: str, keyring: Keyring) -> None:
        if keyring.next is not None and keyring.next.rolled_back_at is not None:
            self.rolled_back += 1
        else:
            self.finished[owner] = self.finished.get(owner, 0) + 1
