"""Lambda function `userinfo`: the claims behind an access token [OIDC Core 5.3]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import bearer_error
from signet.web.request import Request
from signet.web.response import Response, json_response


@endpoint("userinfo", methods=("GET", "POST"), on_error=bearer_error)
def handler(request: Request) -> Response:
    """Answer the bearer of an access token; the token is taken from the header alone."""
    return json_response(wiring.read_userinfo()(request.headers.get("authorization")))
