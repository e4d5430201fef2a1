"""Documents that anybody may fetch and keep: strong ETag, 304, max-age [RFC 9110 8.8, 13.1.2].

And for how long past that, in seconds, while they cannot be fetched: stale-if-error [RFC 5861 4].
"""

import hashlib

from signet.web.request import Request
from signet.web.response import Response


def published(
    request: Request, document: bytes, *, max_age: int, stale_if_error: int | None = None
) -> Response:
    """Answer a JSON document, or 304 to somebody who has it."""
    kept = f"public, max-age={max_age}"
    if stale_if_error is not None:
        kept += f", stale-if-error={stale_if_error}"
    etag = f'"{hashlib.sha256(document).hexdigest()[:32]}"'
    headers = {
        "etag": etag,
        "cache-control": kept,
        "access-control-allow-origin": "*",
    }
    if has_tag(request.headers.get("if-none-match", ""), etag):
        return Response(status=304, headers=headers)
    return Response(
        status=200,
        headers={"content-type": "application/json", **headers},
        body=document.decode("ascii"),
    )


def has_tag(if_none_match: str, etag: str) -> bool:
    """Tell whether If-None-Match names a tag, or any [RFC 9110 13.1.2]."""
    known = [value.strip().removeprefix("W/") for value in if_none_match.split(",")]
    return etag in known or known == ["*"]
