"""The gateway from request to answer, over functions that stand here."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from signet_local.gateway.application import MAX_BODY, MAX_HEADERS, Gateway
from signet_local.template import Template

FUNCTION = """
import json, time


def handler(event, context):
    path = event["rawPath"]
    if path == "/raise":
        raise ValueError("a secret thing")
    if path == "/nothing":
        return None
    if path == "/binary":
        return {"statusCode": 200, "isBase64Encoded": True, "body": "/w=="}
    if path == "/empty":
        return {"statusCode": 204}
    if path == "/echo":
        told = {"name": context.function_name, "left": context.get_remaining_time_in_millis()}
        return {"statusCode": 200, "body": json.dumps({"event": event, "context": told})}
    return {
        "statusCode": 302,
        "headers": {"Location": "https://app.example/", "X-Two": "1"},
        "cookies": ["a=1; Path=/", "b=2; Path=/"],
        "body": "ä",
    }
"""
LOG_FORMAT = '{"route":"$context.routeKey","status":"$context.status","no":"$context.nothing.here"}'


@dataclass
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    unread: int

    def header(self, name: str) -> list[str]:
        return [value.decode() for key, value in self.headers if key == name.encode()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def gateway(tmp_path: Path, log: Path) -> Gateway:
    folder = tmp_path / "functions" / "gateway-test"
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(FUNCTION)
    paths = ("raise", "nothing", "binary", "empty", "echo", "redirect")
    routes = {
        f"Route{path}": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "RouteKey": f"ANY /{path}", "Target": {"Fn::Sub": "integrations/${Integration}"},
            },
        }
        for path in paths
    }  # fmt: skip
    uri = "arn:aws:apigateway:functions/${Code.Arn}/invocations"
    template = Template(
        resources={
            "Code": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": str(folder), "Timeout": 9},
            },
            "Integration": {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {"IntegrationUri": {"Fn::Sub": uri}},
            },
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {"AccessLogSettings": {"Format": LOG_FORMAT}},
            },
            **routes,
        }
    )
    return Gateway(template, access_log=log)


def ask(
    gateway: Gateway,
    path: str,
    *,
    method: str = "GET",
    query: str = "",
    headers: Sequence[tuple[str, str]] = (),
    chunks: Sequence[bytes] = (b"",),
) -> Answer:
    """Ask as an ASGI server does."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 5),
    }
    left = list(chunks)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(gateway(scope, receive, send))
    start, *bodies = sent
    body = b"".join(message["body"] for message in bodies)
    return Answer(status=start["status"], headers=start["headers"], body=body, unread=len(left))


def test_an_answer_keeps_its_status_headers_cookies_and_body(gateway: Gateway) -> None:
    answer = ask(gateway, "/redirect")
    assert (answer.status, answer.body) == (302, "ä".encode())
    assert answer.header("location") == ["https://app.example/"]
    assert answer.header("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert answer.header("content-length") == ["2"]


def test_a_binary_answer_is_decoded(gateway: Gateway) -> None:
    assert ask(gateway, "/binary").body == b"\xff"


def test_an_answer_without_content_has_no_length(gateway: Gateway) -> None:
    answer = ask(gateway, "/empty")
    assert (answer.status, answer.body, answer.header("content-length")) == (204, b"", [])


def test_head_reaches_the_function_behind_any(gateway: Gateway) -> None:
    answer = ask(gateway, "/echo", method="HEAD")
    assert json.loads(answer.body)["event"]["requestContext"]["http"]["method"] == "HEAD"


def test_a_body_in_pieces_arrives_whole(gateway: Gateway) -> None:
    headers = [("content-type", "text/plain")]
    answer = ask(gateway, "/echo", method="POST", headers=headers, chunks=[b"a", b"", b"bc"])
    assert json.loads(answer.body)["event"]["body"] == "abc"


def test_a_function_is_told_its_name_and_its_time(gateway: Gateway) -> None:
    told = json.loads(ask(gateway, "/echo").body)["context"]
    assert told["name"] == "gateway-test"
    assert 0 < told["left"] <= 9_000


def test_what_has_no_route_is_not_found(gateway: Gateway) -> None:
    answer = ask(gateway, "/elsewhere")
    assert (answer.status, json.loads(answer.body)) == (404, {"message": "Not Found"})


@pytest.mark.parametrize("path", ["/raise", "/nothing"])
def test_a_function_that_fails_tells_the_client_nothing(gateway: Gateway, path: str) -> None:
    answer = ask(gateway, path)
    assert answer.status == 500
    assert json.loads(answer.body) == {"message": "Internal Server Error"}
    assert not [
        name for name, _ in answer.headers if name not in {b"content-type", b"content-length"}
    ]


def test_request_line_and_header_values_have_one_quota_together(gateway: Gateway) -> None:
    """HTTP API: "total combined size of request line and header values"."""
    line = len("GET") + len("/echo") + len("a=1")
    fits = [("x", "v" * (MAX_HEADERS - line))]
    assert ask(gateway, "/echo", query="a=1", headers=fits).status == 200
    assert ask(gateway, "/echo", query="a=12", headers=fits).status == 431
    assert ask(gateway, "/echo", query="q" * MAX_HEADERS).status == 431


def test_too_large_a_body_is_refused_before_it_is_read_whole(gateway: Gateway) -> None:
    """The pieces after the one that is too much are never asked for."""
    piece = b"x" * (MAX_BODY // 2)
    assert ask(gateway, "/empty", method="POST", chunks=[piece, piece]).status == 204
    answer = ask(gateway, "/empty", method="POST", chunks=[piece, piece, b"x", *[b"y"] * 50])
    assert (answer.status, answer.unread) == (413, 50)
    assert json.loads(answer.body) == {"message": "Request Entity Too Large"}


def test_what_is_too_large_never_reaches_the_function(gateway: Gateway) -> None:
    assert ask(gateway, "/raise", query="q" * MAX_HEADERS).status == 431
    assert ask(gateway, "/raise", method="POST", chunks=[b"x" * (MAX_BODY + 1)]).status == 413


def test_the_access_log_has_the_templates_line_and_no_parameter(
    gateway: Gateway, log: Path
) -> None:
    ask(gateway, "/echo", query="code=secret-code", headers=[("cookie", "login=secret-cookie")])
    ask(gateway, "/secret-path")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines == [
        {"route": "ANY /echo", "status": "200", "no": "-"},
        {"route": "-", "status": "404", "no": "-"},
    ]


def test_the_deployed_log_format_names_no_query_cookie_body_or_path() -> None:
    named = Template.read().access_log_format()
    for variable in ("queryString", "path", "cookie", "header", "authorizer", "body"):
        assert variable not in named


def test_anything_but_http_is_left_alone(gateway: Gateway) -> None:
    async def never(*_: object) -> Any:
        raise AssertionError

    asyncio.run(gateway({"type": "websocket"}, never, never))
