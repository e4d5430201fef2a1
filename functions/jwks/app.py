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
    """Answer a JWK Set from the keyring's record; KMS is never asked here.

    The keys of a removed connection are gone at once: nothing signs with them any more.
    """
    owner = request.path_parameters.get("connection_id", ISSUER)
    if owner != ISSUER and not is_connection_id(owner):
        raise _not_found()
    keyring = wiring.keyrings().get(owner)
    if keyring is None or keyring.deleted_at is not None:
        raise _not_found()
    return published(request, keyring.jwks(), max_age=wiring.settings().jwks_max_age)


def _not_found() -> Rejected:
    return Rejected("not_found", "There is nothing here.")
