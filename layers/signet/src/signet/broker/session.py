"""A session: one browser that signed in through one connection, usable again for a while.

Two names, so that neither can be mistaken for the other: the cookie's value is the credential, 256
random bits that are new at every login and stored as a hash; `sid` names the session to
applications and stays the same while one person signs in again at one connection.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.record_key import record_key
from signet.oauth.authorization_request import AuthorizationRequest

COOKIE = "signet-session"
KEEP_SECONDS = 31 * 86_400
"""How much longer than a session one knows what was granted in it, to end that too."""
_HINTED = ("email", "preferred_username", "phone_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is stored of a session; times are unix seconds.

    `key` is the hash of the cookie's value. `issuer` is the provider's; `upstream` are the keys
    under which the provider may name this session in a logout token. `login` and `profile` are
    what a grant needs.
    """

    key: str
    sid: str
    connection_id: str
    issuer: str
    subject: str
    login: Mapping[str, object]
    profile: Mapping[str, object]
    upstream: tuple[str, ...]
    started_at: int
    idle_until: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGrant:
    """What a session gave to one client: a grant, by its id."""

    grant_id: str
    client_id: str
    subject: str


def session_key(value: str, *, issuer: str) -> str:
    """Return the key of a cookie's value; the value itself is stored nowhere (OP-041)."""
    return record_key("SESSION", issuer, value)


def person_key(subject: str) -> str:
    """Return the key of all sessions of one subject, which is of one connection alone."""
    return record_key("PERSON", subject)


def provider_session_key(connection: Connection, sid: str) -> str:
    """Return the key of what a connection's provider calls `sid`."""
    return record_key("UPSTREAM", connection.id, connection.issuer, sid)


def is_alive(session: Session, *, now: int) -> bool:
    """Judge a session by its own times; DynamoDB deletes days late."""
    return now < session.expires_at and now < session.idle_until


def is_connections(session: Session, connection: Connection) -> bool:
    """Tell whether a session began at this connection as it is now, with its provider."""
    return (session.connection_id, session.issuer) == (connection.id, connection.issuer)


def allows_no_page(request: AuthorizationRequest) -> bool:
    """Tell whether the application wants an answer without any page [3.1.2.1]."""
    return "none" in request.prompt


def may_be_silent(request: AuthorizationRequest, connection: Connection) -> bool:
    """Neither the application nor the administrator wants the provider to ask the person again."""
    wants_nothing_new = not request.prompt or allows_no_page(request)
    return wants_nothing_new and "prompt" not in connection.upstream_params


def is_recent(
    session: Session, request: AuthorizationRequest, connection: Connection, *, now: int
) -> bool:
    """The person signed in within `max_age`, the application's and the administrator's [3.1.2.1].

    Without `auth_time` nobody knows; and `max_age=0` asks for a new sign-in always.
    """
    authenticated_at = session.login.get("auth_time")
    return all(
        isinstance(authenticated_at, int) and now - authenticated_at < limit
        for limit in _max_ages(request, connection)
    )


def _max_ages(request: AuthorizationRequest, connection: Connection) -> tuple[int, ...]:
    demanded = connection.upstream_params.get("max_age")
    # A value that is no number is one that no session satisfies.
    of_connection = () if demanded is None else (int(demanded) if demanded.isdecimal() else 0,)
    return of_connection if request.max_age is None else (request.max_age, *of_connection)


def has_context(session: Session, request: AuthorizationRequest, connection: Connection) -> bool:
    """The sign-in was of a class that is asked for and of one that is demanded now [5.5.1.1]."""
    asked = (
        request.claims.essential_acr,
        (request.acr_values or "").split(),
        connection.upstream_params.get("acr_values", "").split(),
    )
    return all(session.login.get("acr") in values for values in asked if values)


def is_subject(session: Session, request: AuthorizationRequest) -> bool:
    """Nobody else is signed in than the subject that is asked for, if one is [5.5.1]."""
    return request.claims.subject in {None, session.subject}


def is_hinted(session: Session, request: AuthorizationRequest) -> bool:
    """A `login_hint` names nobody else than who is signed in; it never chooses among sessions."""
    if request.login_hint is None:
        return True
    names = [session.profile.get(name) for name in _HINTED]
    hint = request.login_hint.casefold()
    return any(isinstance(name, str) and name.casefold() == hint for name in names)


def serves(
    session: Session,
    *,
    request: AuthorizationRequest,
    client: Client,
    connection: Connection,
    now: int,
) -> bool:
    """Hold a session against everything that a code without a new sign-in needs (OP-055)."""
    return (
        is_alive(session, now=now)
        and is_connections(session, connection)
        and connection.enabled
        and client.allows(connection.name)
        and may_be_silent(request, connection)
        and is_recent(session, request, connection, now=now)
        and has_context(session, request, connection)
        and is_subject(session, request)
        and is_hinted(session, request)
    )
