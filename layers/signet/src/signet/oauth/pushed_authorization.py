"""Pushed authorization requests towards a provider [RFC 9126]."""

from collections.abc import Mapping

from signet.errors import Rejected
from signet.jose import strict_json
from signet.oauth.http_message import HttpAnswer, HttpRequest
from signet.oauth.provider_token import refusal

_CREATED = 201
_OK = 200
_MAX_REQUEST_URI = 2_048


def build_push(
    endpoint: str,
    *,
    parameters: Mapping[str, str],
    authentication: Mapping[str, str],
    headers: Mapping[str, str],
) -> HttpRequest:
    """Write the request that pushes authorization parameters, authenticated [RFC 9126 2.1]."""
    return HttpRequest(
        method="POST", url=endpoint, headers=headers, form={**parameters, **authentication}
    )


def read_push_response(answer: HttpAnswer) -> str:
    """Return the request_uri [RFC 9126 2.2].

    Raises:
        Denied: `provider_refused`. Unavailable: `provider_unavailable`.
        Rejected: `provider_answer`.
    """
    if answer.status not in {_CREATED, _OK}:
        raise refusal(answer)
    try:
        request_uri = strict_json.loads_object(answer.body).get("request_uri")
    except Rejected as error:
        raise _unusable("the PAR answer is not a JSON object without duplicates") from error
    if not isinstance(request_uri, str) or not 0 < len(request_uri) <= _MAX_REQUEST_URI:
        raise _unusable("the PAR answer has no request_uri")
    return request_uri


def _unusable(private: str) -> Rejected:
    return Rejected(
        "provider_answer", "The identity provider's answer cannot be used.", private=private
    )
