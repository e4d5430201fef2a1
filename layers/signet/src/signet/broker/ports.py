"""What the broker reaches in mid-flow.

Adapters fulfil these; one contract suite runs on the in-memory and on the real ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from signet.broker.audit_chain import Head, Link, Pending
from signet.broker.claim import Answer, Claim
from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.event import Event
from signet.broker.grant import Grant, RefreshFamily
from signet.broker.keyring import Keyring
from signet.broker.login_record import LoginRecord
from signet.broker.page import Page as Page  # noqa: PLC0414  (its name is part of the ports)
from signet.broker.pushed_request import PushedRequest
from signet.broker.session import Session, SessionGrant
from signet.jose.algorithms import SigningAlgorithm
from signet.jose.jws import DigestSigner
from signet.oauth.http_message import HttpAnswer, HttpRequest

A = TypeVar("A")
B = TypeVar("B")


class Connections(Protocol):
    """Registered connections. Every method raises `Unavailable` when the store is."""

    def get(self, connection_id: str) -> Connection | None:
        """Return the connection of that id."""
        ...

    def find(self, name: str) -> Connection | None:
        """Return the connection of that name."""
        ...

    def find_by_domain(self, domain: str) -> Connection | None:
        """Return the connection that has that email domain, in its stored form."""
        ...


class ConnectionRegistry(Protocol):
    """Where connections are written; a name and a domain belong to one connection at most."""

    def get(self, connection_id: str) -> Connection | None:
        """Return the connection of that id, in a strong read."""
        ...

    def page(self, *, position: str | None, limit: int) -> Page[Connection]:
        """Return connections in the order in which they were created, without a scan."""
        ...

    def add(self, connection: Connection, keyring: Keyring) -> None:
        """Store a new connection, its name, its domains and its keyring, all or nothing.

        Raises:
            Rejected: `name_taken` or `domain_taken`.
        """
        ...

    def replace(self, connection: Connection, *, previous: Connection) -> None:
        """Store a changed connection, of the version after `previous`, all or nothing.

        Raises:
            Rejected: `version_mismatch`: somebody changed or removed it meanwhile; `name_taken` or
                `domain_taken`.
        """
        ...

    def remove(self, connection: Connection, *, now: int) -> None:
        """Remove a connection, its name and its domains; its keyring is marked as deleted.

        Raises:
            Rejected: `version_mismatch`.
        """
        ...


class Clients(Protocol):
    """Registered clients. Raises `Unavailable` when the store is."""

    def get(self, client_id: str) -> Client | None:
        """Return the client of that id."""
        ...


class ClientRegistry(Protocol):
    """Where clients are written."""

    def get(self, client_id: str) -> Client | None:
        """Return the client of that id, in a strong read."""
        ...

    def page(self, *, position: str | None, limit: int) -> Page[Client]:
        """Return clients in the order in which they were created, without a scan."""
        ...

    def replace(self, client: Client, *, previous: Client) -> None:
        """Store a changed client, of the version after `previous`.

        Raises:
            Rejected: `version_mismatch`.
        """
        ...

    def remove(self, client: Client) -> None:
        """Remove a client.

        Raises:
            Rejected: `version_mismatch`.
        """
        ...

    def add(self, client: Client) -> None:
        """Store a new client.

        Raises:
            Rejected: `client_id_taken`.
        """
        ...

    def put(self, client: Client) -> None:
        """Store a client, in the place of an older one of the same id."""
        ...


class Keyrings(Protocol):
    """Keyrings by owner: a connection's id, or `issuer`."""

    def get(self, owner: str) -> Keyring | None:
        """Return the keyring of that owner."""
        ...


class RememberedKeyrings(Keyrings, Protocol):
    """Keyrings that are remembered for the signer's time S."""

    def get_again(self, owner: str) -> Keyring | None:
        """Return the keyring as it is stored now, in a strong read; that is remembered instead."""
        ...


