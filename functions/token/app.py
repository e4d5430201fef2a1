"""Lambda function `token`: redeem a code for tokens [RFC 6749 3.2; OIDC Core 3.1.3]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import oauth_error
from signet.web.request import Request
from signet.web.response import Response, json_response


@endpoint("token", methods=("POST",), on_error=oauth_error)
def handler(request: Request) -> Response:
    """Answer an authenticated client's token request."""
    tokens = wiring.redeem_code()(
        request.parameters(), authorization=request.headers.get("authorization")
    )
    return json_response(tokens)
