"""The broker's ports in memory, for unit tests: each keeps the contract that its port states."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TypeVar

from signet.broker.audit_chain import START, Head, Link, Pending
from signet.broker.claim import Answer, Claim
from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.event import Event, event_document
from signet.broker.grant import Grant, RefreshFamily
from signet.broker.keyring import Keyring
from signet.broker.login_record import LoginRecord, hashed
from signet.broker.ports import KeptPosition, LogoutNotice, Page
from signet.broker.pushed_request import PushedRequest
from signet.broker.session import Session, SessionGrant
from signet.errors import Rejected, Unavailable

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


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
        self.events: list[Event] = []
        self._lock = threading.Lock()

    def get(self, owner: str) -> Keyring | None:
        return self.items.get(owner)

    def add(self, keyring: Keyring) -> bool:
        with self._lock:
            if keyring.owner in self.items:
                return False
            self.items[keyring.owner] = keyring
            return True

    def replace(self, keyring: Keyring, *events: Event) -> bool:
        with self._lock:
            stored = self.items.get(keyring.owner)
            if stored is None or stored.version != keyring.version - 1 or stored.deleted_at:
                return False
            self.items[keyring.owner] = keyring
            self.events.extend(events)
            return True

    def since(self, phase: str, *, until: int, position: str | None, limit: int) -> Page[str]:
        keyed = [
            (f"{since:012d}#{owner}", owner)
            for owner, keyring in self.items.items()
            for found, since in [keyring.phase()]
            if keyring.deleted_at is None and found == phase and since <= until
        ]
        return page_of(keyed, position=position, limit=limit)


class MemoryConnections:
    def __init__(self, keyrings: MemoryKeyrings) -> None:
        self.items: dict[str, Connection] = {}
        self._keyrings = keyrings
        self._lock = threading.Lock()

    def get(self, connection_id: str) -> Connection | None:
        return self.items.get(connection_id)

    def find(self, name: str) -> Connection | None:
        return next((item for item in list(self.items.values()) if item.name == name), None)

    def find_by_domain(self, domain: str) -> Connection | None:
        return next((item for item in self.items.values() if domain in item.domains), None)

    def page(self, *, position: str | None, limit: int) -> Page[Connection]:
        keyed = [(f"{item.created_at:012d}#{item.id}", item) for item in self.items.values()]
        return page_of(keyed, position=position, limit=limit)

    def add(self, connection: Connection, keyring: Keyring) -> None:
        with self._lock:
            self._check_unique(connection)
            if connection.id in self.items or not self._keyrings.add(keyring):
                raise Rejected("version_mismatch", "It was changed by somebody else meanwhile.")
            self.items[connection.id] = connection

    def replace(self, connection: Connection, *, previous: Connection) -> None:
        with self._lock:
            check_version(self.items.get(connection.id), previous.version)
            self._check_unique(connection)
            self.items[connection.id] = connection

    def remove(self, connection: Connection, *, now: int) -> None:
        with self._lock:
            check_version(self.items.get(connection.id), connection.version)
            del self.items[connection.id]
            keyring = self._keyrings.items[connection.id]
            self._keyrings.items[connection.id] = replace(keyring, deleted_at=now)

    def _check_unique(self, connection: Connection) -> None:
        for other in self.items.values():
            if other.id != connection.id and other.name == connection.name:
                raise Rejected("name_taken", "There is a connection of this name already.")
            if other.id != connection.id and set(other.domains) & set(connection.domains):
                raise Rejected("domain_taken", "The domain belongs to another connection.")


class MemoryClients:
    def __init__(self) -> None:
        self.items: dict[str, Client] = {}
        self._lock = threading.Lock()

    def get(self, client_id: str) -> Client | None:
        return self.items.get(client_id)

    def page(self, *, position: str | None, limit: int) -> Page[Client]:
        keyed = [(f"{item.created_at:012d}#{item.client_id}", item) for item in self.items.values()]
        return page_of(keyed, position=position, limit=limit)

    def add(self, client: Client) -> None:
        with self._lock:
            if client.client_id in self.items:
                raise Rejected("client_id_taken", "There is a client of this id already.")
            self.items[client.client_id] = client

    def put(self, client: Client) -> None:
        self.items[client.client_id] = client

    def replace(self, client: Client, *, previous: Client) -> None:
        with self._lock:
            check_version(self.items.get(client.client_id), previous.version)
            self.items[client.client_id] = client

    def remove(self, client: Client) -> None:
        with self._lock:
            check_version(self.items.get(client.client_id), client.version)
            del self.items[client.client_id]


def check_version(stored: Connection | Client | None, version: int) -> None:
    if stored is None or stored.version != version:
        raise Rejected("version_mismatch", "It was changed by somebody else meanwhile.")


def page_of(keyed: list[tuple[str, T]], *, position: str | None, limit: int) -> Page[T]:
    """Cut a list in its order; a position is the key of the last item before the part."""
    rest = sorted(
        (pair for pair in keyed if position is None or pair[0] > position), key=itemgetter(0)
    )
    part = rest[:limit]
    following = part[-1][0] if len(rest) > limit else None
    return Page(items=tuple(item for _, item in part), position=following)


class MemoryLogins:
    def __init__(self) -> None:
        self.items: dict[str, LoginRecord] = {}

    def add(self, record: LoginRecord) -> None:
        self.items[record.state_hash] = record

    def take(self, state: str) -> LoginRecord | None:
        return self.items.pop(hashed(state), None)


class MemoryPushedRequests:
    def __init__(self) -> None:
        self.items: dict[str, PushedRequest] = {}
        self._lock = threading.Lock()

    def add(self, pushed: PushedRequest) -> None:
        self.items[pushed.id] = pushed

    def get(self, request_id: str) -> PushedRequest | None:
        return self.items.get(request_id)

    def use(self, request_id: str, *, login: str) -> bool:
        with self._lock:
            pushed = self.items.get(request_id)
            if pushed is None or pushed.used_by not in {None, login}:
                return False
            self.items[request_id] = replace(pushed, used_by=login)
            return True


class MemoryGrants:
    def __init__(self) -> None:
        self.items: dict[str, Grant] = {}
        self._proved: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, grant: Grant) -> None:
        self.items[grant.id] = grant

    def get(self, grant_id: str) -> Grant | None:
        grant, jkt = self.items.get(grant_id), self._proved.get(grant_id)
        return grant if grant is None or jkt is None else replace(grant, dpop_jkt=jkt)

    def redeem(
        self,
        grant_id: str,
        *,
        redemption: str,
        now: int,
        keep_until: int,
        dpop_jkt: str | None = None,
        refresh: RefreshFamily | None = None,
    ) -> bool:
        del keep_until
        with self._lock:
            grant = self.items.get(grant_id)
            if grant is None or grant.revoked or now >= grant.code_expires_at:
                return False
            if grant.redeemed_by not in {None, redemption}:
                return False
            family = refresh or grant.refresh
            self.items[grant_id] = replace(grant, redeemed_by=redemption, refresh=family)
            if dpop_jkt is not None:
                self._proved[grant_id] = dpop_jkt
            return True

    def release(self, grant_id: str, *, redemption: str) -> None:
        with self._lock:
            grant = self.items.get(grant_id)
            if grant is not None and grant.redeemed_by == redemption:
                self.items[grant_id] = replace(grant, redeemed_by=None, refresh=None)
                self._proved.pop(grant_id, None)

    def rotate(
        self, grant_id: str, *, used: str, successor: str, now: int, idle_until: int
    ) -> bool:
        with self._lock:
            grant = self.items.get(grant_id)
            family = grant.refresh if grant is not None else None
            if grant is None or family is None or grant.revoked or grant.redeemed_by is None:
                return False
            if now >= min(family.expires_at, family.idle_until):
                return False
            if family.current not in {used, successor}:
                return False
            family = replace(family, current=successor, idle_until=idle_until)
            self.items[grant_id] = replace(grant, refresh=family)
            return True

    def restore(self, grant_id: str, *, used: str, successor: str) -> None:
        with self._lock:
            grant = self.items.get(grant_id)
            family = grant.refresh if grant is not None else None
            if grant is not None and family is not None and family.current == successor:
                family = replace(family, current=used)
                self.items[grant_id] = replace(grant, refresh=family)

    def revoke(self, grant_id: str) -> None:
        with self._lock:
            grant = self.items.get(grant_id)
            if grant is not None:
                self.items[grant_id] = replace(grant, revoked=True)


class MemorySessions:
    """`down` makes reading unavailable; `meanwhile` happens before a session is used."""

    def __init__(self) -> None:
        self.down = False
        self.meanwhile: Callable[[], object] = lambda: None
        self.items: dict[str, Session] = {}
        self.given: dict[str, dict[str, SessionGrant]] = {}
        self.names: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def add(self, session: Session, grant: SessionGrant) -> None:
        with self._lock:
            self.items[session.key] = session
            for name in session.upstream:
                self.names.setdefault(name, set()).add(session.sid)
        self.note(session, grant)

    def get(self, key: str) -> Session | None:
        if self.down:
            raise Unavailable("store_unavailable", "The service is not available now.")
        return self.items.get(key)

    def remove(self, key: str) -> None:
        self.items.pop(key, None)

    def note(self, session: Session, grant: SessionGrant) -> None:
        with self._lock:
            self.given.setdefault(session.sid, {})[grant.grant_id] = grant

    def use(self, key: str, *, now: int, idle_until: int) -> bool:
        self.meanwhile()
        with self._lock:
            session = self.items.get(key)
            if session is None or now >= min(session.idle_until, session.expires_at):
                return False
            self.items[key] = replace(session, idle_until=idle_until)
            return True

    def end(self, sid: str) -> tuple[SessionGrant, ...]:
        with self._lock:
            ended = [key for key, session in self.items.items() if session.sid == sid]
            for key in ended:
                del self.items[key]
            return tuple(self.given.get(sid, {}).values())

    def named(self, upstream: str) -> frozenset[str]:
        return frozenset(self.names.get(upstream, ()))


class MemoryClaims:
    def __init__(self) -> None:
        self.items: dict[str, Claim] = {}
        self._lock = threading.Lock()

    def claim(self, claim: Claim, *, now: int) -> Claim | None:
        with self._lock:
            standing = self.items.get(claim.key)
            if standing is not None and not _may_be_claimed(standing, claim, now):
                return standing
            self.items[claim.key] = claim
            return None

    def complete(self, claim: Claim, answer: Answer) -> None:
        with self._lock:
            if self._holds(claim):
                self.items[claim.key] = replace(claim, answer=answer)

    def release(self, claim: Claim) -> None:
        with self._lock:
            if self._holds(claim):
                del self.items[claim.key]

    def _holds(self, claim: Claim) -> bool:
        standing = self.items.get(claim.key)
        return standing is not None and standing.holder == claim.holder


def _may_be_claimed(standing: Claim, claim: Claim, now: int) -> bool:
    same = standing.fingerprint == claim.fingerprint
    left = standing.answer is None and standing.claimed_until <= now
    return standing.expires_at <= now or (left and same)


class MemoryPositions:
    def __init__(self) -> None:
        self.items: dict[str, KeptPosition] = {}

    def keep(self, key: str, position: str, *, expires_at: int) -> None:
        self.items[key] = KeptPosition(position=position, expires_at=expires_at)

    def find(self, key: str) -> KeptPosition | None:
        return self.items.get(key)


class MemoryAudit:
    """`Audit` and `Announcements` in one list each; `down` makes recording unavailable."""

    def __init__(self) -> None:
        self.down = False
        self.events: list[Event] = []
        self.published: list[Event] = []

    def record(self, *events: Event) -> None:
        if self.down:
            raise Unavailable("store_unavailable", "The service is not available now.")
        self.events.extend(events)

    def publish(self, *events: Event) -> None:
        self.published.extend(events)


class MemoryAuditLog:
    """`Audit` and `AuditChain` on one log; `sealed` and `end` are what a writer could forge."""

    def __init__(self) -> None:
        self.waiting: dict[str, Pending] = {}
        self.sealed: dict[int, Link] = {}
        self.end: Head = START
        self.checkpoints: dict[int, str] = {}
        self._count = 0
        self._lock = threading.Lock()

    def record(self, *events: Event) -> None:
        with self._lock:
            for event in events:
                self._count += 1
                identifier = f"evt_{self._count:026d}"
                key = f"{event.time:012d}#{identifier}"
                self.waiting[key] = Pending(key=key, id=identifier, event=event_document(event))

    def head(self) -> Head:
        return self.end

    def pending(self, *, limit: int) -> tuple[Pending, ...]:
        with self._lock:
            return tuple(self.waiting[key] for key in sorted(self.waiting)[:limit])

    def append(self, links: Sequence[Link], batch: Sequence[Pending], *, after: Head) -> bool:
        with self._lock:
            places = {link.seq for link in links} & set(self.sealed)
            if self.end != after or places or not {p.key for p in batch} <= set(self.waiting):
                return False
            for pending in batch:
                del self.waiting[pending.key]
            self.sealed.update({link.seq: link for link in links})
            self.end = links[-1].head
            return True

    def links(self, first: int, last: int) -> tuple[Link, ...]:
        with self._lock:
            return tuple(self.sealed[seq] for seq in sorted(self.sealed) if first <= seq <= last)

    def checkpoint(self) -> str | None:
        return self.checkpoints[max(self.checkpoints)] if self.checkpoints else None

    def keep_checkpoint(self, seq: int, jws: str) -> None:
        self.checkpoints.setdefault(seq, jws)


class MemoryNotices:
    def __init__(self) -> None:
        self.warnings: list[tuple[str, str, str]] = []

    def warn(self, code: str, *, connection_id: str, reason: str) -> None:
        self.warnings.append((code, connection_id, reason))


class MemoryRateLimits:
    def __init__(self) -> None:
        self.until: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, key: str, *, now: int, until: int) -> bool:
        with self._lock:
            if self.until.get(key, now) > now:
                return False
            self.until[key] = until
            return True

    def take_one_of(self, key: str, *, limit: int, until: int) -> bool:
        del until
        with self._lock:
            if self.taken.get(key, 0) >= limit:
                return False
            self.taken[key] = self.taken.get(key, 0) + 1
            return True

    def give_back(self, key: str) -> None:
        with self._lock:
            if self.taken.get(key, 0) > 0:
                self.taken[key] -= 1


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


class MemoryNonceSeeds:
    def __init__(self) -> None:
        self.seed: str | None = None
        self._lock = threading.Lock()

    def get(self) -> str | None:
        return self.seed

    def add(self, seed: str) -> bool:
        with self._lock:
            if self.seed is not None:
                return False
            self.seed = seed
            return True


class MemoryRequests:
    """`RotationRequests`: the owners that were asked for, in order."""

    def __init__(self) -> None:
        self.owners: list[str] = []

    def request(self, *owners: str) -> None:
        self.owners.extend(owners)


class MemoryLogoutNotices:
    """`LogoutNotices`: what was asked for, in order."""

    def __init__(self) -> None:
        self.notices: list[LogoutNotice] = []

    def request(self, *notices: LogoutNotice) -> None:
        self.notices.extend(notices)
