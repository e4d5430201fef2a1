"""The sample events: each is what the template's routes bring, and each is answered."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloudformation import resources, template
from tests.support.sandbox import (
    EVENTS,
    FUNCTIONS,
    event,
    folder_of,
    invoke,
    unreachable_aws,
)

from signet_local.template import Template

NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))
BUS = ("reap-keys-", "rotate-keys-", "send-logout-")
ON_THE_BUS = [name for name in NAMES if name.startswith(BUS)]
HTTP = [name for name in NAMES if not name.startswith("initialize-") and name not in ON_THE_BUS]

# Without AWS: what is computed is answered, what needs a store is refused.
COMPUTED = ("discovery-", "manage-openapi")
STATUS = {name: 200 if name.startswith(COMPUTED) else 503 for name in HTTP}


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
    assert {folder_of(name) for name in NAMES} == folders


def test_every_route_has_an_event_and_every_event_goes_to_its_routes_function() -> None:
    routes = route_keys()
    assert {event(name)["routeKey"]: folder_of(name) for name in HTTP} == routes


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
    assert template_path.replace("+}", "}").format(**parameters) == sample["rawPath"]
    assert ("body" in sample) == sample["isBase64Encoded"]
    body = base64.b64decode(sample.get("body", ""), validate=True)
    assert int(sample["headers"].get("content-length", 0)) == len(body)


@pytest.mark.parametrize("name", HTTP)
def test_every_handler_answers_its_events_with_a_payload_2_0_response(
    name: str, nowhere: str
) -> None:
    outcome = invoke(FUNCTIONS / folder_of(name) / "app.py", event(name), aws=nowhere)
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


# ------------------------------------------------------------------------------- the event bus
def rules_of(folder: str) -> list[dict[str, Any]]:
    """Return the rules of the template that lead to a function."""
    arn = {"Fn::GetAtt": f"{folder.title().replace('_', '')}Function.Arn"}
    rules = resources("AWS::Events::Rule").values()
    return [rule for rule in rules if rule["Targets"][0]["Arn"] == arn]


@pytest.mark.parametrize("name", ON_THE_BUS)
def test_an_event_of_the_bus_is_one_that_a_rule_brings_to_its_function(name: str) -> None:
    sample = event(name)
    assert set(sample) == {
        "version", "id", "detail-type", "source", "account", "time", "region", "resources",
        "detail",
    }  # fmt: skip
    brought = [
        rule.get("EventPattern", {"source": ["aws.events"], "detail-type": ["Scheduled Event"]})
        for rule in rules_of(folder_of(name))
    ]
    assert any(
        sample["source"] in pattern["source"] and sample["detail-type"] in pattern["detail-type"]
        for pattern in brought
    )


def test_every_type_of_event_that_a_rule_brings_to_a_function_has_a_sample() -> None:
    scheduled = {"detail-type": ["Scheduled Event"]}
    types = {
        kind
        for rule in Template.read().rules()
        for kind in (rule.pattern or scheduled)["detail-type"]
    }
    assert {event(name)["detail-type"] for name in ON_THE_BUS} == types


@pytest.mark.parametrize("name", ON_THE_BUS)
def test_an_event_fails_without_aws_so_that_lambda_tries_it_again(name: str, nowhere: str) -> None:
    outcome = invoke(FUNCTIONS / folder_of(name) / "app.py", event(name), aws=nowhere)
    assert outcome.answer is None
    assert (outcome.error or "").startswith("Unavailable: ")
    assert "defect" not in outcome.log
    (line,) = map(json.loads, outcome.log.splitlines())
    assert (line["message"], line["function_route"]) == ("event failed", folder_of(name))
