"""Give recorded events their places in the audit's chain: one after the other, each once.

Recording takes no place, so that no login waits for another's. Any number of sealers may run: the
chain takes a batch only after the head that the sealer read, so one wins, and the others read
again. A batch is appended whole, and its events stop waiting, in the same write.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from signet.broker.audit_chain import Head, Link, Pending, extend
from signet.broker.checkpoint import Anchor
from signet.broker.ports import AuditChain, Clock
from signet.errors import Misconfigured, Unavailable

BATCH = 49
"""Two items an event and the head's: 99 of the 100 that DynamoDB takes in one transaction."""
_READ = 10 * BATCH
_MOST = 1_000 * BATCH
SECONDS = 20
"""For so long one call goes on sealing; what is left then waits for the next one."""
READS_MOST = 10 * BATCH
"""What a read seals at most: somebody waits for it, and the next tick seals the rest."""
_LOST_IN_A_ROW = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Seals what is pending; with an `anchor` it has the head signed too.

    A call ends after `most` events, and with a `clock` after `seconds`.
    """

    chain: AuditChain
    anchor: Anchor | None = None
    clock: Clock | None = None
    seconds: int = SECONDS
    most: int = _MOST

    def seal(self) -> int:
        """Seal what is pending, and return how many events found their place.

        It ends early where others seal all the time: then they do the work.

        Raises:
            Misconfigured: `audit_chain_broken`: the head is not the chain's end, so that nothing
                can be sealed; what was recorded waits.
            Unavailable: the store is, or KMS.
        """
        sealed, lost, began = 0, 0, self._now()
        while sealed < self.most and lost < _LOST_IN_A_ROW and self._now() < began + self.seconds:
            waiting = self.chain.pending(limit=min(_READ, self.most - sealed))
            if not waiting:
                break
            moved = self._move(waiting)
            sealed += moved
            lost = 0 if moved else lost + 1
        if lost:
            self._check_end()
        if self.anchor is not None:
            self.anchor()
        return sealed

    def _now(self) -> int:
        return self.clock.now() if self.clock is not None else 0

    def _move(self, waiting: Sequence[Pending]) -> int:
        """Append batch after batch, until one is refused because somebody else was faster."""
        head, moved = self.chain.head(), 0
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            links = extend(head, batch)
            if not self._append(head, batch, links):
                break
            head, moved = links[-1].head, moved + len(links)
        return moved

    def _append(self, head: Head, batch: Sequence[Pending], links: Sequence[Link]) -> bool:
        try:
            return self.chain.append(links, batch, after=head)
        except Unavailable:
            # The answer may be lost and the batch in its place: its hash tells it from any other.
            last = links[-1]
            if tuple(self.chain.links(last.seq, last.seq)) != (last,):
                raise
            return True

    def _check_end(self) -> None:
        """Tell a chain whose head was tampered with from one that others are sealing."""
        head = self.chain.head()
        beyond = self.chain.links(head.seq + 1, head.seq + 1)
        if beyond and self.chain.head() == head:
            raise Misconfigured(
                "audit_chain_broken",
                "The audit cannot be continued.",
                private=f"there is an event after the head of the chain, {head.seq}",
            )
