"""Who may call what: every operation of the table, and nothing besides."""

import re

import pytest
from tests.support.management import EVERY_SCOPE, Desk

from signet.broker.client import MANAGEMENT_SCOPES
from signet.errors import Misconfigured
from signet.web.management.handler import OPERATIONS, get_description
from signet.web.management.operation import PUBLIC, Operation

GUARDED = [operation for operation in OPERATIONS if operation.scope != PUBLIC]
NAMES = [operation.name for operation in GUARDED]
MADE_UP = {
    "connection_id": f"con_{'a' * 26}",
    "client_id": "nobody",
    "kid": "k" * 43,
}


def path_of(operation: Operation) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: MADE_UP[found[1]], operation.path)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_only_the_description_is_for_everybody() -> None:
    assert [o.name for o in OPERATIONS if o.scope == PUBLIC] == ["getDescription"]


@pytest.mark.parametrize("scope", ["", "everything", "openid"])
def test_an_operation_that_nobody_said_who_may_call_cannot_be_made(scope: str) -> None:
    with pytest.raises(Misconfigured):
        Operation(
            name="forgotten", method="GET", path="/forgotten", scope=scope, summary="",
            use=get_description, answers={},
        )  # fmt: skip


@pytest.mark.parametrize("operation", GUARDED, ids=NAMES)
def test_without_a_token_nothing_is_answered_and_nothing_is_read(
    desk: Desk, operation: Operation
) -> None:
    answer = desk.call(
        operation.method, path_of(operation), token=None, query="unknown=1", body="{not json"
    )
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer, DPoP algs="ES256 PS256"'


@pytest.mark.parametrize("operation", GUARDED, ids=NAMES)
def test_with_every_scope_but_its_own_an_operation_is_refused(
    desk: Desk, operation: Operation
) -> None:
    others = " ".join(scope for scope in MANAGEMENT_SCOPES if scope != operation.scope)
    answer = desk.call(operation.method, path_of(operation), {}, token=f"admin2 {others}")
    assert (answer.status, answer.code) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("operation", GUARDED, ids=NAMES)
def test_reading_needs_a_scope_to_read_and_writing_one_to_write(operation: Operation) -> None:
    resource, _, action = operation.scope.partition(":")
    assert (action == "read") == (operation.method == "GET")
    assert resource in operation.path


@pytest.mark.parametrize("method", ["HEAD", "head"])
def test_head_needs_the_token_that_get_needs(desk: Desk, method: str) -> None:
    desk.connect()
    assert desk.call(method, "/connections", token=None).status == 401
    answer = desk.call(method, "/connections")
    assert (answer.status, answer.body) == (200, "")


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "PROPFIND"])
def test_another_method_is_told_which_there_are(desk: Desk, method: str) -> None:
    answer = desk.call(method, "/connections")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_header_cannot_override_the_method(desk: Desk) -> None:
    made = desk.connect()
    overriding = {"x-http-method-override": "DELETE", "x-method-override": "DELETE"}
    answer = desk.call("GET", f"/connections/{made['id']}", headers=overriding)
    assert answer.status == 200
    assert desk.call("GET", f"/connections/{made['id']}").status == 200


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/connections/", "/connections//keys", "/connections/a/b/c"]
)
def test_what_is_not_there_is_a_problem_too(desk: Desk, path: str) -> None:
    answer = desk.call("GET", path)
    assert (answer.status, answer.code) == (404, "not_found")


def test_an_id_that_cannot_be_one_is_as_unknown_as_any_other(desk: Desk) -> None:
    for path in ("/connections/issuer", "/connections/con_x/keys", "/clients/%2e", "/clients/å"):
        assert desk.call("GET", path, token=f"admin2 {EVERY_SCOPE}").status == 404


def test_the_issuers_own_keys_are_no_connections(desk: Desk) -> None:
    assert desk.call("GET", "/connections/issuer/keys").code == "not_found"
    assert desk.call("DELETE", "/connections/issuer").code == "not_found"
    assert not desk.broker.kms.scheduled


# --- nobody gives more than they have
def test_a_client_cannot_register_one_that_may_manage_more(desk: Desk) -> None:
    desk.administrator("registrar", ["clients:read", "clients:write"])
    document = desk.client(grant_types=["client_credentials"], scopes=["keys:revoke"])
    answer = desk.call("POST", "/clients", document, token=f"registrar {EVERY_SCOPE}")
    assert (answer.status, answer.code) == (403, "insufficient_scope")
    own = {**document, "scopes": ["clients:read"]}
    assert desk.call("POST", "/clients", own, token=f"registrar {EVERY_SCOPE}").status == 201


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_client_cannot_take_over_one_that_may_manage_more(desk: Desk, method: str) -> None:
    desk.administrator("registrar", ["clients:read", "clients:write"])
    patch = {"jwks": {"keys": [desk.app.jwk]}, "scopes": ["openid"]} if method == "PATCH" else None
    answer = desk.call(method, "/clients/admin2", patch, token=f"registrar {EVERY_SCOPE}")
    assert (answer.status, answer.code) == (403, "insufficient_scope")


def test_a_client_cannot_give_itself_more(desk: Desk) -> None:
    desk.administrator("registrar", ["clients:read", "clients:write"])
    patch = {"scopes": ["clients:read", "clients:write", "connections:write"]}
    answer = desk.call("PATCH", "/clients/registrar", patch, token=f"registrar {EVERY_SCOPE}")
    assert answer.code == "insufficient_scope"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_deployments_own_client_is_not_changed_here(desk: Desk, method: str) -> None:
    desk.administrator("admin", MANAGEMENT_SCOPES)
    patch = {"enabled": False} if method == "PATCH" else None
    answer = desk.call(method, "/clients/admin", patch)
    assert (answer.status, answer.code) == (403, "deployment_client")
