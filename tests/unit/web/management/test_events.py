"""The audit over the management API: what it answers, and that no write goes by unrecorded."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.management import Answered, Desk, connection
from tests.support.memory import MemoryAuditLog

from signet.broker.event import Event
from signet.errors import Misconfigured, Unavailable
from signet.web.management.handler import OPERATIONS
from signet.web.management.operation import PUBLIC, Operation


@pytest.fixture
def desk() -> Desk:
    return Desk()


def recorded(desk: Desk) -> list[dict[str, Any]]:
    """Return every event, the oldest first."""
    answer = desk.call("GET", "/events", query="limit=100")
    assert answer.status == 200, answer.body
    items: list[dict[str, Any]] = answer.json["items"]
    return items[::-1]


def outcomes(desk: Desk) -> list[tuple[str, str, str]]:
    return [(item["type"], item["outcome"], item["subject"]) for item in recorded(desk)]


# --- reading ---------------------------------------------------------------------------------


def test_an_event_is_shown_with_its_place(desk: Desk) -> None:
    made = desk.connect()
    started, ended = recorded(desk)
    assert ended == {
        "id": ended["id"],
        "seq": 2,
        "time": "2027-01-15T08:00:00Z",
        "actor": "admin2",
        "type": "ConnectionCreated",
        "subject": made["id"],
        "connection": made["id"],
        "outcome": "success",
        "kid": None,
        "jti": None,
        "kms_request_id": None,
        "detail": {
            "request": "made-up",
            "members": "client_id,issuer,name,strategy,token_endpoint_auth_signing_alg",
        },
        "prev_hash": started["hash"],
        "hash": ended["hash"],
    }


def test_parts_follow_each_other_by_cursors(desk: Desk) -> None:
    desk.connect()
    desk.register()
    first = desk.call("GET", "/events", query="limit=3").json
    rest = desk.call("GET", "/events", query=f"limit=3&cursor={first['next_cursor']}").json
    assert [item["seq"] for item in first["items"] + rest["items"]] == [4, 3, 2, 1]
    assert rest["next_cursor"] is None


def test_a_cursor_goes_on_with_what_it_began_with_alone(desk: Desk) -> None:
    desk.connect()
    cursor = desk.call("GET", "/events", query="limit=1").json["next_cursor"]
    other = desk.call("GET", "/events", query=f"type=ConnectionCreated&cursor={cursor}")
    assert other.code == "invalid_cursor"


def test_events_are_filtered(desk: Desk) -> None:
    made = desk.connect()
    desk.register()

    def types(query: str) -> list[str]:
        items = desk.call("GET", "/events", query=query).json["items"]
        return [item["type"] for item in items]

    assert types("type=ClientCreated") == ["ClientCreated"] * 2
    assert types(f"connection={made['id']}") == ["ConnectionCreated"]
    assert types("from=2027-01-15T08:00:01Z") == []
    assert types("to=2027-01-15T08:00:00Z") == []
    assert len(types("from=2027-01-15T08:00:00Z&to=2027-01-15T08:00:01Z")) == 4


@pytest.mark.parametrize(
    "query",
    [
        "type=lower", "type=A-B", "connection=acme", "from=yesterday", "to=1800000000",
        "from=2027-01-15", "limit=101", "unknown=1", "type=",
    ],
)  # fmt: skip
def test_what_is_asked_for_in_another_form_is_refused(desk: Desk, query: str) -> None:
    assert desk.call("GET", "/events", query=query).code == "invalid_request"


@pytest.mark.parametrize("path", ["/events", "/events/verify"])
def test_the_audit_is_read_with_its_own_scope(desk: Desk, path: str) -> None:
    answer = desk.call("GET", path, token="admin2 connections:read clients:write")
    assert answer.code == "insufficient_scope"
    assert desk.call("GET", path, token="admin2 events:read").status == 200


def test_the_chain_is_verified(desk: Desk) -> None:
    desk.connect()
    desk.api.events.sealer.seal()
    desk.anchor()
    told = desk.call("GET", "/events/verify").json
    assert (told["holds"], told["events"], told["checkpoint"]["seq"]) == (True, 2, 2)
    del desk.log.sealed[1]
    told = desk.call("GET", "/events/verify", query="from_seq=1").json
    assert (told["holds"], told["broken_at"]) == (False, 1)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "01", "1" * 13])
def test_a_verification_begins_with_an_event(desk: Desk, text: str) -> None:
    assert desk.call("GET", "/events/verify", query=f"from_seq={text}").code == "invalid_request"


# --- recording -------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_write_has_an_event_and_no_read_has_one(operation: Operation) -> None:
    assert (operation.event is not None) == (operation.method != "GET")


def test_a_write_without_an_event_cannot_be_made() -> None:
    with pytest.raises(Misconfigured) as refused:
        Operation(
            name="breakIn", method="POST", path="/x", scope=PUBLIC, summary="", answers={},
            use=lambda call: pytest.fail(str(call)),
        )  # fmt: skip
    assert refused.value.code == "operation_event"


def test_every_write_is_recorded_before_and_after(desk: Desk) -> None:
    made = desk.connect()
    path = f"/connections/{made['id']}"
    desk.call("PATCH", path, {"display_name": "Acme"})
    desk.call("POST", f"{path}/test")
    desk.call("POST", f"{path}/metadata")
    desk.call("DELETE", path)
    client = desk.register(client_id="payroll")
    desk.call("PATCH", "/clients/payroll", {"enabled": False})
    desk.call("DELETE", "/clients/payroll")
    assert outcomes(desk) == [
        ("ConnectionCreated", "started", "new"),
        ("ConnectionCreated", "success", made["id"]),
        ("ConnectionChanged", "started", made["id"]),
        ("ConnectionChanged", "success", made["id"]),
        ("ConnectionTested", "started", made["id"]),
        ("ConnectionTested", "success", made["id"]),
        ("MetadataAgreed", "started", made["id"]),
        ("MetadataAgreed", "success", made["id"]),
        ("ConnectionRemoved", "started", made["id"]),
        ("ConnectionRemoved", "success", made["id"]),
        ("ClientCreated", "started", "new"),
        ("ClientCreated", "success", client["client_id"]),
        ("ClientChanged", "started", "payroll"),
        ("ClientChanged", "success", "payroll"),
        ("ClientRemoved", "started", "payroll"),
        ("ClientRemoved", "success", "payroll"),
    ]
    assert {item["actor"] for item in recorded(desk)} == {"admin2"}


def test_a_refused_write_is_recorded_with_its_code(desk: Desk) -> None:
    desk.connect()
    assert desk.call("POST", "/connections", connection()).code == "name_taken"
    last = recorded(desk)[-1]
    assert (last["outcome"], last["detail"]["code"]) == ("failure", "name_taken")


def test_what_was_sent_is_told_by_its_names_and_nothing_else_of_it(desk: Desk) -> None:
    desk.connect(display_name="Private Words")
    desk.call("DELETE", "/clients/a%20b-secret")
    desk.call("DELETE", "/connections/con_made-up-by-somebody")
    text = desk.call("GET", "/events").body
    assert "Private" not in text
    assert "secret" not in text
    assert "made-up-by-somebody" not in text


def test_a_repeated_creation_is_recorded_as_repeated(desk: Desk) -> None:
    headers = {"idempotency-key": "once"}
    for _ in range(2):
        desk.call("POST", "/connections", connection(), headers=headers)
    replays = [item["detail"].get("replayed") for item in recorded(desk)]
    assert replays == [None, None, None, "true"]


def test_what_is_read_or_refused_before_it_is_used_records_nothing(desk: Desk) -> None:
    desk.call("GET", "/connections")
    desk.call("POST", "/connections", {"unknown": 1})
    desk.call("POST", "/connections", connection(), token=None)
    desk.call("POST", "/connections", connection(), token="admin2 connections:read")
    assert recorded(desk) == []


class Failing(MemoryAuditLog):
    """Stores nothing from the event of this number on."""

    fails_from = 1

    def record(self, *events: Event) -> None:
        if self._count + len(events) >= self.fails_from:
            raise Unavailable("store_unavailable", "The service is not available now.")
        super().record(*events)


def failing(desk: Desk, number: int) -> None:
    desk.log.__class__ = Failing
    desk.log.fails_from = number  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "write",
    [
        lambda desk, _: desk.call("POST", "/connections", connection("other")),
        lambda desk, path: desk.call("PATCH", path, {"display_name": "Other"}),
        lambda desk, path: desk.call("DELETE", path),
        lambda desk, path: desk.call("POST", f"{path}/test"),
    ],
)
def test_a_write_that_cannot_be_recorded_is_not_made(
    desk: Desk, write: Callable[[Desk, str], Answered]
) -> None:
    path = f"/connections/{desk.connect()['id']}"
    before, signatures = dict(desk.broker.connections.items), desk.broker.kms.signatures
    failing(desk, 3)
    answer = write(desk, path)
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert desk.broker.connections.items == before
    assert desk.broker.kms.signatures == signatures


def test_a_write_whose_end_cannot_be_recorded_was_made_and_operators_are_told(desk: Desk) -> None:
    failing(desk, 2)
    made = desk.connect()
    assert list(desk.broker.connections.items) == [made["id"]]
    assert [(code, subject) for code, subject, _ in desk.broker.notices.warnings] == [
        ("audit_end_missing", made["id"])
    ]
    assert outcomes(desk) == [("ConnectionCreated", "started", "new")]
