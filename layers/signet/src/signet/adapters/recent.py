"""Keep what was read lately, for a time that is stated in the contract (SIGNER_CACHE_SECONDS).

Only what was found is kept, its age is told by the wall clock, and the newest read wins: so a
disabled connection or client, and a rotated key, take effect within that time everywhere.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.keyring import Keyring
from signet.broker.ports import Clients, Clock, Connections, Keyrings

T = TypeVar("T")
_MAX_ENTRIES = 2_000


class Recent(Generic[T]):
    """A bounded map whose entries live for `seconds`; safe for threads."""

    def __init__(self, *, seconds: int, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._entries: OrderedDict[str, tuple[int, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, load: Callable[[str], T | None]) -> T | None:
        """Return what was loaded lately, or load it now; nothing that is absent is kept."""
        now = self._clock.now()
        entry = self._entries.get(key)
        # A clock that jumped back makes an entry look newer than now: load it again.
        if entry is not None and 0 <= now - entry[0] < self._seconds:
            return entry[1]
        return self._load(key, load, now)

    def get_again(self, key: str, load: Callable[[str], T | None]) -> T | None:
        """Load it now, whatever is remembered, and remember that instead."""
        return self._load(key, load, self._clock.now())

    def _load(self, key: str, load: Callable[[str], T | None], now: int) -> T | None:
        loaded = load(key)
        with self._lock:
            self._entries.pop(key, None)
            if loaded is not None:
                self._entries[key] = (now, loaded)
            while len(self._entries) > _MAX_ENTRIES:
                self._entries.popitem(last=False)
        return loaded


class RecentConnections:
    """`Connections` through a short memory, by id, by name and by domain."""

    def __init__(self, inner: Connections, *, seconds: int, clock: Clock) -> None:
        self._inner = inner
        self._by_id: Recent[Connection] = Recent(seconds=seconds, clock=clock)
        self._by_name: Recent[Connection] = Recent(seconds=seconds, clock=clock)
        self._by_domain: Recent[Connection] = Recent(seconds=seconds, clock=clock)

    def get(self, connection_id: str) -> Connection | None:
        """Return the connection of that id."""
        return self._by_id.get(connection_id, self._inner.get)

    def find(self, name: str) -> Connection | None:
        """Return the connection of that name."""
        return self._by_name.get(name, self._inner.find)

    def find_by_domain(self, domain: str) -> Connection | None:
        """Return the connection that has that email domain."""
        return self._by_domain.get(domain, self._inner.find_by_domain)


class RecentClients:
    """`Clients` through a short memory."""

    def __init__(self, inner: Clients, *, seconds: int, clock: Clock) -> None:
        self._inner = inner
        self._by_id: Recent[Client] = Recent(seconds=seconds, clock=clock)

    def get(self, client_id: str) -> Client | None:
        """Return the client of that id."""
        return self._by_id.get(client_id, self._inner.get)


class RecentKeyrings:
    """`Keyrings` through a short memory: S of the rotation protocol's bounds."""

    def __init__(self, inner: Keyrings, *, seconds: int, clock: Clock) -> None:
        self._inner = inner
        self._by_owner: Recent[Keyring] = Recent(seconds=seconds, clock=clock)

    def get(self, owner: str) -> Keyring | None:
        """Return the keyring of that owner."""
        return self._by_owner.get(owner, self._inner.get)

    def get_again(self, owner: str) -> Keyring | None:
        """Return the keyring as it is stored now, and remember that one."""
        return self._by_owner.get_again(owner, self._inner.get)
