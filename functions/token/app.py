"""Lambda function `token`: give tokens to an authenticated client [RFC 6749 3.2]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import oauth_error
from signet.web.request import Request
from signet.web.response import Response, json_response


@endpoint("token", methods=("POST",), on_error=oauth_error)
def handler(request: Request) -> Response:
    """Answer a token request by its grant type."""
    parameters = request.parameters()
    answer = wiring.token_request(parameters.get("grant_type"))
    return json_response(
        answer(
            parameters,
            authorization=request.headers.get("authorization"),
            dpop=request.headers.get("dpop"),
        )
    )
