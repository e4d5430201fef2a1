"""Records of DynamoDB items."""

from collections.abc import Mapping
from typing import Any

from signet.adapters.dynamodb.item import read_document
from signet.broker.client import Client
from signet.broker.connection import AssertionSettings, Connection, PinnedEndpoints
from signet.broker.grant import Grant, RefreshFamily
from signet.broker.login_record import LoginRecord
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
    since = {"redeemed_by": redeemed_by, "revoked": revoked, "refresh": _refresh_of(item)}
    return Grant(**{**members, **since})


def _refresh_of(item: Mapping[str, Any]) -> RefreshFamily | None:
    if "refresh_family" not in item:
        return None
    return RefreshFamily(
        family=item["refresh_family"]["S"],
        current=item["refresh_current"]["S"],
        expires_at=int(item["refresh_expires_at"]["N"]),
        idle_until=int(item["refresh_idle_until"]["N"]),
    )


def _tuples(members: dict[str, Any], *names: str) -> dict[str, Any]:
    lists = {name: tuple(members[name]) for name in names if members[name] is not None}
    return {**members, **lists}
