"""Events as HTTP API makes them (developer guide, "payload format version", 2.0)."""

import base64
from typing import Any

import pytest

from signet.web.request import Request
from signet_local.gateway.event import HttpRequest, build_event
from signet_local.gateway.routes import Match

MATCH = Match(route_key="ANY /things/{id}", path_parameters={"id": "a b"})


def event_of(**changes: Any) -> dict[str, Any]:
    members: dict[str, Any] = {
        "method": "GET",
        "raw_path": "/things/a%20b",
        "query": "",
        "headers": [("Host", "127.0.0.1:8080")],
        "body": b"",
        "source_ip": "127.0.0.1",
        **changes,
    }
    return build_event(HttpRequest(**members), changes.pop("match", MATCH))


def test_an_event_has_the_members_of_payload_format_2() -> None:
    event = event_of(query="a=1", headers=[("Host", "api.example"), ("User-Agent", "test")])
    assert event["version"] == "2.0"
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "ANY /things/{id}"
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/things/a b"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["isBase64Encoded"] is False
    assert "body" not in event
    context = event["requestContext"]
    assert context["stage"] == "$default"
    assert context["domainName"] == "api.example"
    assert context["domainPrefix"] == "api"
    assert context["requestId"]
    assert context["http"]["method"] == "GET"
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert context["http"]["userAgent"] == "test"


@pytest.mark.parametrize("member", ["cookies", "queryStringParameters"])
def test_what_did_not_come_is_not_there(member: str) -> None:
    assert member not in event_of()


@pytest.mark.parametrize("query", ["a=1&a=2", "a", "a=", "&&", "a=%41&b=+", "redirect=http://x?y"])
def test_the_raw_query_string_is_untouched(query: str) -> None:
    assert event_of(query=query)["rawQueryString"] == query


def test_repeated_query_parameters_are_joined_with_commas() -> None:
    parameters = event_of(query="a=1&b=&a=2%2C3&%61=x")["queryStringParameters"]
    assert parameters == {"a": "1,2,3,x", "b": ""}


def test_header_names_come_in_lower_case_and_repeated_ones_joined() -> None:
    headers = event_of(headers=[("X-One", "1"), ("x-ONE", "2"), ("Host", "h")])["headers"]
    assert headers["x-one"] == "1,2"
    assert not [name for name in headers if name != name.lower()]


def test_cookies_are_a_list_of_their_own() -> None:
    event = event_of(headers=[("Cookie", "a=1; b=2"), ("COOKIE", "a=3;c="), ("Host", "h")])
    assert event["cookies"] == ["a=1", "b=2", "a=3", "c="]
    assert "cookie" not in event["headers"]


def test_a_cookie_that_was_planted_beside_ours_is_seen_as_two() -> None:
    """The handler's rule of duplicates needs both of them in the event."""
    event = event_of(headers=[("Cookie", "login=ours"), ("Cookie", "login=theirs; other=1")])
    assert Request.from_event(event).cookies == {"other": "1"}


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "text/plain", "application/xml"],
)
def test_text_comes_as_it_is(content_type: str) -> None:
    body = '{"ä": 1}'
    event = event_of(body=body.encode(), headers=[("Content-Type", content_type)])
    assert (event["body"], event["isBase64Encoded"]) == (body, False)


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "application/x-www-form-urlencoded")],
        [("Content-Type", "application/octet-stream")],
        [],
    ],
)
def test_everything_else_comes_in_base64(headers: list[tuple[str, str]]) -> None:
    event = event_of(method="POST", body=b"a=1&\xff", headers=headers)
    assert (event["body"], event["isBase64Encoded"]) == (
        base64.b64encode(b"a=1&\xff").decode(), True
    )  # fmt: skip
    assert Request.from_event(event).body == b"a=1&\xff"


def test_what_a_client_says_of_forwarding_does_not_reach_a_handler() -> None:
    event = event_of(
        headers=[("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "ftp"), ("Host", "h")]
    )
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["headers"]["x-forwarded-proto"] == "https"


def test_each_request_has_its_own_id() -> None:
    assert len({event_of()["requestContext"]["requestId"] for _ in range(50)}) == 50
