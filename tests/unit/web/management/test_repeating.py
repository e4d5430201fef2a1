"""Requests that are repeated, and lists that are read in parts."""

import pytest
from tests.support.management import EVERY_SCOPE, Desk, connection

from signet.broker.claim import Answer, Claim
from signet.broker.idempotency import CLAIM_SECONDS, KEEP_SECONDS
from signet.errors import Unavailable

KEY = {"idempotency-key": "made-up-key"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_repeated_request_is_answered_the_same_and_makes_nothing_more(desk: Desk) -> None:
    keys = len(desk.broker.kms.keys)
    first = desk.call("POST", "/connections", connection(), headers=KEY)
    again = desk.call("POST", "/connections", connection(), headers=KEY)
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    for name in ("etag", "location", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(desk.broker.connections.items) == 1
    assert len(desk.broker.kms.keys) == keys + 1


def test_members_in_another_order_are_the_same_request(desk: Desk) -> None:
    desk.call("POST", "/connections", connection(), headers=KEY)
    turned = dict(reversed(connection().items()))
    assert desk.call("POST", "/connections", turned, headers=KEY).status == 201


def test_a_key_is_for_one_request(desk: Desk) -> None:
    desk.call("POST", "/connections", connection(), headers=KEY)
    for path, document in (
        ("/connections", connection("other")),
        ("/clients", desk.client()),
    ):
        answer = desk.call("POST", path, document, headers=KEY)
        assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert len(desk.broker.connections.items) == 1


def test_a_key_is_its_clients_own(desk: Desk) -> None:
    desk.administrator("admin3", EVERY_SCOPE.split())
    first = desk.call("POST", "/connections", connection("a"), headers=KEY)
    token = f"admin3 {EVERY_SCOPE}"
    second = desk.call("POST", "/connections", connection("b"), headers=KEY, token=token)
    assert (first.status, second.status) == (201, 201)
    assert first.json["id"] != second.json["id"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_a_key_has_to_be_one(desk: Desk, key: str) -> None:
    answer = desk.call("POST", "/connections", connection(), headers={"idempotency-key": key})
    assert (answer.status, answer.code) == (400, "invalid_idempotency_key")


def test_a_refused_request_leaves_its_key_free_for_the_corrected_one(desk: Desk) -> None:
    desk.connect("acme")
    assert desk.call("POST", "/connections", connection("acme"), headers=KEY).code == "name_taken"
    assert desk.call("POST", "/connections", connection("other"), headers=KEY).status == 201


def test_while_the_first_runs_a_second_is_told_to_wait(desk: Desk) -> None:
    answers = []
    create = desk.broker.kms.create_key

    def in_between(**arguments: object) -> str:
        answers.append(desk.call("POST", "/connections", connection(), headers=KEY))
        return create(**arguments)  # type: ignore[arg-type]

    desk.broker.kms.create_key = in_between  # type: ignore[method-assign]
    assert desk.call("POST", "/connections", connection(), headers=KEY).status == 201
    (second,) = answers
    assert (second.status, second.code) == (409, "idempotency_in_progress")
    assert int(second.headers["retry-after"]) > 0


class LosingClaims:
    """The store is lost once the request has run, so that its answer is never kept."""

    def __init__(self, desk: Desk) -> None:
        self._inner = desk.claims

    def claim(self, claim: Claim, *, now: int) -> Claim | None:
        return self._inner.claim(claim, now=now)

    def complete(self, claim: Claim, answer: Answer) -> None:
        raise Unavailable("store_unavailable", "The service is not available now.")

    def release(self, claim: Claim) -> None:
        self._inner.release(claim)


@pytest.mark.parametrize("what", ["connections", "clients"])
def test_a_run_after_a_crash_finds_what_the_first_one_made(desk: Desk, what: str) -> None:
    document = connection() if what == "connections" else desk.client(client_id="payroll")
    keys = len(desk.broker.kms.keys)
    kept = desk.api.idempotency.claims
    object.__setattr__(desk.api.idempotency, "claims", LosingClaims(desk))
    assert desk.call("POST", f"/{what}", document, headers=KEY).code == "store_unavailable"
    object.__setattr__(desk.api.idempotency, "claims", kept)
    desk.broker.clock.time += CLAIM_SECONDS - 1
    assert desk.call("POST", f"/{what}", document, headers=KEY).code == "idempotency_in_progress"
    desk.broker.clock.time += 1
    answer = desk.call("POST", f"/{what}", document, headers=KEY)
    assert answer.status == 201
    assert len(desk.broker.connections.items) == (what == "connections")
    assert len(desk.broker.kms.keys) == keys + (what == "connections")


def test_an_answer_is_kept_for_a_day(desk: Desk) -> None:
    first = desk.call("POST", "/connections", connection(), headers=KEY)
    desk.broker.clock.time += KEEP_SECONDS - 1
    assert desk.call("POST", "/connections", connection(), headers=KEY).body == first.body
    desk.broker.clock.time += 1
    later = desk.call("POST", "/connections", connection("later"), headers=KEY)
    assert (later.status, later.json["name"]) == (201, "later")


# ------------------------------------------------------------------------------------- lists
def cursor_of(desk: Desk) -> str:
    for name in ("a", "b"):
        desk.connect(name)
    return str(desk.call("GET", "/connections", query="limit=1").json["next_cursor"])


def test_a_list_is_read_in_parts_oldest_first(desk: Desk) -> None:
    for number in range(7):
        desk.broker.clock.time += 1
        desk.connect(f"c{number}")
    names, query = [], "limit=3"
    while query:
        answer = desk.call("GET", "/connections", query=query).json
        names.append([item["name"] for item in answer["items"]])
        cursor = answer["next_cursor"]
        query = f"limit=3&cursor={cursor}" if cursor else ""
    assert names == [["c0", "c1", "c2"], ["c3", "c4", "c5"], ["c6"]]


def test_a_cursor_can_be_used_again_within_its_hour(desk: Desk) -> None:
    query = f"cursor={cursor_of(desk)}"
    first = desk.call("GET", "/connections", query=query).json
    desk.broker.clock.time += 3_599
    assert desk.call("GET", "/connections", query=query).json["items"] == first["items"]
    desk.broker.clock.time += 1
    assert desk.call("GET", "/connections", query=query).code == "invalid_cursor"


@pytest.mark.parametrize("cursor", ["x", "A" * 43, "000000000001#con_a", "%00"])
def test_a_cursor_cannot_be_made_up(desk: Desk, cursor: str) -> None:
    answer = desk.call("GET", "/connections", query=f"cursor={cursor}")
    assert answer.status == 400


def test_a_cursor_is_for_its_client_and_its_list(desk: Desk) -> None:
    cursor = cursor_of(desk)
    desk.administrator("admin3", EVERY_SCOPE.split())
    other = desk.call(
        "GET", "/connections", query=f"cursor={cursor}", token=f"admin3 {EVERY_SCOPE}"
    )
    assert other.code == "invalid_cursor"
    assert desk.call("GET", "/clients", query=f"cursor={cursor}").code == "invalid_cursor"


def test_neither_a_cursor_nor_an_idempotency_key_is_stored_as_it_is_sent(desk: Desk) -> None:
    cursor = cursor_of(desk)
    desk.call("POST", "/connections", connection("c"), headers=KEY)
    assert cursor not in str(desk.positions.items)
    assert "made-up-key" not in str(desk.claims.items)
