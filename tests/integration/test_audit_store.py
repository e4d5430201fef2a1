"""One suite for the audit's ports, in memory and on DynamoDB; and what the table looks like."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3  # noqa: TID251  (the emulated table is looked at from outside)
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from tests.support.memory import CountingEntropy, MemoryAuditLog
from tests.support.racing import CONTENDERS, race

from signet.adapters.dynamodb.audit import SHARDS, DynamoDbAudit
from signet.adapters.dynamodb.audit_chain import PER_PARTITION, DynamoDbAuditChain
from signet.adapters.dynamodb.client import ConditionFailed, Conflicted, DynamoDb
from signet.broker.audit_chain import START, Head, Link, Pending, extend, find_break
from signet.broker.event import Event
from signet.broker.ports import Audit, AuditChain
from signet.broker.sealing import BATCH, Sealer
from signet.errors import Unavailable
from signet_local.emulated_aws import mended_dynamodb
from signet_local.emulated_aws.resources import create_table
from signet_local.template import Template

NOW = 1_800_000_000
TABLE = "EventsTable"


class SharedDatabase(DynamoDb):
    """Remembers what was asked; `fail` is raised once, after the call was made or before it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fail: list[tuple[str, Exception]] = []
        # Moto checks conditions and writes in two steps; DynamoDB does both in one.
        self._one_writer = threading.Lock()

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        self.calls.append((operation, arguments))
        failure = self.fail.pop(0) if self.fail and operation == "transact_write_items" else None
        if failure is not None and failure[0] == "before":
            raise failure[1]
        with self._one_writer:
            answer = super().call(operation, **arguments)
        if failure is not None:
            raise failure[1]
        return answer


@dataclass(frozen=True)
class Log:
    """Both ports on one store."""

    audit: Audit
    chain: AuditChain


@pytest.fixture
def database() -> Iterator[SharedDatabase]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        make_table()
        yield SharedDatabase()


def make_table() -> None:
    mended_dynamodb.mend()
    tables = Template.read().of_type("AWS::DynamoDB::Table")
    create_table(boto3.client("dynamodb"), TABLE, tables[TABLE])


def on(database: DynamoDb) -> Log:
    audit = DynamoDbAudit(database, table=TABLE, entropy=CountingEntropy())
    return Log(audit=audit, chain=DynamoDbAuditChain(database, table=TABLE))


@pytest.fixture(params=["memory", "dynamodb"])
def log(request: pytest.FixtureRequest) -> Log:
    if request.param == "memory":
        memory = MemoryAuditLog()
        return Log(audit=memory, chain=memory)
    return on(request.getfixturevalue("database"))


def event(number: int = 0, **members: Any) -> Event:
    return Event(type="SignatureMade", time=NOW + number, actor="app", subject="issuer", **members)


def record(log: Log, count: int) -> None:
    for start in range(0, count, 50):
        log.audit.record(*(event(number) for number in range(start, min(start + 50, count))))


def append(log: Log, batch: tuple[Pending, ...], *, after: Head | None = None) -> tuple[Link, ...]:
    head = log.chain.head() if after is None else after
    links = extend(head, batch)
    assert log.chain.append(links, batch, after=head)
    return links


# --- the ports' promises ---------------------------------------------------------------------


def test_an_empty_log_has_nothing(log: Log) -> None:
    assert log.chain.head() == START
    assert log.chain.pending(limit=5) == ()
    assert log.chain.links(1, 5) == ()
    assert log.chain.checkpoint() is None


def test_what_is_recorded_waits_as_it_was(log: Log) -> None:
    log.audit.record(event(detail={"purpose": "id_token"}, kid="k", jti="j", kms_request_id="r"))
    (pending,) = log.chain.pending(limit=5)
    assert pending.id.startswith("evt_")
    assert pending.event == {
        "type": "SignatureMade",
        "time": "2027-01-15T08:00:00Z",
        "actor": "app",
        "subject": "issuer",
        "connection": None,
        "outcome": "success",
        "kid": "k",
        "jti": "j",
        "kms_request_id": "r",
        "detail": {"purpose": "id_token"},
    }


