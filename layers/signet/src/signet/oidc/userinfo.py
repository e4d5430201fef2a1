"""The userinfo request to a provider and its answer [OIDC Core 5.3]."""

import hmac
from collections.abc import Mapping

from signet.errors import Denied, Rejected
from signet.jose import strict_json
from signet.oauth.http_message import HttpAnswer, HttpRequest
from signet.oauth.provider_token import refusal

_OK = 200


def build_userinfo_request(
    endpoint: str, *, access_token: str, headers: Mapping[str, str]
) -> HttpRequest:
    """Write the request, with the token in the header and never in the address [RFC 6750 2.1]."""
    return HttpRequest(
        method="GET", url=endpoint, headers={**headers, "authorization": f"Bearer {access_token}"}
    )


def read_userinfo_response(answer: HttpAnswer, *, subject: str) -> dict[str, object]:
    """Return the claims of an answer that is about the same subject [OIDC Core 5.3.2].

    Raises:
        Denied: `userinfo`: no object, or another or no `sub`: no claim of it may be used.
        Unavailable: `provider_unavailable`.
    """
    if answer.status != _OK:
        raise refusal(answer)
    try:
        claims = strict_json.loads_object(answer.body)
    except Rejected as error:
        raise _refused("the answer is not a JSON object without duplicates") from error
    found = claims.get("sub")
    if not isinstance(found, str) or not hmac.compare_digest(found.encode(), subject.encode()):
        raise _refused("sub is not the ID token's")
    return dict(claims)


def _refused(private: str) -> Denied:
    return Denied(
        "userinfo",
        "The identity provider's answer was not accepted.",
        private=f"userinfo: {private}",
    )
