"""Documents of others (provider metadata, JWK Sets), kept in memory and aged by the wall clock.

A monotonic clock may stop in a frozen sandbox, and then a removed key would live on. Good content
is never replaced by an error, an empty set or something unreadable; it is used on until a hard
limit while its origin fails. Nothing is ever fetched while a module loads.

How often an origin is asked does not depend on how often we are: whoever sends us tokens with key
ids of their own invention could otherwise have us call it at will (OP-031).
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, TypeVar

from signet.broker.ports import Clock, Fetcher
from signet.errors import SignetError, Unavailable
from signet.oauth.http_message import HttpAnswer, HttpRequest

T = TypeVar("T")
_Key = tuple[str, str]

FRESH_SECONDS = 300
STALE_LIMIT_SECONDS = 86_400
REFETCH_SECONDS = 30
RETRY_SECONDS = 5
"""Between attempts while there is nothing to go on with."""
MAX_DOCUMENTS = 1_000
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry(Generic[T]):
    """What is known of one document; `content` is None until an attempt succeeds."""

    content: T | None = None
    fetched_at: int = 0
    attempted_at: int
    attempt_after: int = 0

    def age(self, now: int) -> int | None:
        """Return the content's age; None when it cannot be told, or there is no content."""
        age = now - self.fetched_at
        return age if self.content is not None and age >= 0 else None

    def is_fresh(self, now: int) -> bool:
        age = self.age(now)
        return age is not None and age < FRESH_SECONDS

    def is_usable(self, now: int) -> bool:
        age = self.age(now)
        return age is not None and age < STALE_LIMIT_SECONDS

    def may_attempt(self, now: int) -> bool:
        # A clock that was set back must not put the next attempt far away.
        return now >= self.attempt_after or now < self.attempted_at

    def attempt(self, now: int) -> "_Entry[T]":
        """Note an attempt: the next is a pause away, and never do three fall into two pauses.

        So the first refetch is free, as a provider may rotate right after our first look, and
        then it is at most two a minute for an origin whose document we have.
        """
        pause = REFETCH_SECONDS if self.is_usable(now) else RETRY_SECONDS
        after = max(now + pause, min(self.attempted_at, now) + 2 * pause)
        return replace(self, attempted_at=now, attempt_after=after)


class RemoteDocuments(Generic[T]):
    """A bounded cache of one kind of document; safe for threads.

    It is kept by bulkhead and address, so that one connection's failures and refetches are not
    another's, also where both name one provider.
    """

    def __init__(
        self, *, fetcher: Fetcher, clock: Clock, read: Callable[[HttpAnswer, str], T]
    ) -> None:
        """Take `read(answer, address)`, which makes content of an answer or raises our errors."""
        self._fetcher = fetcher
        self._clock = clock
        self._read = read
        self._entries: OrderedDict[_Key, _Entry[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str, *, bulkhead: str, headers: Mapping[str, str] = NO_HEADERS) -> T:
        """Return a document that is fresh, or stale within the limit while its origin fails.

        `headers` go with the request, where there is one.

        Raises:
            SignetError: there is nothing usable and the origin gave nothing usable.
        """
        key, now = (bulkhead, url), self._clock.now()
        entry = self._known(key)
        if entry is not None and entry.content is not None and entry.is_fresh(now):
            return entry.content
        try:
            return self._fetch(key, now, headers)
        except SignetError:
            if entry is not None and entry.content is not None and entry.is_usable(now):
                return entry.content
            raise

    def refetch(
        self, url: str, *, bulkhead: str, headers: Mapping[str, str] = NO_HEADERS
    ) -> T | None:
        """Fetch a document again because a key was not in it, at most every 30 s.

        Returns None when it was refetched too recently, or cannot be had: the old one stays.
        """
        try:
            return self._fetch((bulkhead, url), self._clock.now(), headers)
        except SignetError:
            return None

    def _fetch(self, key: _Key, now: int, headers: Mapping[str, str]) -> T:
        """Make one attempt, if it is time for one."""
        self._claim(key, now)
        bulkhead, url = key
        try:
            content = self._ask(url, bulkhead, headers)
        except SignetError:
            self._note_failure(key, now)
            raise
        self._keep(key, content, now)
        return content

    def _ask(self, url: str, bulkhead: str, headers: Mapping[str, str]) -> T:
        request = HttpRequest(method="GET", url=url, headers=headers)
        answer = self._fetcher.fetch(request, bulkhead=bulkhead)
        if answer.status != _OK:
            raise _unavailable(f"a document's origin answered {answer.status}")
        return self._read(answer, url)

    def _known(self, key: _Key) -> _Entry[T] | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def _claim(self, key: _Key, now: int) -> None:
        """Take the next attempt for this caller alone, and note it before it is made."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return
            if not entry.may_attempt(now):
                raise _unavailable("a document's origin was asked a moment ago")
            self._entries[key] = entry.attempt(now)

    def _keep(self, key: _Key, content: T, now: int) -> None:
        with self._lock:
            entry = self._entries.get(key) or _Entry(attempted_at=now)
            self._put(key, replace(entry, content=content, fetched_at=now))

    def _note_failure(self, key: _Key, now: int) -> None:
        """Remember a first attempt that failed; what is there stays as it is."""
        with self._lock:
            if key not in self._entries:
                self._put(key, _Entry(attempted_at=now))

    def _put(self, key: _Key, entry: _Entry[T]) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_DOCUMENTS:
            self._entries.popitem(last=False)


def _unavailable(private: str) -> Unavailable:
    return Unavailable(
        "destination_unavailable", "The identity provider is not available now.", private=private
    )
