"""Lambda function `discovery`: our own metadata [OIDC Discovery 4; RFC 8414 3]."""

import json

from signet import wiring
from signet.jose.algorithms import ALGORITHMS
from signet.oidc.discovery import issuer_metadata
from signet.web.endpoint import endpoint
from signet.web.errors import oauth_error
from signet.web.published import published
from signet.web.request import Request
from signet.web.response import Response


@endpoint("discovery", methods=("GET",), on_error=oauth_error)
def handler(request: Request) -> Response:
    """Answer the metadata document, the same for both well-known addresses."""
    metadata = issuer_metadata(
        wiring.settings().issuer,
        id_token_algs=("RS256",),
        assertion_algs=tuple(ALGORITHMS),
        sessions=wiring.settings().keeps_sessions,
    )
    document = json.dumps(metadata, separators=(",", ":")).encode("ascii")
    return published(request, document, max_age=wiring.settings().jwks_max_age)
