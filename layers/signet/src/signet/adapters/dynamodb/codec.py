"""Records of DynamoDB items."""

from collections.abc import Mapping
from typing import Any

from signet.adapters.dynamodb.item import read_document
from signet.broker.client import Client
from signet.broker.connection import AssertionSettings, Connection, PinnedEndpoints
from signet.broker.grant import Grant
from signet.broker.login_record import LoginRecord
from signet.broker.session import Session, SessionGrant
from signet.oauth.authorization_request import AuthorizationRequest


def connection_of(item: Mapping[str, Any]) -> Connection:
    """Read a connection."""
    members = read_document(item)
    assertion = _tuples(members["assertion"], "key_headers")
    endpoints = members["endpoints"]
    return Connection(
        **{
            **_tuples(members, "scopes", "domains"),
            "assertion": AssertionSettings(**assertion),
            "endpoints": PinnedEndpoints(**endpoints) if endpoints is not None else None,
        }
    )


def client_of(item: Mapping[str, Any]) -> Client:
    """Read a client."""
    members = read_document(item)
    names = ("redirect_uris", "post_logout_redirect_uris", "grant_types", "scopes")
    return Client(**_tuples(members, *names, "connections"))


def login_of(item: Mapping[str, Any]) -> LoginRecord:
    """Read a login record."""
    members = read_document(item)
    request = AuthorizationRequest(**_tuples(members["request"], "scope"))
    return LoginRecord(**{**members, "request": request})


def grant_of(item: Mapping[str, Any]) -> Grant:
    """Read a grant; what was done with it since stands in attributes of its own."""
    members = _tuples(read_document(item), "scope")
    redeemed_by = item.get("redeemed_by", {}).get("S")
    revoked = bool(item.get("revoked", {}).get("BOOL", False))
    return Grant(**{**members, "redeemed_by": redeemed_by, "revoked": revoked})


def session_of(item: Mapping[str, Any]) -> Session:
    """Read a session; until when it may be idle changes with each use."""
    members = _tuples(read_document(item), "upstream")
    return Session(**{**members, "idle_until": int(item["idle_until"]["N"])})


def session_grant_of(item: Mapping[str, Any]) -> SessionGrant:
    """Read what was granted in a session."""
    return SessionGrant(**read_document(item))


def _tuples(members: dict[str, Any], *names: str) -> dict[str, Any]:
    lists = {name: tuple(members[name]) for name in names if members[name] is not None}
    return {**members, **lists}
