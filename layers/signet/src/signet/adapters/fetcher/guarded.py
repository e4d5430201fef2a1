"""Fetch over HTTP from addresses that tenants chose, without being led anywhere else.

What is not here is part of the design: redirects are not followed, no proxy is read from the
environment, nothing is decompressed, nothing is retried.
"""

import http.client
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlsplit

from signet.adapters.clock import WallClock
from signet.adapters.fetcher.addresses import alternate, is_loopback, is_public
from signet.adapters.fetcher.breaker import Bulkheads
from signet.adapters.fetcher.connection import (
    BoundedConnection,
    Connect,
    Deadline,
    Limits,
    connect_tcp,
    open_socket,
)
from signet.adapters.fetcher.destination import (
    MAX_AWS_URL,
    Destination,
    DestinationPolicy,
    parse_destination,
)
from signet.adapters.fetcher.resolver import Resolver
from signet.broker.ports import Clock
from signet.oauth.http_message import DestinationRefused, HttpAnswer, HttpRequest, Unreachable
from signet.oauth.parameters import FORM_CONTENT_TYPE, encode

_HEADER_NAME = re.compile(r"[a-z0-9-]{1,64}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)
_NO_BODY = frozenset({204, 304})
_ERROR = 400
_REDIRECT = 300
_FINAL = 200
USER_AGENT = "Signet"


class Resolve(Protocol):
    """Resolves a name within a deadline."""

    def __call__(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """Return every address."""
        ...


class GuardedFetcher:
    """The `Fetcher` and `Destinations` ports; safe for threads."""

    def __init__(
        self,
        *,
        policy: DestinationPolicy,
        limits: Limits | None = None,
        resolve: Resolve | None = None,
        allowed: Callable[[str], bool] = is_public,
        connect: Connect = connect_tcp,
        cafile: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Make a fetcher; everything but `policy` is for tests and private CAs.

        Args:
            policy: which destinations are refused.
            limits: bounds of one call.
            resolve: names to addresses.
            allowed: whether an address may be connected to.
            connect: opens a connection to an address that was checked.
            cafile: further certificate authorities; there is no way to turn verification off.
            clock: of the circuit breakers.
        """
        self._policy = policy
        self._limits = limits or Limits()
        self._resolve: Resolve = resolve or Resolver()
        self._allowed = allowed
        self._connect = connect
        self._bulkheads = Bulkheads(clock or WallClock())
        self._cafile = cafile
        self._context: ssl.SSLContext | None = None

    @classmethod
    def for_issuer(cls, issuer: str, *, allow_loopback: bool) -> "GuardedFetcher":
        """Make the fetcher of a deployment: never to its own host, nor to AWS's APIs."""
        own = urlsplit(issuer).hostname or ""
        policy = DestinationPolicy(own_hosts=frozenset({own}), allow_loopback=allow_loopback)
        return cls(policy=policy)

    @classmethod
    def for_aws(cls) -> "GuardedFetcher":
        """Make a fetcher for an address that AWS itself gave."""
        return cls(policy=DestinationPolicy(refused_suffixes=(), longest=MAX_AWS_URL))

    def check(self, url: str) -> None:
        """Refuse an address that must never be called, before it is stored.

        Raises:
            DestinationRefused: by its text; what its name leads to is judged at every call.
        """
        parse_destination(url, self._policy)

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        """Make one HTTP attempt within three seconds.

        Raises:
            DestinationRefused: the address is forbidden by its text.
            Unreachable: what its name leads to is forbidden, or there is no usable answer; `sent`
                tells whether the request may have arrived.
        """
        destination = parse_destination(request.url, self._policy)
        headers, body = _message(request, destination)
        with self._bulkheads.entered(bulkhead):
            # Before the clock starts: the first call of a sandbox reads the authorities' file.
            tls = self._tls()
            deadline = Deadline(self._limits.total_seconds)
            sock = open_socket(
                destination,
                addresses=alternate(self._addresses(destination, deadline)),
                connect=self._connect,
                tls=tls,
                limits=self._limits,
                deadline=deadline,
            )
            with closing(sock):
                connection = BoundedConnection(
                    sock, authority=destination.authority, limits=self._limits, deadline=deadline
                )
                return self._exchange(connection, request, destination, headers, body)

    def _addresses(self, destination: Destination, deadline: Deadline) -> list[str]:
        """Resolve once; every answer has to be allowed, or one could be picked at connect time.

        A name that leads inside looks like one that leads nowhere to everybody but the log, or
        whoever may name addresses could ask for names of an internal zone (MG-001).
        """
        try:
            addresses = self._resolve(destination.host, destination.port, deadline)
        except TimeoutError:
            raise Unreachable("resolve: out of time", sent=False) from None
        if not addresses:
            raise Unreachable("resolve: no address", sent=False)
        if not all(map(self._allows(destination), addresses)):
            raise Unreachable("the name leads to an address that is not public", sent=False)
        return addresses

    def _allows(self, destination: Destination) -> Callable[[str], bool]:
        return is_loopback if destination.loopback else self._allowed

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            # Not create_default_context: it writes session keys where SSLKEYLOGFILE says, and
            # what it demands differs between Python versions.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            context.hostname_checks_common_name = False  # names are in subjectAltName [RFC 9525 2]
            context.load_default_certs()
            if self._cafile is not None:
                context.load_verify_locations(cafile=self._cafile)
            self._context = context
        return self._context

    def _exchange(
        self,
        connection: BoundedConnection,
        request: HttpRequest,
        destination: Destination,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> HttpAnswer:
        try:
            connection.request(request.method, destination.target, body=body, headers=dict(headers))
            response = connection.read_head()
            answer = HttpAnswer(
                status=response.status,
                headers=_combined(response.getheaders()),
                body=self._body(response) if request.reads_body else b"",
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"exchange: {type(error).__name__}", sent=True) from None
        return _usable(answer)

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        if response.status in _NO_BODY:
            return b""
        body = response.read(self._limits.body_bytes + 1)
        if len(body) > self._limits.body_bytes:
            raise ValueError("the body is too long")
        if response.length:
            raise ValueError("the body is shorter than it said")
        return body


def _message(request: HttpRequest, destination: Destination) -> tuple[dict[str, str], bytes | None]:
    """Write headers and body; nothing of a caller's can end a line or add one."""
    headers = {
        "accept": "application/json",
        **request.headers,
        "host": destination.authority,
        "user-agent": request.headers.get("user-agent", USER_AGENT),
        "accept-encoding": "identity",
        "connection": "close",
    }
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise DestinationRefused("a header that would not stay one line")
    body = request.content
    if request.form is not None:
        headers["content-type"] = FORM_CONTENT_TYPE
        body = encode(request.form).encode("ascii")
    return headers, body


def _combined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join fields of one name [RFC 9110 5.3], so that none of them hides behind another."""
    headers: dict[str, str] = {}
    for name, value in fields:
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return headers


def _usable(answer: HttpAnswer) -> HttpAnswer:
    """Refuse redirects and encodings; let only JSON through to whoever reads bodies."""
    if answer.status < _FINAL:
        raise Unreachable(f"an interim answer ({answer.status}) as the last", sent=True)
    if _REDIRECT <= answer.status < _ERROR:
        raise Unreachable(f"a redirect ({answer.status}), which is not followed", sent=True)
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unreachable("an encoding that was not asked for", sent=True)
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
    if _JSON.fullmatch(media_type):
        return answer
    if answer.status >= _ERROR or not answer.body:
        return replace(answer, body=b"")
    raise Unreachable("an answer that is not JSON", sent=True)
