"""Where the next part of a list begins, as a token that only Signet can have made.

Signet has no secret to sign a cursor with, so a cursor is random, and its position is stored under
its hash, bound to the client and the list that it was given for.
"""

import re
from dataclasses import dataclass

from signet.broker.ports import Clock, Entropy, Positions
from signet.broker.record_key import record_key
from signet.errors import Rejected

LIFETIME_SECONDS = 3_600
_CURSOR = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursors:
    """Gives cursors out and takes them back; one may be used again within its hour."""

    positions: Positions
    clock: Clock
    entropy: Entropy

    def issue(self, position: str | None, *, listing: str, client_id: str) -> str | None:
        """Return a cursor for a position, and none for the end of the list."""
        if position is None:
            return None
        cursor = self.entropy.token()
        key = record_key("CURSOR", listing, client_id, cursor)
        self.positions.keep(key, position, expires_at=self.clock.now() + LIFETIME_SECONDS)
        return cursor

    def position(self, cursor: str | None, *, listing: str, client_id: str) -> str | None:
        """Return what a cursor stands for; without one, a list begins at its beginning.

        Raises:
            Rejected: `invalid_cursor`: expired, of another client or list, or made up.
        """
        if cursor is None:
            return None
        if not _CURSOR.fullmatch(cursor):
            raise _invalid()
        kept = self.positions.find(record_key("CURSOR", listing, client_id, cursor))
        if kept is None or self.clock.now() >= kept.expires_at:
            raise _invalid()
        return kept.position


def _invalid() -> Rejected:
    return Rejected("invalid_cursor", "This cursor is not valid, or not any more. Begin again.")
