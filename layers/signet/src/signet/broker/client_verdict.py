"""Tell from a provider's answer to a made-up code whether it let the client in."""

from signet.broker.rotation import ACCEPTED, REFUSED, UNKNOWN, UNREACHABLE
from signet.oauth.http_message import HttpAnswer
from signet.oauth.provider_token import error_code

_UNAUTHORIZED, _SERVER_ERROR = 401, 500
_ABOUT_THE_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
_AFTER_THE_CLIENT = frozenset({
    "invalid_grant", "invalid_scope", "unsupported_grant_type", "access_denied",
})  # fmt: skip
"""Answers of a server that has let the client in [RFC 6749 5.2]."""


def verdict(answer: HttpAnswer) -> str:
    """Return `accepted`, `refused`, `unknown`, or `unreachable`: the server was not able to say."""
    code = error_code(answer)
    if code in _AFTER_THE_CLIENT:
        return ACCEPTED
    if code in _ABOUT_THE_CLIENT or answer.status == _UNAUTHORIZED:
        return REFUSED
    return UNREACHABLE if answer.status >= _SERVER_ERROR else UNKNOWN
