"""Read the audit: newest first, by what an auditor asks for, in bounded work a part."""

from collections.abc import Iterator
from dataclasses import dataclass

from signet.broker.audit_chain import Link
from signet.broker.page import Page
from signet.broker.ports import AuditChain
from signet.broker.sealing import Sealer
from signet.errors import Misconfigured

WALK = 1_000
"""So many events are looked at for one part, however few of them were asked for."""
_STEP = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are asked for; times as they are shown, `since` included, `until` not."""

    type: str | None = None
    connection: str | None = None
    since: str | None = None
    until: str | None = None

    def takes(self, link: Link) -> bool:
        """Tell whether an event was asked for."""
        event, time = link.event, str(link.event.get("time", ""))
        return (
            (self.type is None or self.type == event.get("type"))
            and (self.connection is None or self.connection == event.get("connection"))
            and (self.since is None or time >= self.since)
            and (self.until is None or time < self.until)
        )

    def ends_before(self, link: Link) -> bool:
        """Tell whether neither this event nor any before it can have been asked for."""
        return self.since is not None and link.latest < self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """The use case behind `GET /events`."""

    sealer: Sealer
    chain: AuditChain

    def page(self, wanted: EventFilter, *, position: str | None, limit: int) -> Page[Link]:
        """Return a part of the events, newest first; it may be short or empty and not the last.

        What waits for its place gets it first, so that whoever did something sees it.

        Raises:
            Unavailable: the store is.
        """
        seal(self.sealer)
        newest = int(position) if position is not None else self.chain.head().seq
        found: list[Link] = []
        looked_at = newest + 1
        for link in self._backwards(newest):
            if wanted.ends_before(link):
                return Page(items=tuple(found), position=None)
            looked_at = link.seq
            if wanted.takes(link):
                found.append(link)
            if len(found) == limit:
                break
        else:
            looked_at = max(newest - WALK, 0) + 1
        following = str(looked_at - 1) if looked_at > 1 else None
        return Page(items=tuple(found), position=following)

    def _backwards(self, newest: int) -> Iterator[Link]:
        """Walk back in steps: most parts are full after the first one."""
        oldest = max(newest - WALK, 0) + 1
        for last in range(newest, oldest - 1, -_STEP):
            yield from reversed(self.chain.links(max(last - _STEP + 1, oldest), last))


def seal(sealer: Sealer) -> None:
    """Seal before a read; where that cannot go on, what there is can be read and verified."""
    try:
        sealer.seal()
    except Misconfigured:
        return
