"""Lambda function `introspect`: tell a client of its own tokens [RFC 7662]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import oauth_error
from signet.web.request import Request
from signet.web.response import Response, json_response


@endpoint("introspect", methods=("POST",), on_error=oauth_error)
def handler(request: Request) -> Response:
    """Describe a token of the client's; for every other one, say that it is not active [2.2]."""
    authorization = request.headers.get("authorization")
    return json_response(
        wiring.introspect_token()(request.parameters(), authorization=authorization)
    )
