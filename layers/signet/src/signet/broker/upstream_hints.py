"""What of an application's request goes on to the provider [OIDC Core 3.1.2.1, 5.5]."""

import json
from collections.abc import Iterable

from signet.broker.connection import Connection
from signet.broker.identity import mapping_of
from signet.oauth.authorization_request import AuthorizationRequest
from signet.oidc.discovery import ProviderMetadata

_PASSED_ON = frozenset({"login", "select_account"})
"""Consent is between the provider and us, and silence is ours to answer (prompt=none)."""


def upstream_hints(
    request: AuthorizationRequest, connection: Connection, metadata: ProviderMetadata
) -> dict[str, str]:
    """Write the parameters that an application may influence; the rest is the login's own."""
    hints = {
        "login_hint": request.login_hint,
        "prompt": _joined(prompt for prompt in request.prompt if prompt in _PASSED_ON),
        "max_age": str(request.max_age) if request.max_age is not None else None,
        "acr_values": _acr_values(request),
        "ui_locales": request.ui_locales,
        "claims": _claims(request, connection) if metadata.claims_parameter_supported else None,
    }
    return {name: value for name, value in hints.items() if value is not None}


def _acr_values(request: AuthorizationRequest) -> str | None:
    """What is essential is asked for first, for providers that do not read `claims`."""
    asked = (request.acr_values or "").split()
    return _joined(dict.fromkeys([*request.claims.essential_acr, *asked]))


def _claims(request: AuthorizationRequest, connection: Connection) -> str | None:
    """Ask for the provider's own names of the claims, voluntarily; an essential acr stays so."""
    names, asked = mapping_of(connection), request.claims
    id_token: dict[str, object] = {names[name]: None for name in asked.id_token if name in names}
    if asked.essential_acr:
        id_token["acr"] = {"essential": True, "values": list(asked.essential_acr)}
    userinfo = {names[name]: None for name in asked.userinfo if name in names}
    members = {"id_token": id_token, "userinfo": userinfo}
    found = {name: claims for name, claims in members.items() if claims}
    return json.dumps(found, separators=(",", ":")) if found else None


def _joined(values: Iterable[str]) -> str | None:
    return " ".join(values) or None