class KeyringRegistry(Protocol):
    """Where keyrings are written."""

    def get(self, owner: str) -> Keyring | None:
        """Return the keyring of that owner, in a strong read."""
        ...

    def add(self, keyring: Keyring) -> bool:
        """Store a keyring unless its owner has one; at most one caller gets True."""
        ...

    def replace(self, keyring: Keyring, *events: Event) -> bool:
        """Store a keyring in the place of the version before it; at most one caller gets True.

        The events that tell of it are stored with it, all or nothing. False also when its owner
        was removed. After `Unavailable` it may be stored: its `operation` tells in a strong read.
        """
        ...

    def since(self, phase: str, *, until: int, position: str | None, limit: int) -> Page[str]:
        """Return owners whose keyrings are in a phase since `until` or longer, longest first.

        It may be a little behind; whoever acts on it reads the keyring.
        """
        ...


class Logins(Protocol):
    """Logins that are at a provider now."""

    def add(self, record: LoginRecord) -> None:
        """Store a record until its TTL."""
        ...

    def take(self, state: str) -> LoginRecord | None:
        """Remove the record of that state and return it; at most one caller ever gets it.

        The record may be past its expiry: its `expires_at` decides, not its presence.
        """
        ...


class PushedRequests(Protocol):
    """Authorization requests that applications pushed. Raises `Unavailable` when the store is."""

    def add(self, pushed: PushedRequest) -> None:
        """Store a request until its TTL, which outlasts a login that began with it."""
        ...

    def get(self, request_id: str) -> PushedRequest | None:
        """Return a request by its id, in a strong read; it may be used or past its expiry."""
        ...

    def use(self, request_id: str, *, login: str) -> bool:
        """Use a request up for a completed login; at most one `login` ever gets True.

        Its expiry is no matter here: the login that completes began in time.
        """
        ...


class Grants(Protocol):
    """Authorization codes, and what was granted with them."""

    def add(self, grant: Grant) -> None:
        """Store a grant that nobody redeemed yet."""
        ...

    def get(self, grant_id: str) -> Grant | None:
        """Return a grant by its id, in a strong read."""
        ...

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
        """Mark a grant as redeemed by `redemption`; at most one caller ever gets True.

        False when it was redeemed or revoked before, or its code expired. With `dpop_jkt` it is
        bound to that key until its redemption is undone; `refresh` begins with it. All or nothing.
        """
        ...

    def release(self, grant_id: str, *, redemption: str) -> None:
        """Undo one's own redemption, after no token was made."""
        ...

    def rotate(
        self, grant_id: str, *, used: str, successor: str, now: int, idle_until: int
    ) -> bool:
        """Put `successor` in the place of the refresh token `used`, both as hashes.

        At most one successor of a token ever gets True; the same one gets it again. False also
        when the grant was revoked or is not redeemed, or its refresh tokens expired.
        """
        ...

    def restore(self, grant_id: str, *, used: str, successor: str) -> None:
        """Undo one's own rotation, after no token was made."""
        ...

    def revoke(self, grant_id: str) -> None:
        """End a grant and every token of it; idempotent."""
        ...


class Sessions(Protocol):
    """Sessions of browsers, and what was granted in them."""

    def add(self, session: Session, grant: SessionGrant) -> None:
        """Store a session with its first grant."""
        ...

    def get(self, key: str) -> Session | None:
        """Return the session of a cookie, in a strong read; it may be past its times."""
        ...

    def remove(self, key: str) -> None:
        """Take a session away from one browser; what was granted in it stays known. Idempotent."""
        ...

    def note(self, session: Session, grant: SessionGrant) -> None:
        """Note a grant of a session, before the session is used for it."""
        ...

    def use(self, key: str, *, now: int, idle_until: int) -> bool:
        """Set until when a live session may be idle; False when it is over.

        Whoever ends it sees each grant that was noted before a use that got True.
        """
        ...

    def end(self, sid: str) -> tuple[SessionGrant, ...]:
        """Take a session away from every browser, and return what was granted in it; idempotent."""
        ...

    def named(self, upstream: str) -> frozenset[str]:
        """Return the `sid` of every session that a provider names so."""
        ...


