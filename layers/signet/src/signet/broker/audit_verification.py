"""Say whether the audit's chain holds, from its events to its head and to what was signed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from signet.broker.audit_chain import START, Break, Head, Link, find_break
from signet.broker.audit_log import seal
from signet.broker.checkpoint import AuditKey, Checkpoint, read_checkpoint
from signet.broker.ports import AuditChain
from signet.broker.resource_version import rfc3339
from signet.broker.sealing import Sealer
from signet.errors import Denied

MOST = 10_000
"""So many events are verified in one call; `next_seq` says where the next one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Anchored:
    """The last checkpoint: what it says, if its signature is the audit key's."""

    jws: str
    says: Checkpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerification:
    """The use case behind `GET /events/verify`; `most` events a call."""

    sealer: Sealer
    chain: AuditChain
    key: AuditKey
    most: int = MOST

    def __call__(self, *, from_seq: int) -> dict[str, object]:
        """Verify events from a place on, the head, and the last checkpoint.

        A call that begins later takes the event before its first one as it stands: whoever goes on
        where the call before ended has verified it.

        Raises:
            Unavailable, Misconfigured: the store is, or KMS, which has the audit's public key.
        """
        seal(self.sealer)
        head, anchored = self.chain.head(), self._anchored()
        last = min(head.seq, from_seq + self.most - 1)
        links = self.chain.links(max(from_seq - 1, 1), last)
        breaks = [
            *self._of_links(links, from_seq=from_seq, last=last),
            *self._of_head(head),
            *self._of_checkpoint(anchored, head),
        ]
        first = min(breaks, key=lambda found: found.seq, default=None)
        return {
            "holds": first is None,
            "events": max(last - from_seq + 1, 0),
            "from_seq": from_seq,
            "next_seq": last + 1 if last < head.seq else None,
            "head": {"seq": head.seq, "hash": head.hash},
            "checkpoint": _shown(anchored, self.key.jwk) if anchored is not None else None,
            "broken_at": first.seq if first is not None else None,
            "reason": first.reason if first is not None else None,
        }

    def _of_links(self, links: tuple[Link, ...], *, from_seq: int, last: int) -> Iterator[Break]:
        after, following = START, links
        if from_seq > 1:
            if not links or links[0].seq != from_seq - 1:
                if last >= from_seq:
                    yield Break(seq=from_seq - 1, reason="the event is missing")
                return
            after, following = links[0].head, links[1:]
        found = find_break(following, after=after, last=last)
        if found is not None:
            yield found

    def _of_head(self, head: Head) -> Iterator[Break]:
        """The head is the last event's; behind it is nothing, unless it moved meanwhile."""
        around = {link.seq: link for link in self.chain.links(max(head.seq, 1), head.seq + 1)}
        last = around.get(head.seq)
        if head.seq > 0 and (last is None or last.hash != head.hash):
            yield Break(seq=head.seq, reason="the head of the chain is not its last event")
        if head.seq + 1 in around and self.chain.head() == head:
            yield Break(seq=head.seq + 1, reason="the event is after the head of the chain")

    def _anchored(self) -> _Anchored | None:
        jws = self.chain.checkpoint()
        if jws is None:
            return None
        try:
            says = read_checkpoint(jws, jwk=self.key.jwk, issuer=self.key.issuer)
        except Denied:
            says = None
        return _Anchored(jws=jws, says=says)

    def _of_checkpoint(self, anchored: _Anchored | None, head: Head) -> Iterator[Break]:
        """What was signed is still there: neither changed nor cut off."""
        if anchored is None:
            return
        says = anchored.says
        if says is None:
            yield Break(seq=head.seq, reason="the last checkpoint is not signed by the audit's key")
        elif says.seq > head.seq:
            yield Break(seq=head.seq + 1, reason="events that a checkpoint signed are missing")
        elif [link.hash for link in self.chain.links(says.seq, says.seq)] != [says.hash]:
            yield Break(seq=says.seq, reason="the event is not what a checkpoint signed")


def _shown(anchored: _Anchored, jwk: Mapping[str, str]) -> dict[str, object]:
    says = anchored.says
    return {
        "jws": anchored.jws,
        "seq": says.seq if says is not None else None,
        "hash": says.hash if says is not None else None,
        "time": rfc3339(says.iat) if says is not None else None,
        "jwk": dict(jwk),
    }
