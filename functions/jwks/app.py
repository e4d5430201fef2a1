"""Lambda function `jwks`: the issuer's and each connection's public keys [RFC 7517 5]."""

from signet import wiring
from signet.broker.connection_id import is_connection_id
from signet.broker.keyring import ISSUER
from signet.errors import Rejected
from signet.web.endpoint import endpoint
from signet.web.errors import published_error
from signet.web.published import published
from signet.web.request import Request
from signet.web.response import Response


@endpoint("jwks", methods=("GET",), on_error=published_error)
def handler(request: Request) -> Response:
    """Answer a JWK Set from the keyring's record."""
    owner = request.path_parameters.get("connection_id", ISSUER)
    if owner != ISSUER and not is_connection_id(owner):
        raise Rejected("not_found", "There is nothing here.")
    jwks = wiring.publish_jwks()(owner)
    return published(
        request, jwks.document, max_age=jwks.max_age, stale_if_error=jwks.stale_if_error
    )
