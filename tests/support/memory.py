"""The broker's ports in memory, for unit tests: each keeps the contract that its port states."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.grant import Grant
from signet.broker.keyring import Keyring
from signet.broker.login_record import LoginRecord, hashed
from signet.errors import Rejected

A = TypeVar("A")
B = TypeVar("B")


class FixedClock:
    """A clock that a test sets."""

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


class CountingEntropy:
    """Values that differ from each other and look like the real ones."""

    def __init__(self) -> None:
        self._count = 0

    def token(self) -> str:
        self._count += 1
        return f"{self._count:043d}"

    def identifier(self) -> str:
        self._count += 1
        return "".join(chr(ord("a") + int(digit)) for digit in f"{self._count:026d}")


def one_after_the_other(first: Callable[[], A], second: Callable[[], B], /) -> tuple[A, B]:
    """`Together` without threads."""
    return first(), second()


class MemoryKeyrings:
    def __init__(self) -> None:
        self.items: dict[str, Keyring] = {}
        self._lock = threading.Lock()

    def get(self, owner: str) -> Keyring | None:
        return self.items.get(owner)

    def add(self, keyring: Keyring) -> bool:
        with self._lock:
            if keyring.owner in self.items:
                return False
            self.items[keyring.owner] = keyring
            return True


class MemoryConnections:
    def __init__(self, keyrings: MemoryKeyrings) -> None:
        self.items: dict[str, Connection] = {}
        self._keyrings = keyrings
        self._lock = threading.Lock()

    def get(self, connection_id: str) -> Connection | None:
        return self.items.get(connection_id)

    def find(self, name: str) -> Connection | None:
        return next((item for item in list(self.items.values()) if item.name == name), None)

    def add(self, connection: Connection, keyring: Keyring) -> None:
        with self._lock:
            taken = self.find(connection.name) is not None or connection.id in self.items
            if taken or not self._keyrings.add(keyring):
                raise Rejected("name_taken", "There is a connection of this name already.")
            self.items[connection.id] = connection


class MemoryClients:
    def __init__(self) -> None:
        self.items: dict[str, Client] = {}
        self._lock = threading.Lock()

    def get(self, client_id: str) -> Client | None:
        return self.items.get(client_id)

    def add(self, client: Client) -> None:
        with self._lock:
            if client.client_id in self.items:
                raise Rejected("client_id_taken", "There is a client of this id already.")
            self.items[client.client_id] = client

    def put(self, client: Client) -> None:
        self.items[client.client_id] = client


class MemoryLogins:
    def __init__(self) -> None:
        self.items: dict[str, LoginRecord] = {}

    def add(self, record: LoginRecord) -> None:
        self.items[record.state_hash] = record

    def take(self, state: str) -> LoginRecord | None:
        return self.items.pop(hashed(state), None)


class MemoryGrants:
    def __init__(self) -> None:
        self.items: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def add(self, grant: Grant) -> None:
        self.items[grant.id] = grant

    def get(self, grant_id: str) -> Grant | None:
        return self.items.get(grant_id)

    def redeem(self, grant_id: str, *, redemption: str, now: int, keep_until: int) -> bool:
        with self._lock:
            grant = self.items.get(grant_id)
            if grant is None or grant.revoked or now >= grant.code_expires_at:
                return False
            if grant.redeemed_by not in {None, redemption}:
                return False
            self.items[grant_id] = replace(grant, redeemed_by=redemption)
            return True

    def release(self, grant_id: str, *, redemption: str) -> None:
        with self._lock:
            grant = self.items.get(grant_id)
            if grant is not None and grant.redeemed_by == redemption:
                self.items[grant_id] = replace(grant, redeemed_by=None)

    def revoke(self, grant_id: str) -> None:
        with self._lock:
            grant = self.items.get(grant_id)
            if grant is not None:
                self.items[grant_id] = replace(grant, revoked=True)


class MemoryReplay:
    def __init__(self) -> None:
        self.used: dict[str, int] = {}
        self._lock = threading.Lock()

    def use(self, key: str, *, expires_at: int) -> bool:
        with self._lock:
            if key in self.used:
                return False
            self.used[key] = expires_at
            return True
