"""Lambda function `backchannel_logout`: a provider signs people out [Back-Channel Logout 1.0]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import oauth_error
from signet.web.request import Request
from signet.web.response import Response


@endpoint("backchannel_logout", methods=("POST",), on_error=oauth_error)
def handler(request: Request) -> Response:
    """Take a logout token; 200 says that what it means is ended [2.8]."""
    connection_id = request.path_parameters.get("connection_id", "")
    wiring.provider_logout()(connection_id, request.parameters())
    return Response(status=200)
