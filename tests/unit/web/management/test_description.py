"""The description of the API: complete, and made of what there is."""

import ast
import json
import typing

import pytest
from tests.support.management import Desk
from tests.support.sandbox import ROOT

from signet.jose.algorithms import ALGORITHMS
from signet.web.management import models
from signet.web.management.handler import OPERATIONS
from signet.web.management.openapi import codes_of
from signet.web.management.operation import PUBLIC
from signet.web.management.problems import STATUS

DESCRIPTION = Desk().call("GET", "/openapi.json", token=None).json


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_it_describes_every_operation_and_no_other() -> None:
    described = {
        (method.upper(), path) for path, item in DESCRIPTION["paths"].items() for method in item
    }
    assert described == {(operation.method, operation.path) for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_it_names_the_scope_and_every_problem_of_an_operation(operation: typing.Any) -> None:
    described = DESCRIPTION["paths"][operation.path][operation.method.lower()]
    assert described["security"] == (
        [] if operation.scope == PUBLIC else [{"management": [operation.scope]}]
    )
    named: set[str] = set()
    for status, answer in described["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            if media_type == "application/problem+json":
                codes = content["schema"]["properties"]["code"]["enum"]
                assert {STATUS[code] for code in codes} == {int(status)}
                named |= set(codes)
    assert named == set(codes_of(operation))


def test_every_reference_leads_somewhere() -> None:
    schemas = {f"#/components/schemas/{name}" for name in DESCRIPTION["components"]["schemas"]}
    assert references(DESCRIPTION) <= schemas


def test_no_schema_can_hold_a_secret() -> None:
    assert '"client_secret"' not in json.dumps(DESCRIPTION)
    for name, schema in DESCRIPTION["components"]["schemas"].items():
        open_ended = {"KeySet", "PublicKey", "Problem"}
        assert name in open_ended or schema["additionalProperties"] is False, name


def test_the_algorithms_are_those_that_there_are() -> None:
    assert set(typing.get_args(models.ALGORITHM)) == set(ALGORITHMS)


def test_every_code_of_the_managements_errors_has_a_status() -> None:
    """Whoever adds an error there says in the table how it is answered."""
    source = ROOT / "layers" / "signet" / "src" / "signet"
    modules = [
        *(source / "web" / "management").glob("*.py"),
        *(source / "broker" / f"{name}.py" for name in (
            "agreement", "client", "connection", "connection_keys", "connection_test", "cursors",
            "document",
            "idempotency", "managed_clients", "managed_connections", "management_access",
            "registration", "resource_version",
        )),
        source / "adapters" / "dynamodb" / "registered.py",
        source / "adapters" / "dynamodb" / "management.py",
    ]  # fmt: skip
    errors = {"Rejected", "Denied", "Unavailable"}
    raised = {
        node.args[0].value
        for module in modules
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in errors
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised <= set(STATUS)
