"""Lambda function `userinfo`: the claims behind an access token [OIDC Core 5.3]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import bearer_error
from signet.web.request import Request
from signet.web.response import Response, json_response


@endpoint("userinfo", methods=("GET", "POST"), on_error=bearer_error)
def handler(request: Request) -> Response:
    """Answer the holder of an access token; the token is taken from the header alone."""
    claims = wiring.read_userinfo()(
        request.headers.get("authorization"),
        dpop=request.headers.get("dpop"),
        method=request.method,
    )
    return json_response(claims)
