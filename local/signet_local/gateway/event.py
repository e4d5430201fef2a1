"""Make the event of one HTTP request, as API Gateway's HTTP API does (payload format 2.0).

What differs from a plain reading of the request, and what handlers have to live with: header names
in lower case, repeated headers and query parameters joined with commas, cookies taken out of the
headers, and bodies that are not text in base64 (forms count as such).
"""

import base64
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from signet_local.gateway.routes import Match

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as it came in: `raw_path` and `query` undecoded, headers in their order."""

    method: str
    raw_path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str


def build_event(request: HttpRequest, match: Match) -> dict[str, Any]:
    """Build the event for a function behind the matched route."""
    headers = _headers(request)
    cookies = [
        pair.strip()
        for name, value in request.headers
        if name.lower() == "cookie"
        for pair in value.split(";")
        if pair.strip()
    ]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route_key,
        "rawPath": unquote(request.raw_path),
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": _context(request, match, headers),
        **_body(request, headers),
    }
    if cookies:
        event["cookies"] = cookies
    if request.query:
        event["queryStringParameters"] = _query_parameters(request.query)
    if match.path_parameters:
        event["pathParameters"] = dict(match.path_parameters)
    return event


def _headers(request: HttpRequest) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in request.headers:
        key = name.lower()
        if key != "cookie":
            joined[key] = f"{joined[key]},{value}" if key in joined else value
    host = joined.get("host", "")
    return {
        **joined,
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        "x-forwarded-for": request.source_ip,
        "x-forwarded-port": host.rpartition(":")[2] if ":" in host else "443",
        "x-forwarded-proto": "https",
    }


def _context(request: HttpRequest, match: Match, headers: Mapping[str, str]) -> dict[str, Any]:
    now = datetime.now(UTC)
    host = headers.get("host", "")
    return {
        "accountId": "anonymous",
        "apiId": "local",
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": unquote(request.raw_path),
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": base64.b64encode(uuid.uuid4().bytes[:11]).decode("ascii"),
        "routeKey": match.route_key,
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _query_parameters(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: HttpRequest, headers: Mapping[str, str]) -> dict[str, Any]:
    if not request.body:
        return {"isBase64Encoded": False}
    if headers.get("content-type", "").lower().startswith(_TEXT):
        return {"body": request.body.decode("utf-8", "replace"), "isBase64Encoded": False}
    return {"body": base64.b64encode(request.body).decode("ascii"), "isBase64Encoded": True}
