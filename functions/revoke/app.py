"""Lambda function `revoke`: end a token and all that its login gave [RFC 7009]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import oauth_error
from signet.web.request import Request
from signet.web.response import Response


@endpoint("revoke", methods=("POST",), on_error=oauth_error)
def handler(request: Request) -> Response:
    """Answer 200 once the token is worth nothing, or never was the client's [2.2]."""
    authorization = request.headers.get("authorization")
    wiring.revoke_token()(request.parameters(), authorization=authorization)
    return Response(status=200)
