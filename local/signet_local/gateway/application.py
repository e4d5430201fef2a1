"""The gateway as an ASGI application: request, event, function, answer."""

import asyncio
import base64
import json
import re
import sys
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from signet_local.gateway.event import HttpRequest, build_event
from signet_local.gateway.functions import Functions
from signet_local.gateway.routes import Routes
from signet_local.template import Template

MAX_BODY = 10 * 1024 * 1024
MAX_HEADERS = 10_240
"""HTTP API's quotas: payload size; request line and header values together."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Gateway:
    """An HTTP API in front of a template's functions; writes its access log to a file."""

    def __init__(self, template: Template, *, access_log: Path) -> None:
        routes = template.routes()
        self._routes = Routes(list(routes))
        self._behind = routes
        self._functions = Functions(template)
        self._log_format = template.access_log_format()
        self._access_log = access_log
        self._pool = ThreadPoolExecutor(max_workers=64, thread_name_prefix="function")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request [ASGI]."""
        if scope["type"] != "http":
            return
        began = monotonic()
        request = _request(scope, await _read_body(receive))
        match = self._routes.match(request.method, request.raw_path)
        answer = _refusal(request)
        request_id = "-"
        if match is None:
            answer = answer or _message(404, "Not Found")
        elif answer is None:
            event = build_event(request, match)
            request_id = event["requestContext"]["requestId"]
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._pool, self._invoke, match.route_key, event)
        self._write_log({
            "requestId": request_id,
            "requestTime": datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "identity.sourceIp": request.source_ip,
            "routeKey": match.route_key if match else "-",
            "httpMethod": request.method,
            "status": str(answer["statusCode"]),
            "responseLength": str(len(answer.get("body") or "")),
            "responseLatency": str(int((monotonic() - began) * 1000)),
        })  # fmt: skip
        await _send(send, answer)

    def _invoke(self, route_key: str, event: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._functions.invoke(self._behind[route_key], event)
        except Exception:  # noqa: BLE001  (Lambda answers for whatever its function raised)
            traceback.print_exc(file=sys.stderr)
            return _message(500, "Internal Server Error")
        return answer if answer is not None else _message(500, "Internal Server Error")

    def _write_log(self, values: dict[str, str]) -> None:
        """Write the stage's own line: what is in it is the template's decision."""
        line = re.sub(
            r"\$context\.([A-Za-z.]+)", lambda found: values.get(found[1], "-"), self._log_format
        )
        with self._access_log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _request(scope: Scope, body: bytes) -> HttpRequest:
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8")
    client = scope.get("client")
    return HttpRequest(
        method=scope["method"],
        raw_path=raw_path.decode("ascii", "replace"),
        query=scope["query_string"].decode("ascii", "replace"),
        headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]],
        body=body,
        source_ip=client[0] if client else "127.0.0.1",
    )


async def _read_body(receive: Receive) -> bytes:
    """Read a body, and no more of it than decides that it is too long."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > MAX_BODY:
            return bytes(body)


def _refusal(request: HttpRequest) -> dict[str, Any] | None:
    """Answer what is too large for HTTP API."""
    request_line = len(request.method) + len(request.raw_path) + len(request.query)
    if request_line + sum(len(value) for _, value in request.headers) > MAX_HEADERS:
        return _message(431, "Request Header Fields Too Large")
    if len(request.body) > MAX_BODY:
        return _message(413, "Request Entity Too Large")
    return None


def _message(status: int, text: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"message": text}),
    }


async def _send(send: Send, answer: dict[str, Any]) -> None:
    body = str(answer.get("body") or "").encode("utf-8")
    if answer.get("isBase64Encoded"):
        body = base64.b64decode(body)
    headers = [
        (str(name).lower().encode("latin-1"), str(value).encode("latin-1"))
        for name, value in answer.get("headers", {}).items()
    ]
    headers += [(b"set-cookie", cookie.encode("latin-1")) for cookie in answer.get("cookies", [])]
    if answer["statusCode"] not in {204, 304}:
        headers.append((b"content-length", str(len(body)).encode("ascii")))
    start = {"type": "http.response.start", "status": answer["statusCode"], "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})
