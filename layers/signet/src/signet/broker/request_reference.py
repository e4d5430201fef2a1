"""What a browser may bring beside a pushed or a signed request [RFC 9126 4; RFC 9101 6.3]."""

from collections.abc import Mapping
from dataclasses import replace

from signet.broker.client import Client
from signet.broker.pushed_request import PushedRequest
from signet.errors import Rejected
from signet.oauth.authorization_request import MAX_HINT, AuthorizationRequest

TYPED_EMAIL = "work_email"
"""What our own page calls the address that a person typed: it is no parameter of the request."""


def check_alone(parameters: Mapping[str, str]) -> None:
    """A reference and a request object are two requests in one [RFC 9101 5].

    Raises:
        Rejected: `invalid_request`; shown on a page, never redirected.
    """
    if "request" in parameters:
        raise Rejected("invalid_request", "The application sent two requests in one.")


def check_may_come_by_browser(client: Client) -> None:
    """A client that has to push its requests can have none made up for it in a browser [6].

    Raises:
        Rejected: `invalid_request`, redirectable.
    """
    if client.require_pushed_authorization_requests:
        raise Rejected(
            "invalid_request", "The application has to push its request to /par.", redirectable=True
        )


def carried(
    parameters: Mapping[str, str], client: Client, pushed: PushedRequest | None
) -> dict[str, str] | None:
    """Return what our page brings back of a request that the browser cannot change; else None.

    Nothing of what was pushed is shown to the browser (CVE-2024-4540).
    """
    if pushed is not None:
        return {name: parameters[name] for name in ("client_id", "request_uri")}
    if "request" in parameters and client.request_object_signing_alg is not None:
        return {name: parameters[name] for name in ("client_id", "request")}
    return None


def with_typed_email(
    request: AuthorizationRequest, parameters: Mapping[str, str]
) -> AuthorizationRequest:
    """Add the address that was typed into our page to a request that leads nowhere yet.

    It chooses among the connections that the person could choose from anyway; nothing else of the
    query counts.
    """
    typed = parameters.get(TYPED_EMAIL)
    if typed is None or len(typed) > MAX_HINT:
        return request
    return replace(request, login_hint=typed)
