"""Errors of the management API: one table of codes, and problem documents [RFC 9457]."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from signet.errors import SignetError, Unavailable
from signet.web.challenge import challenge
from signet.web.request import Request
from signet.web.response import Response

STATUS: Mapping[str, int] = {
    "invalid_request": 400,
    "invalid_json": 400,
    "invalid_connection": 400,
    "invalid_client_metadata": 400,
    "invalid_redirect_uri": 400,
    "invalid_cursor": 400,
    "invalid_idempotency_key": 400,
    "client_secret_refused": 400,
    "destination_refused": 400,
    "provider_metadata": 400,
    "invalid_token": 401,
    "invalid_dpop_proof": 401,
    "use_dpop_nonce": 401,
    "insufficient_scope": 403,
    "deployment_client": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "name_taken": 409,
    "domain_taken": 409,
    "client_id_taken": 409,
    "idempotency_in_progress": 409,
    "rotation_refused": 409,
    "version_mismatch": 412,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "idempotency_key_reused": 422,
    "provider_unreachable": 422,
    "server_error": 500,
    "keyring_missing": 500,
    "nonce_seed_missing": 500,
    "certificate_missing": 500,
    "key_not_proved": 500,
    "signing_key": 500,
    "busy": 503,
    "signing_unavailable": 503,
    "store_unavailable": 503,
    "destination_unavailable": 503,
    "test_too_soon": 429,
}
"""Every code that the management API answers with; a test holds the code against it."""

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER: Mapping[str, str] = {"idempotency_in_progress": "2", "test_too_soon": "10"}


def problem(error: SignetError, request: Request) -> Response:
    """Show an error; a code that nobody listed has its kind's status."""
    status = STATUS.get(error.code, error.status)
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.public,
        "code": error.code,
        "correlation_id": request.correlation_id,
    }
    return Response(
        status=status,
        headers={"content-type": MEDIA_TYPE, **_challenge(status, error, request), **_retry(error)},
        body=json.dumps(document, separators=(",", ":")),
        problem=error,
    )


def _challenge(status: int, error: SignetError, request: Request) -> dict[str, str]:
    """Say what is asked for, also to a caller who may not do this."""
    if status not in {401, 403}:
        return {}
    code = "insufficient_scope" if status == 403 else error.code  # noqa: PLR2004
    return challenge(code, error, request)


def _retry(error: SignetError) -> dict[str, str]:
    if isinstance(error, Unavailable):
        return {"retry-after": "5"}
    seconds = _RETRY_AFTER.get(error.code)
    return {"retry-after": seconds} if seconds is not None else {}
