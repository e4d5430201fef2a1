"""HTTP API events, payload format 2.0, as requests."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signet.errors import Rejected
from signet.oauth.parameters import FORM_CONTENT_TYPE, parse

MAX_BODY = 65_536
READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; header names are lower-case.

    `query` and `body` are raw, because HTTP API joins duplicated parameters with commas in its
    own reading of them.
    """

    method: str
    path: str
    path_parameters: Mapping[str, str]
    query: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes
    correlation_id: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Request":
        """Read an event."""
        context = event.get("requestContext", {})
        http = context.get("http", {})
        return cls(
            method=http.get("method", "").upper(),
            path=event.get("rawPath", ""),
            path_parameters=event.get("pathParameters") or {},
            query=event.get("rawQueryString", ""),
            headers={name.lower(): value for name, value in event.get("headers", {}).items()},
            cookies=_cookies(event.get("cookies") or []),
            body=_body(event),
            correlation_id=context.get("requestId", ""),
        )

    def parameters(self) -> dict[str, str]:
        """Read the parameters of a GET's query or of a POST's form, never of both.

        Raises:
            Rejected: `invalid_request`.
        """
        if self.method in READING:
            return parse(self.query)
        if self.query:
            raise Rejected("invalid_request", "Parameters belong into the body of a POST.")
        return self.form()

    def form(self) -> dict[str, str]:
        """Read a form body.

        Raises:
            Rejected: `invalid_request`: another content type, too long, or not text.
        """
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != FORM_CONTENT_TYPE:
            raise Rejected("invalid_request", f"The body has to be {FORM_CONTENT_TYPE}.")
        if len(self.body) > MAX_BODY:
            raise Rejected("invalid_request", "The body is too long.")
        try:
            return parse(self.body.decode("ascii"))
        except UnicodeDecodeError as error:
            raise Rejected("invalid_request", "The body is not percent-encoded.") from error


def _cookies(pairs: list[str]) -> dict[str, str]:
    """Read cookies; a name that comes twice counts as absent, for one of the two was planted."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return b""
