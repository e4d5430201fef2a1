"""Who a user is to the applications, and which of the provider's claims they see."""

import json
from collections.abc import Mapping, Sequence

from signet.broker.connection import DEFAULT_CLAIMS, RESERVED_CLAIMS, Connection
from signet.broker.record_key import digest
from signet.oidc.id_token import VerifiedIdToken

CLAIMS_BY_SCOPE: Mapping[str, frozenset[str]] = {
    "email": frozenset({"email", "email_verified"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
    "address": frozenset({"address"}),
}
_MAX_CLAIMS_BYTES = 16_384


def subject_of(connection: Connection, token: VerifiedIdToken) -> str:
    """Return the `sub` for applications: of (connection, iss, sub) and nothing else.

    Email never identifies and never links (nOAuth). The same user through another connection is
    another subject.
    """
    return _subject(connection, token.issuer, token.subject)


def subject_at(connection: Connection, subject: str) -> str:
    """Return the `sub` for applications of whom the connection's own issuer calls `subject`."""
    return _subject(connection, connection.issuer, subject)


def _subject(connection: Connection, issuer: str, subject: str) -> str:
    parts = json.dumps(["sub", connection.id, issuer, subject], ensure_ascii=True)
    return digest(parts.encode("ascii"))


def mapping_of(connection: Connection) -> Mapping[str, str]:
    """Return {the application's claim: the provider's claim}; reserved ones are never in it."""
    mapping = connection.claims_map or {name: name for name in DEFAULT_CLAIMS}
    return {ours: theirs for ours, theirs in mapping.items() if ours not in RESERVED_CLAIMS}


def lacks_claims(connection: Connection, claims: Mapping[str, object]) -> bool:
    """Tell whether the ID token leaves out what was asked for, so that userinfo is worth a call.

    A mapping asks for its claims; without one, the scopes `profile`, `email`, `phone` and
    `address` ask for theirs [OIDC Core 5.4].
    """
    if connection.claims_map:
        return any(theirs not in claims for theirs in connection.claims_map.values())
    asked = {
        "profile": ("name", "given_name", "preferred_username"),
        "email": ("email",),
        "phone": ("phone_number",),
        "address": ("address",),
    }
    return any(
        scope in connection.scopes and not any(name in claims for name in names)
        for scope, names in asked.items()
    )


def map_claims(connection: Connection, claims: Mapping[str, object]) -> dict[str, object]:
    """Take the mapped claims out of the provider's, none of them reserved.

    `email_verified` is true only where the provider said JSON true (CVE-2026-55076), and is
    there whenever `email` is.
    """
    mapping = mapping_of(connection)
    found = {
        ours: claims[theirs] for ours, theirs in mapping.items() if claims.get(theirs) is not None
    }
    for flag in ("email_verified", "phone_number_verified"):
        value = claims.get(mapping.get(flag, flag))
        found.pop(flag, None)
        if flag.removesuffix("_verified") in found:
            found[flag] = value is True
    return _bounded(found)


def released(
    profile: Mapping[str, object], scope: Sequence[str], *, asked: Sequence[str] = ()
) -> dict[str, object]:
    """Keep the claims that the granted scopes give [OIDC Core 5.4]; custom ones go by `profile`.

    `asked` are the names that the application asked for one by one [5.5].
    """
    gated = {name: gate for gate, names in CLAIMS_BY_SCOPE.items() for name in names}
    return {
        name: value
        for name, value in profile.items()
        if gated.get(name, "profile") in scope or name in asked
    }


def login_facts(connection: Connection, claims: Mapping[str, object]) -> dict[str, object]:
    """Take `auth_time`, `acr` and `amr` as the provider gave them, and the connection's name."""
    facts: dict[str, object] = {"connection": connection.name}
    auth_time, acr, amr = claims.get("auth_time"), claims.get("acr"), claims.get("amr")
    if isinstance(auth_time, int) and not isinstance(auth_time, bool):
        facts["auth_time"] = auth_time
    if isinstance(acr, str):
        facts["acr"] = acr
    if isinstance(amr, list) and all(isinstance(item, str) for item in amr):
        facts["amr"] = amr
    return facts


def _bounded(claims: dict[str, object]) -> dict[str, object]:
    """Leave out the largest claims until the rest fits a record and a token."""
    sizes = {name: len(json.dumps(value)) for name, value in claims.items()}
    while sum(sizes.values()) > _MAX_CLAIMS_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        del sizes[largest], claims[largest]
    return claims
