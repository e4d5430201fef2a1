"""Lambda function `par`: take a pushed authorization request [RFC 9126]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import oauth_error
from signet.web.request import Request
from signet.web.response import Response, json_response


@endpoint("par", methods=("POST",), on_error=oauth_error)
def handler(request: Request) -> Response:
    """Keep the request of an authenticated client, and answer its request_uri."""
    pushed = wiring.push_request()(
        request.parameters(),
        authorization=request.headers.get("authorization"),
        dpop=request.headers.get("dpop"),
    )
    return json_response(pushed, status=201)