def test_the_oldest_waits_first_and_no_more_come_than_were_asked_for(log: Log) -> None:
    log.audit.record(*(event(number) for number in (9, 3, 7, 1, 8, 2)))
    times = [str(pending.event["time"])[-3:-1] for pending in log.chain.pending(limit=4)]
    assert times == ["01", "02", "03", "07"]


def test_a_batch_gets_its_place_waits_no_more_and_moves_the_head(log: Log) -> None:
    log.audit.record(event(1), event(2), event(3))
    batch = log.chain.pending(limit=2)
    links = append(log, batch)
    assert log.chain.links(1, 9) == links
    assert log.chain.head() == links[-1].head
    assert len(log.chain.pending(limit=9)) == 1


def test_only_the_links_that_were_asked_for_come_and_in_their_order(log: Log) -> None:
    log.audit.record(*(event(number) for number in range(6)))
    links = append(log, log.chain.pending(limit=6))
    assert log.chain.links(2, 4) == links[1:4]
    assert log.chain.links(5, 4) == ()
    assert log.chain.links(7, 9) == ()


def test_nothing_is_appended_after_a_head_that_moved(log: Log) -> None:
    log.audit.record(event(1), event(2))
    first, second = log.chain.pending(limit=2)
    stale = log.chain.head()
    append(log, (first,))
    assert not log.chain.append(extend(stale, [second]), [second], after=stale)
    assert len(log.chain.links(1, 9)) == 1
    assert [pending.id for pending in log.chain.pending(limit=9)] == [second.id]


def test_nothing_is_appended_that_does_not_wait_any_more(log: Log) -> None:
    log.audit.record(event(1), event(2))
    first, second = log.chain.pending(limit=2)
    append(log, (first,))
    head = log.chain.head()
    again = extend(head, [second, first])
    assert not log.chain.append(again, [second, first], after=head)
    assert log.chain.head() == head
    assert len(log.chain.pending(limit=9)) == 1


def test_nothing_is_appended_in_a_place_that_is_taken(log: Log) -> None:
    log.audit.record(event(1), event(2))
    first, second = log.chain.pending(limit=2)
    append(log, (first,))
    set_back(log)
    forged = extend(START, [second])
    assert not log.chain.append(forged, [second], after=START)
    assert [link.id for link in log.chain.links(1, 9)] == [first.id]


def test_nothing_is_appended_after_another_head_in_the_same_place(log: Log) -> None:
    log.audit.record(event(1), event(2))
    first, second = log.chain.pending(limit=2)
    head = append(log, (first,))[0].head
    other = Head(seq=1, hash="ab" * 32, latest=head.latest)
    assert not log.chain.append(extend(other, [second]), [second], after=other)
    assert log.chain.head() == head


def test_no_chain_begins_where_there_is_a_head(log: Log) -> None:
    log.audit.record(event(1), event(2))
    first, second = log.chain.pending(limit=2)
    head = append(log, (first,))[0].head
    take_away(log, 1)
    assert not log.chain.append(extend(START, [second]), [second], after=START)
    assert log.chain.head() == head


def take_away(log: Log, seq: int) -> None:
    """Take a link away, as only somebody with the table could."""
    if isinstance(log.chain, MemoryAuditLog):
        del log.chain.sealed[seq]
        return
    key = {"pk": {"S": "CHAIN#000000000"}, "sk": {"S": f"{seq:012d}"}}
    boto3.client("dynamodb").delete_item(TableName=TABLE, Key=key)


def set_back(log: Log) -> None:
    """Take the head away, as only somebody with the table could."""
    if isinstance(log.chain, MemoryAuditLog):
        log.chain.end = START
        return
    key = {"pk": {"S": "HEAD"}, "sk": {"S": "HEAD"}}
    boto3.client("dynamodb").delete_item(TableName=TABLE, Key=key)


