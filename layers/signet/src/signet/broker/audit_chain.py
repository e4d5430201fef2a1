"""The audit's chain: each link's hash covers the one before, so that none can be changed alone.

hash = SHA-256(hash before || JSON of {seq, id, event}), the first one after 32 zero bytes. The JSON
is canonical [RFC 8785], as far as events need it: texts, whole numbers and ASCII names. Nothing
here waits for anything; whoever has an export can hold it against the same functions.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

GENESIS = bytes(32).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a chain; `latest` is the latest time of any event up to here."""

    seq: int
    hash: str
    latest: str


START = Head(seq=0, hash=GENESIS, latest="")
"""The head of a chain without a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An event that is stored and has no place yet; `key` is the store's own."""

    key: str
    id: str
    event: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An event in its place; the hashes are SHA-256 in lower-case hexadecimal.

    `latest` finds the end of a search by time; it follows from the events, and is no part of them.
    """

    seq: int
    id: str
    event: Mapping[str, object]
    prev_hash: str
    hash: str
    latest: str

    @property
    def head(self) -> Head:
        """Return the head of the chain that ends with this link."""
        return Head(seq=self.seq, hash=self.hash, latest=self.latest)

    def document(self) -> dict[str, object]:
        """Write the link as it is shown and exported: the hash can be made again of it."""
        place = {"prev_hash": self.prev_hash, "hash": self.hash}
        return {"id": self.id, "seq": self.seq, **self.event, **place}


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where a chain does not hold first, and why."""

    seq: int
    reason: str


def canonical(value: object) -> bytes:
    """Write canonical JSON: names in order, no spaces, UTF-8."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def hash_of(*, seq: int, id: str, event: Mapping[str, object], prev_hash: str) -> str:  # noqa: A002
    """Return the hash of a link."""
    content = canonical({"seq": seq, "id": id, "event": dict(event)})
    return hashlib.sha256(bytes.fromhex(prev_hash) + content).hexdigest()


def extend(head: Head, batch: Iterable[Pending]) -> tuple[Link, ...]:
    """Give events their places after a head, in their order."""
    links: list[Link] = []
    for pending in batch:
        links.append(_link(links[-1].head if links else head, pending))
    return tuple(links)


def _link(head: Head, pending: Pending) -> Link:
    seq = head.seq + 1
    return Link(
        seq=seq,
        id=pending.id,
        event=pending.event,
        prev_hash=head.hash,
        hash=hash_of(seq=seq, id=pending.id, event=pending.event, prev_hash=head.hash),
        latest=_latest(head, pending.event),
    )


def _latest(head: Head, event: Mapping[str, object]) -> str:
    """Texts of one form are in the order of their times."""
    return max(head.latest, str(event.get("time", "")))


def find_break(links: Sequence[Link], *, after: Head, last: int) -> Break | None:
    """Return where links do not continue a head up to `last`, or None if they all do."""
    previous = after
    for link in links:
        for reason, holds in _RULES:
            if not holds(link, previous):
                return Break(seq=previous.seq + 1, reason=reason)
        previous = link.head
    if previous.seq < last:
        return Break(seq=previous.seq + 1, reason="the event is missing")
    return None


def _follows(link: Link, previous: Head) -> bool:
    return link.seq == previous.seq + 1


def _continues(link: Link, previous: Head) -> bool:
    return link.prev_hash == previous.hash


def _is_what_was_hashed(link: Link, previous: Head) -> bool:
    made = hash_of(seq=link.seq, id=link.id, event=link.event, prev_hash=previous.hash)
    return link.hash == made


def _can_be_found_by_time(link: Link, previous: Head) -> bool:
    return link.latest == _latest(previous, link.event)


_RULES: tuple[tuple[str, Callable[[Link, Head], bool]], ...] = (
    ("the event is missing", _follows),
    ("the event does not continue the one before", _continues),
    ("the event is not what was recorded", _is_what_was_hashed),
    ("the event's index by time is not right", _can_be_found_by_time),
)
