"""A claim on an Idempotency-Key, and the answer that it came to."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered; `body` never holds a secret, because no resource has one."""

    status: int
    headers: Mapping[str, str]
    body: str
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who runs the request of a key, and its answer once there is one; times are unix seconds."""

    key: str
    fingerprint: str
    holder: str
    claimed_until: int
    expires_at: int
    answer: Answer | None = None
