"""Tell from a provider's answer whether it let the client in."""

from signet.broker.rotation import ACCEPTED, REFUSED, UNKNOWN, UNREACHABLE
from signet.errors import SignetError
from signet.oauth.http_message import HttpAnswer
from signet.oauth.provider_token import ProviderRefused, error_code

_UNAUTHORIZED, _SERVER_ERROR = 401, 500
_ABOUT_THE_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
_AFTER_THE_CLIENT = frozenset({
    "invalid_grant", "invalid_scope", "unsupported_grant_type", "access_denied",
})  # fmt: skip
"""Answers of a server that has let the client in [RFC 6749 5.2]."""


def verdict(answer: HttpAnswer) -> str:
    """Judge the answer to a made-up code.

    Returns `accepted`, `refused`, `unknown`, or `unreachable`: the server was not able to say.
    """
    code = error_code(answer)
    if code in _AFTER_THE_CLIENT:
        return ACCEPTED
    if code in _ABOUT_THE_CLIENT or answer.status == _UNAUTHORIZED:
        return REFUSED
    return UNREACHABLE if answer.status >= _SERVER_ERROR else UNKNOWN


def let_in(problem: SignetError) -> bool:
    """Tell whether the failure of a login's request shows that the provider knew the client.

    It does when the provider refused what comes after the client [RFC 6749 5.2], or gave tokens
    that cannot be used. What was not answered, or not recorded, shows nothing.
    """
    if isinstance(problem, ProviderRefused):
        return problem.error in _AFTER_THE_CLIENT
    return problem.code == "provider_answer"