class Replay(Protocol):
    """Values that may be used once."""

    def use(self, key: str, *, expires_at: int) -> bool:
        """Use a value up; at most one caller ever gets True.

        Raises:
            Unavailable: the store did not answer, so nobody may go on.
        """
        ...


class NonceSeeds(Protocol):
    """The random value of a deployment that its DPoP nonces are made from."""

    def get(self) -> str | None:
        """Return the seed; it never changes. Raises `Unavailable` when the store is."""
        ...

    def add(self, seed: str) -> bool:
        """Store a seed unless there is one; at most one caller gets True."""
        ...


class ProofNonces(Protocol):
    """Nonces that DPoP proofs have to carry where they are asked for."""

    def valid(self) -> tuple[str, ...]:
        """Return what a proof may carry now, the newest first, at least one.

        Raises:
            Unavailable: a store is. Misconfigured: the deployment was not initialised.
        """
        ...


class RateLimits(Protocol):
    """How often something may be done."""

    def take(self, key: str, *, now: int, until: int) -> bool:
        """Take a turn that is over at `until`; of callers at once at most one gets True.

        Raises:
            Unavailable: the store is.
        """
        ...

    def take_one_of(self, key: str, *, limit: int, until: int) -> bool:
        """Take one of so many turns of a key, whose name tells its window; no more get True.

        Raises:
            Unavailable: the store is; the turn may be taken.
        """
        ...

    def give_back(self, key: str) -> None:
        """Give one of a key's turns back, for another caller to take; nothing where none is taken.

        Raises:
            Unavailable: the store is; the turn may be given back.
        """
        ...


class RotationRequests(Protocol):
    """Where a step of a rotation is asked for."""

    def request(self, *owners: str) -> None:
        """Ask for one step of each owner's rotation, at least once.

        Raises:
            Unavailable: some of them were not asked for; the next sweep asks again.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutNotice:
    """Whom an application is told to be signed out: a subject of ours, and the session's `sid`."""

    client_id: str
    subject: str
    sid: str


class LogoutNotices(Protocol):
    """Where applications' logout tokens are asked for."""

    def request(self, *notices: LogoutNotice) -> None:
        """Ask for a logout token to each application, at least once; without a notice nothing.

        Raises:
            Unavailable: some of them were not asked for.
        """
        ...


class ReapingRequests(Protocol):
    """Where the rest of a long list of keys is asked for."""

    def go_on(self, position: str) -> None:
        """Ask for the keys from a position of KMS's list on, at least once.

        Raises:
            Unavailable: it was not asked for.
        """
        ...


class Claims(Protocol):
    """Who runs the request of an Idempotency-Key; at most one caller holds a key at a time."""

    def claim(self, claim: Claim, *, now: int) -> Claim | None:
        """Store a claim and return None, or return the standing one that is in its way.

        A claim stands until it expires; one without an answer only until `claimed_until`, after
        which the same request may be claimed again.
        """
        ...

    def complete(self, claim: Claim, answer: Answer) -> None:
        """Store the answer of a claim that its holder still has; nothing otherwise."""
        ...

    def release(self, claim: Claim) -> None:
        """Remove a claim that its holder still has; nothing otherwise."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPosition:
    """A position of a list, and until when (unix seconds) its cursor is valid."""

    position: str
    expires_at: int


class Positions(Protocol):
    """Positions in lists, by the hash of their cursors."""

    def keep(self, key: str, position: str, *, expires_at: int) -> None:
        """Store a position until its TTL."""
        ...

    def find(self, key: str) -> KeptPosition | None:
        """Return a position; it may be past its expiry, which its `expires_at` decides."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsKey:
    """A key as KMS has it; `created_at` is unix seconds.

    `state` is `enabled`, `disabled` or `pending_deletion`.
    """

    key_id: str
    created_at: int
    state: str
    tags: Mapping[str, str]


