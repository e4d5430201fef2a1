"""Authorization responses: read a provider's, write our own [RFC 6749 4.1.2; RFC 9207]."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from signet.errors import Denied, Rejected

_STATE = re.compile(r"[A-Za-z0-9_-]{43}")
_ERROR_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_CODE = 8_192


def read_state(parameters: Mapping[str, str]) -> str:
    """Take the state out of a provider's answer; its form is ours, so anything else is refused.

    Raises:
        Rejected: `invalid_state`.
    """
    state = parameters.get("state", "")
    if not _STATE.fullmatch(state):
        raise Rejected("invalid_state", "This sign-in link is not complete or not ours.")
    return state


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderError:
    """A provider's refusal; `error` is a bare code of at most 64 characters, never free text."""

    error: str


def read_authorization_response(
    parameters: Mapping[str, str], *, issuer: str, iss_required: bool
) -> str | ProviderError:
    """Check who answered and return the code, or the provider's error.

    The `iss` rules come first and hold for error answers too: in a mix-up attack nothing of the
    answer may be used [RFC 9207 2.4; RFC 9700 4.4].

    Args:
        parameters: the answer, already free of duplicates.
        issuer: of the connection that this login was started with.
        iss_required: the provider's metadata promise `iss`.

    Raises:
        Denied: `wrong_issuer`.
        Rejected: `invalid_response`: neither code nor error, or both.
    """
    _check_issuer(parameters.get("iss"), issuer=issuer, required=iss_required)
    code, error = parameters.get("code"), parameters.get("error")
    if (code is None) == (error is None):
        raise Rejected("invalid_response", "The identity provider's answer cannot be used.")
    if error is not None:
        return ProviderError(error=error if _ERROR_CODE.fullmatch(error) else "unknown_error")
    if code is None or len(code) > MAX_CODE:
        raise Rejected("invalid_response", "The identity provider's answer cannot be used.")
    return code


def _check_issuer(found: str | None, *, issuer: str, required: bool) -> None:
    if found is None and not required:
        return
    if found != issuer:
        raise Denied(
            "wrong_issuer",
            "The answer did not come from the identity provider that was asked.",
            private="iss of the authorization response is absent or of another issuer",
        )


def success_answer(*, code: str, state: str | None, issuer: str) -> dict[str, str]:
    """Write the parameters that bring the code to the application [RFC 6749 4.1.2; RFC 9207 2]."""
    return _with_state({"code": code}, state, issuer)


def error_answer(*, error: str, description: str, state: str | None, issuer: str) -> dict[str, str]:
    """Write the parameters that bring an error to the application [RFC 6749 4.1.2.1]."""
    return _with_state({"error": error, "error_description": description}, state, issuer)


def _with_state(answer: dict[str, str], state: str | None, issuer: str) -> dict[str, str]:
    if state is not None:
        answer["state"] = state
    answer["iss"] = issuer
    return answer
