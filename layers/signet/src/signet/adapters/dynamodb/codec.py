"""Records of DynamoDB items."""

from collections.abc import Mapping
from typing import Any

from signet.adapters.dynamodb.item import read_document
from signet.broker.client import Client
from signet.broker.connection import AssertionSettings, Connection, PinnedEndpoints
from signet.broker.grant import Grant, RefreshFamily
from signet.broker.login_record import LoginRecord
from signet.broker.pushed_request import PushedRequest
from signet.broker.session import Session, SessionGrant
from signet.oauth.authorization_request import AuthorizationRequest
from signet.oauth.claims_parameter import RequestedClaims


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
    return LoginRecord(**{**members, "request": _request_of(members["request"])})


def pushed_request_of(item: Mapping[str, Any]) -> PushedRequest:
    """Read a pushed request; whether it was used stands in an attribute of its own."""
    members = read_document(item)
    used_by = item.get("used_by", {}).get("S")
    request = _request_of(members["request"])
    return PushedRequest(**{**members, "request": request, "used_by": used_by})


def grant_of(item: Mapping[str, Any]) -> Grant:
    """Read a grant; what was done with it since stands in attributes of its own."""
    members = _tuples(read_document(item), "scope", "id_token_claims", "userinfo_claims")
    redeemed_by = item.get("redeemed_by", {}).get("S")
    revoked = bool(item.get("revoked", {}).get("BOOL", False))
    bound = {"dpop_jkt": item["dpop_jkt"]["S"]} if "dpop_jkt" in item else {}
    since = {"redeemed_by": redeemed_by, "revoked": revoked, "refresh": _refresh_of(item)}
    return Grant(**{**members, **bound, **since})


def _refresh_of(item: Mapping[str, Any]) -> RefreshFamily | None:
    if "refresh_family" not in item:
        return None
    return RefreshFamily(
        family=item["refresh_family"]["S"],
        current=item["refresh_current"]["S"],
        expires_at=int(item["refresh_expires_at"]["N"]),
        idle_until=int(item["refresh_idle_until"]["N"]),
    )


def _request_of(members: dict[str, Any]) -> AuthorizationRequest:
    names = ("id_token", "userinfo", "essential_acr")
    claims = RequestedClaims(**_tuples(members["claims"], *names))
    return AuthorizationRequest(**{**_tuples(members, "scope", "prompt"), "claims": claims})


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
