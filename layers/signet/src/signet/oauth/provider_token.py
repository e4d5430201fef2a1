"""The token request to a provider and its answer [RFC 6749 4.1.3, 5.1, 5.2]."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from signet.errors import Denied, Rejected, Unavailable
from signet.jose import strict_json
from signet.oauth.http_message import HttpAnswer, HttpRequest

_ERROR_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_OK = 200
_SERVER_ERROR = 500
MAX_TOKEN = 65_536


class ProviderRefused(Denied):
    """A provider's refusal; `error` is its bare error code [RFC 6749 5.2]."""

    def __init__(self, *, status: int, error: str) -> None:
        super().__init__(
            "provider_refused",
            "The identity provider refused the sign-in.",
            private=f"provider answered {status} {error}",
        )
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTokens:
    """A provider's successful answer; the ID token in it is not verified yet."""

    unverified_id_token: str
    access_token: str


def build_token_request(  # noqa: D417
    endpoint: str,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
    authentication: Mapping[str, str],
    headers: Mapping[str, str],
) -> HttpRequest:
    """Write the request that redeems a code.

    Args:
        authentication: parameters with an assertion made for this one attempt.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
        **authentication,
    }
    return HttpRequest(method="POST", url=endpoint, headers=headers, form=form)


def read_token_response(answer: HttpAnswer) -> ProviderTokens:
    """Read the answer; there is no fallback when it has no ID token [OIDC Core 3.1.3.3].

    Raises:
        Denied: `provider_refused`, with the provider's error code in the private text.
        Unavailable: `provider_unavailable` for a 5xx.
        Rejected: `provider_answer`: not a token response.
    """
    if answer.status != _OK:
        raise refusal(answer)
    document = _read_document(answer)
    id_token = document.get("id_token")
    access_token = document.get("access_token")
    token_type = document.get("token_type")
    if not _is_token(id_token) or not _is_token(access_token):
        raise _unusable("the answer has no ID token or no access token")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise _unusable("token_type is not Bearer")
    return ProviderTokens(unverified_id_token=str(id_token), access_token=str(access_token))


def refusal(answer: HttpAnswer) -> ProviderRefused | Unavailable:
    """Tell what a provider's error answer means for this login [RFC 6749 5.2]."""
    if answer.status >= _SERVER_ERROR:
        return Unavailable(
            "provider_unavailable",
            "The identity provider is not available now.",
            private=f"provider answered {answer.status}",
        )
    return ProviderRefused(status=answer.status, error=error_code(answer))


def error_code(answer: HttpAnswer) -> str:
    """Take the bare error code out of an error answer; no free text ever leaves it."""
    try:
        code = strict_json.loads_object(answer.body).get("error")
    except Rejected:
        return "no_error_code"
    if isinstance(code, str) and _ERROR_CODE.fullmatch(code):
        return code
    return "no_error_code"


def _read_document(answer: HttpAnswer) -> dict[str, strict_json.JsonValue]:
    try:
        document = strict_json.loads_object(answer.body)
    except Rejected as error:
        raise _unusable("the answer is not a JSON object without duplicates") from error
    if "error" in document:
        raise _unusable("the answer holds tokens and an error")
    return document


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN


def _unusable(private: str) -> Rejected:
    return Rejected(
        "provider_answer", "The identity provider's answer cannot be used.", private=private
    )
