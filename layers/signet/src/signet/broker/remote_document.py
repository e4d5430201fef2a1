"""Documents of others (provider metadata, JWK Sets), kept in memory and aged by the wall clock.

A monotonic clock may stop in a frozen sandbox, and then a removed key would live on. Good content
is never replaced by an error, an empty set or something unreadable; it is used on until a hard
limit while its origin fails. Nothing is ever fetched while a module loads.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from signet.broker.ports import Clock, Fetcher
from signet.errors import SignetError, Unavailable
from signet.oauth.http_message import HttpAnswer, HttpRequest

T = TypeVar("T")

FRESH_SECONDS = 300
STALE_LIMIT_SECONDS = 86_400
REFETCH_SECONDS = 30
MAX_DOCUMENTS = 1_000
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry(Generic[T]):
    content: T
    fetched_at: int
    refetch_after: int


class RemoteDocuments(Generic[T]):
    """A bounded cache of one kind of document, by address; safe for threads."""

    def __init__(
        self, *, fetcher: Fetcher, clock: Clock, read: Callable[[HttpAnswer, str], T]
    ) -> None:
        """Take `read(answer, address)`, which makes content of an answer or raises our errors."""
        self._fetcher = fetcher
        self._clock = clock
        self._read = read
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str, *, bulkhead: str) -> T:
        """Return a document that is fresh, or stale within the limit while its origin fails.

        Raises:
            SignetError: there is nothing usable and the origin gave nothing usable.
        """
        entry, now = self._entries.get(url), self._clock.now()
        if entry is None:
            return self._fetch(url, bulkhead=bulkhead, now=now, previous=None).content
        age = now - entry.fetched_at
        if 0 <= age < FRESH_SECONDS:
            return entry.content
        usable = 0 <= age < STALE_LIMIT_SECONDS
        if usable and now < entry.refetch_after:
            return entry.content
        try:
            return self._fetch(url, bulkhead=bulkhead, now=now, previous=entry).content
        except SignetError:
            if usable:
                return entry.content
            raise

    def refetch(self, url: str, *, bulkhead: str) -> T | None:
        """Fetch a document again because a key was not in it, at most every 30 s.

        Returns None when it was refetched too recently, or cannot be had: the old one stays.
        """
        entry, now = self._entries.get(url), self._clock.now()
        if entry is not None and now < entry.refetch_after:
            return None
        try:
            return self._fetch(url, bulkhead=bulkhead, now=now, previous=entry).content
        except SignetError:
            return None

    def _fetch(self, url: str, *, bulkhead: str, now: int, previous: _Entry[T] | None) -> _Entry[T]:
        if previous is not None:
            # Noted before the attempt, so that a failing origin is not asked at every login.
            self._keep(
                url,
                _Entry(
                    content=previous.content,
                    fetched_at=previous.fetched_at,
                    refetch_after=now + REFETCH_SECONDS,
                ),
            )
        answer = self._fetcher.fetch(HttpRequest(method="GET", url=url), bulkhead=bulkhead)
        if answer.status != _OK:
            raise Unavailable(
                "destination_unavailable",
                "The identity provider is not available now.",
                private=f"a document's origin answered {answer.status}",
            )
        entry = _Entry(
            content=self._read(answer, url),
            fetched_at=now,
            # The very first refetch is free: a provider may rotate right after our first look.
            refetch_after=now + REFETCH_SECONDS if previous is not None else 0,
        )
        self._keep(url, entry)
        return entry

    def _keep(self, url: str, entry: _Entry[T]) -> None:
        with self._lock:
            self._entries[url] = entry
            self._entries.move_to_end(url)
            while len(self._entries) > MAX_DOCUMENTS:
                self._entries.popitem(last=False)