def test_the_last_checkpoint_comes_back_and_none_is_replaced(log: Log) -> None:
    log.chain.keep_checkpoint(9, "nine")
    log.chain.keep_checkpoint(10, "ten")
    log.chain.keep_checkpoint(10, "forged")
    log.chain.keep_checkpoint(2, "two")
    assert log.chain.checkpoint() == "ten"


def test_of_sealers_at_once_each_event_gets_one_place(log: Log) -> None:
    record(log, 3 * BATCH + 5)
    sealed = race(lambda _: Sealer(chain=log.chain).seal())
    Sealer(chain=log.chain).seal()
    assert sum(sealed) <= 3 * BATCH + 5
    assert_whole(log, 3 * BATCH + 5)


def test_recording_and_sealing_at_once_lose_nothing(log: Log) -> None:
    def act(contender: int) -> None:
        for number in range(4):
            log.audit.record(event(10 * contender + number))
            Sealer(chain=log.chain).seal()

    race(act)
    Sealer(chain=log.chain).seal()
    assert_whole(log, 4 * CONTENDERS)


def assert_whole(log: Log, count: int) -> None:
    """There is no gap, no fork, no loss and no duplicate."""
    links = log.chain.links(1, count + 1)
    assert find_break(links, after=START, last=count) is None
    assert len({link.id for link in links}) == len(links) == count
    assert log.chain.head() == links[-1].head
    assert log.chain.pending(limit=1) == ()


# --- interleavings on the table --------------------------------------------------------------