class Kms(DigestSigner, Protocol):
    """Keys that never leave AWS KMS."""

    def create_key(self, *, algorithm: SigningAlgorithm, tags: Mapping[str, str]) -> str:
        """Make a signing key, tagged in the same call, and return its id."""
        ...

    def public_key(self, key_id: str) -> bytes:
        """Return a key's public half as SubjectPublicKeyInfo in DER."""
        ...

    def disable_key(self, key_id: str) -> None:
        """Have a key sign no more; idempotent, also for a key that is gone."""
        ...

    def schedule_deletion(self, key_id: str) -> None:
        """Have a key deleted after 30 days; idempotent, also for a key that is gone."""
        ...

    def tag_key(self, key_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a key; idempotent."""
        ...

    def list_keys(self, *, position: str | None) -> Page[str]:
        """Return ids of the account's keys, up to 100; they may be anybody's."""
        ...

    def describe(self, key_id: str) -> KmsKey | None:
        """Return a key's state and tags; None for a key that is gone or that we may not look at.

        None says only that nothing may be done with it.
        """
        ...


class Fetcher(Protocol):
    """The one way out to the network."""

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        """Make one HTTP attempt; nothing is retried or followed.

        Raises:
            DestinationRefused: by its text, the address may not be reached.
            Unreachable: its name leads inside, or there is no usable answer; its `sent` is False
                when nothing left.
        """
        ...


class Destinations(Protocol):
    """Judges addresses before they are stored; the fetcher judges them again at every call."""

    def check(self, url: str) -> None:
        """Refuse an address that Signet must never call.

        Raises:
            DestinationRefused: with one text for every reason.
        """
        ...


class Notices(Protocol):
    """Where operators are told of what no request failed for."""

    def warn(self, code: str, *, connection_id: str, reason: str) -> None:
        """Tell of something; neither text may hold what a person or a provider sent."""
        ...


class Audit(Protocol):
    """The append-only record of what happened."""

    def record(self, *events: Event) -> None:
        """Store events, at most 100 at once, all or none.

        When it returns they are there for good, and their order is settled soon. No caller waits
        for another one.

        Raises:
            Unavailable: what they tell of must not go on. They may be stored nevertheless, where
                only the answer was lost.
        """
        ...


class AuditChain(Protocol):
    """Where recorded events get their places; every read is strong."""

    def head(self) -> Head:
        """Return the end of the chain."""
        ...

    def pending(self, *, limit: int) -> tuple[Pending, ...]:
        """Return events without a place, about the oldest first; none only when there is none."""
        ...

    def append(self, links: Sequence[Link], batch: Sequence[Pending], *, after: Head) -> bool:
        """Put a batch in its place and end its waiting, all or nothing; at most 49 events.

        False when the head is not `after` any more, or one of the batch waits no more: of callers
        with the same `after`, at most one gets True.
        """
        ...

    def links(self, first: int, last: int) -> tuple[Link, ...]:
        """Return the links from `first` to `last`, both included, in their order; no other ones.

        A row that cannot be read comes as a link that does not hold.
        """
        ...

    def checkpoint(self) -> str | None:
        """Return the last checkpoint, as a JWS that nobody verified yet."""
        ...

    def keep_checkpoint(self, seq: int, jws: str) -> None:
        """Store a checkpoint of the head `seq`, unless there is one."""
        ...


class Announcements(Protocol):
    """Where anybody in the account may subscribe to what happens to keys."""

    def publish(self, *events: Event) -> None:
        """Publish events, at least once; a failure is logged and never raised."""
        ...


class Clock(Protocol):
    """Wall-clock time, which goes on while a sandbox is frozen."""

    def now(self) -> int:
        """Return unix seconds."""
        ...


class Entropy(Protocol):
    """Randomness."""

    def token(self) -> str:
        """Return 256 random bits in base64url: 43 characters."""
        ...

    def identifier(self) -> str:
        """Return 128 random bits in lower-case base32: 26 characters."""
        ...


class Together(Protocol):
    """Run two calls side by side."""

    def __call__(self, first: Callable[[], A], second: Callable[[], B], /) -> tuple[A, B]:
        """Return both results; raise the first's error, else the second's, once both ended."""
        ...
