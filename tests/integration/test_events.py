"""The sample events: each is what the template's routes bring, and each is answered."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloudformation import resources, template
from tests.support.sandbox import EVENTS, FUNCTIONS, event, invoke, unreachable_aws

NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))
HTTP = [name for name in NAMES if not name.startswith("initialize-")]

# Without AWS: what is computed is answered, what needs a store is refused.
STATUS = {name: 200 if name.startswith("discovery-") else 503 for name in HTTP}


def function_of(name: str) -> str:
    return name.partition("-")[0]


def route_keys() -> dict[str, str]:
    """Return the folder of the function behind each route key of the template."""
    folders: dict[str, str] = {}
    for route in resources("AWS::ApiGatewayV2::Route").values():
        found = re.search(r"\$\{(\w+)Integration\}", route["Target"]["Fn::Sub"])
        assert found is not None
        function = resources("AWS::Serverless::Function")[f"{found[1]}Function"]
        folders[route["RouteKey"]] = function["CodeUri"].removeprefix("functions/")
    return folders


@pytest.fixture(scope="module")
def nowhere() -> Iterator[str]:
    with unreachable_aws() as address:
        yield address


def test_every_function_has_an_event() -> None:
    folders = {path.parent.name for path in FUNCTIONS.glob("*/app.py")}
    assert {function_of(name) for name in NAMES} == folders


def test_every_route_has_an_event_and_every_event_goes_to_its_routes_function() -> None:
    routes = route_keys()
    assert {event(name)["routeKey"]: function_of(name) for name in HTTP} == routes


@pytest.mark.parametrize("name", HTTP)
def test_an_event_agrees_with_itself_as_the_http_api_makes_it(name: str) -> None:
    sample = event(name)
    context = sample["requestContext"]
    assert sample["version"] == "2.0"
    assert context["routeKey"] == sample["routeKey"]
    assert context["http"]["path"] == sample["rawPath"]
    assert context["stage"] == "$default"
    assert all(header == header.lower() for header in sample["headers"])
    assert "cookie" not in sample["headers"]  # payload 2.0 moves them into `cookies`
    template_path = sample["routeKey"].removeprefix("ANY ")
    parameters = sample.get("pathParameters", {})
    assert template_path.format(**parameters) == sample["rawPath"]
    assert ("body" in sample) == sample["isBase64Encoded"]
    body = base64.b64decode(sample.get("body", ""), validate=True)
    assert int(sample["headers"].get("content-length", 0)) == len(body)


@pytest.mark.parametrize("name", HTTP)
def test_every_handler_answers_its_events_with_a_payload_2_0_response(
    name: str, nowhere: str
) -> None:
    outcome = invoke(FUNCTIONS / function_of(name) / "app.py", event(name), aws=nowhere)
    assert outcome.error is None
    assert "defect" not in outcome.log
    check_response(outcome.answer)
    assert outcome.answer["statusCode"] == STATUS[name], outcome.answer


def check_response(answer: dict[str, Any]) -> None:
    assert set(answer) <= {"statusCode", "headers", "body", "cookies", "isBase64Encoded"}
    assert isinstance(answer["statusCode"], int)
    assert isinstance(answer["body"], str)
    assert answer["isBase64Encoded"] is False
    headers = answer["headers"]
    assert all(isinstance(value, str) and name == name.lower() for name, value in headers.items())
    if answer["statusCode"] == 503:
        assert int(headers["retry-after"]) > 0
        assert headers["cache-control"] == "no-store"
    if headers["content-type"] == "application/json":
        assert isinstance(json.loads(answer["body"]), dict)


@pytest.mark.parametrize("name", ["initialize-create", "initialize-delete"])
def test_the_custom_resource_comes_as_far_as_its_answer(name: str, nowhere: str) -> None:
    # The sample's address leads nowhere, on purpose: the refusal of it is the last step.
    outcome = invoke(FUNCTIONS / "initialize" / "app.py", event(name), aws=nowhere)
    assert outcome.answer is None
    assert outcome.error is not None
    assert outcome.error.startswith("DestinationRefused")
    assert "defect" not in outcome.log


@pytest.mark.parametrize("name", ["initialize-create", "initialize-delete"])
def test_the_custom_resource_event_carries_what_the_template_gives(name: str) -> None:
    given = template()["Resources"]["Initialization"]
    assert event(name)["ResourceType"] == given["Type"]
    assert set(event(name)["ResourceProperties"]) == set(given["Properties"])