_FAILURES = st.lists(
    st.sampled_from(
        [
            ("before", Unavailable("store_unavailable", "No answer.")),
            ("after", Unavailable("store_unavailable", "No answer.")),
            ("before", Conflicted("store_unavailable", "No answer.")),
            ("before", ConditionFailed(frozenset({0}))),
        ]
    ),
    max_size=4,
)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(1, 55), st.just([])),
        st.tuples(st.just("seal"), st.just(0), _FAILURES),
    ),
    max_size=4,
)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=_STEPS)
def test_whatever_fails_meanwhile_each_recorded_event_gets_one_place(
    steps: list[tuple[str, int, list[tuple[str, Exception]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        make_table()
        database = SharedDatabase()
        log, count = on(database), 0
        for kind, number, failures in [*steps, ("record", 1, []), ("seal", 0, [])]:
            if kind == "record":
                record(log, number)
                count += number
                continue
            database.fail = list(failures)
            try:
                Sealer(chain=log.chain).seal()
            except Unavailable:
                continue
            finally:
                database.fail = []
        assert_whole(log, count)


# --- the table -------------------------------------------------------------------------------


def test_events_are_spread_over_shards_in_one_transaction_with_a_token(
    database: SharedDatabase,
) -> None:
    log = on(database)
    log.audit.record(*(event(number) for number in range(60)))
    ((operation, arguments),) = database.calls
    assert operation == "transact_write_items"
    shards = {item["Put"]["Item"]["pk"]["S"] for item in arguments["TransactItems"]}
    assert shards == {f"PENDING#{shard}" for shard in range(SHARDS)}


def test_every_recording_carries_a_token_that_makes_a_late_attempt_nothing(
    database: SharedDatabase,
) -> None:
    """DynamoDB knows a transaction's token for ten minutes; moto does not look at it."""
    log = on(database)
    tokens: list[str] = []

    def note(request: Any, **_: object) -> None:
        tokens.append(json.loads(request.body)["ClientRequestToken"])

    database._client.meta.events.register_first("before-send.dynamodb", note)
    log.audit.record(event(1))
    log.audit.record(event(2))
    assert len(set(tokens)) == 2


@pytest.mark.parametrize("refused", [0, 1, 2, 3])
def test_a_refused_transaction_leaves_every_item_as_it_was(
    database: SharedDatabase, refused: int
) -> None:
    def key(name: str) -> dict[str, Any]:
        return {"pk": {"S": "x"}, "sk": {"S": name}}

    for name in ("changed", "deleted"):
        item = {**key(name), "value": {"S": "old"}}
        database.call("put_item", TableName=TABLE, Item=item)
    written: list[tuple[str, dict[str, Any]]] = [
        ("Put", {"Item": {**key("new"), "value": {"S": "new"}}}),
        ("Put", {"Item": {**key("changed"), "value": {"S": "new"}}}),
        ("Delete", {"Key": key("deleted")}),
    ]
    missing = {"Key": key("nothing"), "ConditionExpression": "attribute_exists(pk)"}
    written.insert(refused, ("Delete", missing))
    items = [{kind: {"TableName": TABLE, **arguments}} for kind, arguments in written]
    with pytest.raises(ConditionFailed):
        database.call("transact_write_items", TransactItems=items)
    rows = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert {row["sk"]["S"]: row["value"]["S"] for row in rows} == {
        "changed": "old", "deleted": "old",
    }  # fmt: skip


def test_a_batch_is_one_transaction_of_at_most_a_hundred_items(database: SharedDatabase) -> None:
    log = on(database)
    record(log, 2 * BATCH)
    database.calls.clear()
    Sealer(chain=log.chain).seal()
    writes = [arguments for operation, arguments in database.calls if "write" in operation]
    assert [len(arguments["TransactItems"]) for arguments in writes] == [99, 99]


def test_every_read_is_strong(database: SharedDatabase) -> None:
    log = on(database)
    record(log, 3)
    Sealer(chain=log.chain).seal()
    log.chain.links(1, 3)
    log.chain.checkpoint()
    reads = [arguments for operation, arguments in database.calls if "write" not in operation]
    assert all(arguments["ConsistentRead"] for arguments in reads)
    assert not [operation for operation, _ in database.calls if operation == "scan"]


def test_a_thousand_places_share_a_partition_and_are_read_across(database: SharedDatabase) -> None:
    log = on(database)
    head = Head(seq=PER_PARTITION - 2, hash="ab" * 32, latest="")
    log.audit.record(*(event(number) for number in range(4)))
    batch = log.chain.pending(limit=4)
    item = {
        "pk": {"S": "HEAD"},
        "sk": {"S": "HEAD"},
        "seq": {"N": str(head.seq)},
        "hash": {"S": head.hash},
        "latest": {"S": ""},
    }
    database.call("put_item", TableName=TABLE, Item=item)
    links = append(log, batch)
    rows = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    partitions = {row["pk"]["S"] for row in rows if row["pk"]["S"].startswith("CHAIN#")}
    assert partitions == {"CHAIN#000000000", "CHAIN#000000001"}
    assert log.chain.links(1, 2 * PER_PARTITION) == links


@pytest.mark.parametrize("text", ["", "{", '{"a":1,"a":2}', '{"a":NaN}', "[]", '"\\ud800"'])
def test_a_row_that_somebody_made_unreadable_is_a_link_that_does_not_hold(
    database: SharedDatabase, text: str
) -> None:
    log = on(database)
    record(log, 3)
    Sealer(chain=log.chain).seal()
    key = {"pk": {"S": "CHAIN#000000000"}, "sk": {"S": "000000000002"}}
    database.call(
        "update_item",
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET event = :event",
        ExpressionAttributeValues={":event": {"S": text or " "}},
    )
    found = find_break(log.chain.links(1, 3), after=START, last=3)
    assert found is not None
    assert found.seq == 2


def test_what_a_later_version_records_is_sealed_as_it_is(database: SharedDatabase) -> None:
    log = on(database)
    log.audit.record(event(1))
    arguments = database.calls[0][1]
    item = arguments["TransactItems"][0]["Put"]["Item"]
    document = {**json.loads(item["event"]["S"]), "new_member": "x"}
    database.call("put_item", TableName=TABLE, Item={**item, "event": {"S": json.dumps(document)}})
    Sealer(chain=log.chain).seal()
    (link,) = log.chain.links(1, 1)
    assert link.event["new_member"] == "x"
    assert find_break([link], after=START, last=1) is None
