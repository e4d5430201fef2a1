"""References to pushed authorization requests of applications [RFC 9126 2.2]."""

import re

PREFIX = "urn:ietf:params:oauth:request_uri:"
LIFETIME_SECONDS = 90  # 5 to 600 s [RFC 9126 2.2]: a browser needs one redirect, and no more

_REFERENCE = re.compile(r"[A-Za-z0-9_-]{43}")


def request_uri_of(reference: str) -> str:
    """Write the request_uri of a random reference."""
    return f"{PREFIX}{reference}"


def reference_of(request_uri: str) -> str | None:
    """Return the reference of a request_uri of ours; None for what cannot be one."""
    reference = request_uri.removeprefix(PREFIX)
    if not request_uri.startswith(PREFIX) or not _REFERENCE.fullmatch(reference):
        return None
    return reference
