"""The description of the management API is true: schemathesis against a running stack.

Requests of every operation are made from the description, right ones and wrong ones; no answer may
be a 5xx, or of a status, a content type, a header or a form that is not described.
"""

from collections.abc import Callable, Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.support.administrator import Administrator
from tests.support.metadata_provider import loopback_provider
from tests.support.stack import Stack

from signet.web.management.handler import OPERATIONS
from signet.web.management.operation import Operation

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    ignored_auth,
]


CONNECTION = {
    "name": "acme",
    "strategy": "oidc",
    "issuer": "http://127.0.0.1:9",
    "client_id": "signet",
}
CLIENT = {
    "client_id": "payroll",
    "name": "Payroll",
    "redirect_uris": ["https://payroll.example/cb"],
    "jwks_uri": "https://payroll.example/jwks.json",
}


@pytest.fixture(scope="module")
def admin() -> Iterator[Administrator]:
    with (
        loopback_provider() as issuer,
        Stack() as stack,
        Administrator(stack.admin()) as administrator,
    ):
        # Somebody has to publish the metadata that an administrator agrees to.
        CONNECTION["issuer"] = issuer
        yield administrator


@pytest.fixture(scope="module")
def api(admin: Administrator) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{admin.issuer}/api/v1/openapi.json")


def every_case(
    api: schemathesis.BaseSchema, operation: Operation, mode: GenerationMode
) -> Callable[[Callable[[Case], None]], None]:
    """Run a function with cases of an operation, always the same ones."""
    strategy = api[operation.path][operation.method].as_strategy(generation_mode=mode)

    def run(check: Callable[[Case], None]) -> None:
        fixed = settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        fixed(given(case=strategy)(check))()

    return run


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_answer_to_a_right_request_is_described(
    api: schemathesis.BaseSchema, admin: Administrator, operation: Operation
) -> None:
    validate(admin, every_case(api, operation, GenerationMode.POSITIVE), lambda _: None)


# There is nothing that could be wrong in a request that carries nothing.
@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.variables or each.body or each.query or each.headers],
    ids=lambda operation: operation.name,
)
def test_every_answer_to_a_wrong_request_is_described(
    api: schemathesis.BaseSchema, admin: Administrator, operation: Operation
) -> None:
    validate(admin, every_case(api, operation, GenerationMode.NEGATIVE), lambda _: None)


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.variables or operation.body],
    ids=lambda operation: operation.name,
)
def test_every_answer_about_what_is_there_is_described(
    api: schemathesis.BaseSchema, admin: Administrator, operation: Operation
) -> None:
    def make_real(case: Case) -> None:
        case.path_parameters = {name: real[name] for name in operation.variables}
        whole = operation.path in {"/connections", "/clients"}
        if whole and operation.method == "POST" and isinstance(case.body, dict):
            case.body |= {n: v for n, v in sample.items() if n not in {"name", "client_id"}}

    def refresh(case: Case) -> None:
        if operation.method == "DELETE":
            real.update(real_ones(admin, operation))
        make_real(case)

    sample = CLIENT if operation.path.startswith("/clients") else CONNECTION
    real = real_ones(admin, operation)
    statuses = validate(admin, every_case(api, operation, GenerationMode.POSITIVE), refresh)
    assert statuses & {200, 201, 202, 204}, "nothing succeeded"


def real_ones(admin: Administrator, operation: Operation) -> dict[str, str]:
    """Return the ids of a connection, a key and a client; they are made where they are not.

    The key is the issuer's or the connection's current one, and the next one where that is asked
    for.
    """
    admin.call("POST", "/connections", CONNECTION)
    admin.call("POST", "/clients", CLIENT)
    connections = admin.call("GET", "/connections").json()["items"]
    found = next(item for item in connections if item["strategy"] == "oidc")
    keys = "/issuer/keys" if "/issuer" in operation.path else f"/connections/{found['id']}/keys"
    state = "next" if operation.name == "approveKey" else "current"
    if state == "next":
        for key in admin.call("GET", keys).json():
            if key["state"] == "previous":  # beside it there is no next one
                admin.call("POST", f"{keys}/{key['kid']}/revoke")
        admin.call("POST", f"{keys}/rotate", {})
    key = next(key for key in admin.call("GET", keys).json() if key["state"] == state)
    return {"connection_id": found["id"], "kid": key["kid"], "client_id": "payroll"}


def validate(
    admin: Administrator,
    run: Callable[[Callable[[Case], None]], None],
    prepare: Callable[[Case], None],
) -> set[int]:
    """Hold every answer against the description, and return which statuses there were."""
    statuses = set()

    def check(case: Case) -> None:
        prepare(case)
        headers = {"Authorization": f"Bearer {admin.token}"}
        response = case.call_and_validate(checks=CHECKS, headers=headers)
        statuses.add(response.status_code)

    run(check)
    return statuses
