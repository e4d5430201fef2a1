"""Records as JSON documents in one attribute, beside the attributes that conditions need."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from signet.broker.client import Client
from signet.broker.connection import AssertionSettings, Connection, PinnedEndpoints
from signet.broker.grant import Grant
from signet.broker.keyring import Keyring, PublishedKey
from signet.broker.login_record import LoginRecord
from signet.oauth.authorization_request import AuthorizationRequest

Item = dict[str, Any]


def text(value: str) -> dict[str, str]:
    """Return a DynamoDB string."""
    return {"S": value}


def number(value: int) -> dict[str, str]:
    """Return a DynamoDB number."""
    return {"N": str(value)}


def document(record: Any) -> dict[str, str]:
    """Return a record as a JSON text attribute."""
    return text(json.dumps(asdict(record), separators=(",", ":")))


def read_document(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of an item's document."""
    members: dict[str, Any] = json.loads(item["document"]["S"])
    return members


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


def keyring_of(item: Mapping[str, Any]) -> Keyring:
    """Read a keyring."""
    members = read_document(item)
    keys = {
        name: PublishedKey(**members[name]) if members[name] is not None else None
        for name in ("current", "next", "previous")
    }
    deleted_at = item.get("deleted_at", {}).get("N")
    deleted = {"deleted_at": int(deleted_at)} if deleted_at is not None else {}
    return Keyring(**{**members, **keys, **deleted})


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


def _tuples(members: dict[str, Any], *names: str) -> dict[str, Any]:
    lists = {name: tuple(members[name]) for name in names if members[name] is not None}
    return {**members, **lists}
