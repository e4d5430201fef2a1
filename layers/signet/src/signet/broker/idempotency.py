"""A request that is repeated with its Idempotency-Key is run once, and answered the same.

A key belongs to the client that sent it. Whoever claims it first runs; everybody else is told to
wait, or gets the stored answer for a day. A claim whose holder died ends after a minute: the run
after it has to find what the first one left, so whatever is made has an id that derives from the
key.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from signet.broker.claim import Answer, Claim
from signet.broker.ports import Claims, Clock, Entropy
from signet.broker.record_key import record_key
from signet.errors import Rejected, SignetError, Unavailable

CLAIM_SECONDS = 60
"""Longer than a function may run."""
KEEP_SECONDS = 86_400
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """Runs a request at most once for each client and key."""

    claims: Claims
    clock: Clock
    entropy: Entropy

    def __call__(
        self, *, client_id: str, key: str, fingerprint: str, run: Callable[[], Answer]
    ) -> Answer:
        """Run, or answer what was answered.

        A refused run leaves nothing behind: the corrected request may use the key again.

        Raises:
            Rejected: `idempotency_key_reused`, `idempotency_in_progress`, or the run's own.
        """
        now = self.clock.now()
        mine = Claim(
            key=record_key("IDEMPOTENCY", client_id, key),
            fingerprint=fingerprint,
            holder=self.entropy.token(),
            claimed_until=now + CLAIM_SECONDS,
            expires_at=now + KEEP_SECONDS,
        )
        standing = self.claims.claim(mine, now=now)
        if standing is not None:
            return _answer_of(standing, fingerprint)
        try:
            answer = run()
        except SignetError:
            with suppress(Unavailable):
                self.claims.release(mine)
            raise
        self.claims.complete(mine, answer)
        return answer


def check_key(key: str) -> str:
    """Return an Idempotency-Key that can be one.

    Raises:
        Rejected: `invalid_idempotency_key`.
    """
    if not _KEY.fullmatch(key):
        raise Rejected(
            "invalid_idempotency_key",
            "Idempotency-Key has to be 1 to 255 printable characters without spaces.",
        )
    return key


def fingerprint_of(method: str, path: str, document: Mapping[str, object]) -> str:
    """Return a hash of what a request asks for; the order of its members does not count."""
    asked = json.dumps([method, path, document], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(asked.encode("ascii")).hexdigest()


def derived_identifier(client_id: str, key: str, fingerprint: str) -> str:
    """Return the identifier that a request under a key makes: 128 bits in lower-case base32.

    With the request in it, a key that is used again after its day makes something new.
    """
    made_from = record_key("ID", client_id, key, fingerprint)
    derived = hashlib.sha256(made_from.encode("ascii")).digest()[:16]
    return base64.b32encode(derived).decode("ascii").rstrip("=").lower()


def _answer_of(standing: Claim, fingerprint: str) -> Answer:
    if standing.fingerprint != fingerprint:
        raise Rejected(
            "idempotency_key_reused", "This Idempotency-Key was sent with another request."
        )
    if standing.answer is None:
        raise Rejected(
            "idempotency_in_progress", "The first request of this Idempotency-Key still runs."
        )
    answer = standing.answer
    return Answer(status=answer.status, headers=answer.headers, body=answer.body, replayed=True)
