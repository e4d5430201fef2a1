"""The ports behind the management API, on the table and in memory; and lists without a scan."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3  # noqa: TID251  (the emulated table is filled from outside)
import pytest
from moto import mock_aws
from tests.support.broker import Broker
from tests.support.memory import MemoryClaims, MemoryPositions

from signet.adapters.dynamodb.client import DynamoDb
from signet.adapters.dynamodb.item import Item
from signet.adapters.dynamodb.management import DynamoDbClaims, DynamoDbPositions
from signet.adapters.dynamodb.registered import DynamoDbConnections, connection_item
from signet.broker.claim import Answer, Claim
from signet.broker.ports import Claims, Positions
from signet_local.emulated_aws.resources import create_table
from signet_local.template import Template

NOW = 1_800_000_000
ANSWER = Answer(status=201, headers={"etag": '"1"'}, body='{"id":"ü"}')


class CountingDatabase(DynamoDb):
    """Counts what DynamoDB is asked for."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()

    def call(self, operation: str, **arguments: object) -> dict[str, Any]:
        self.operations[operation] += 1
        return super().call(operation, **arguments)


@pytest.fixture(scope="module")
def database() -> Iterator[CountingDatabase]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("dynamodb")
        tables = Template.read().of_type("AWS::DynamoDB::Table")
        for name in ("ManagementTable", "ConnectionsTable"):
            create_table(client, name, tables[name])
        yield CountingDatabase()


@pytest.fixture(params=["table", "memory"])
def claims(request: pytest.FixtureRequest, database: CountingDatabase) -> Claims:
    if request.param == "memory":
        return MemoryClaims()
    return DynamoDbClaims(database, table="ManagementTable")


@pytest.fixture(params=["table", "memory"])
def positions(request: pytest.FixtureRequest, database: CountingDatabase) -> Positions:
    if request.param == "memory":
        return MemoryPositions()
    return DynamoDbPositions(database, table="ManagementTable")


def claim(request: pytest.FixtureRequest, **changes: Any) -> Claim:
    mine = Claim(
        key=f"IDEMPOTENCY#{request.node.name}",
        fingerprint="one",
        holder="me",
        claimed_until=NOW + 60,
        expires_at=NOW + 86_400,
    )
    return dataclasses.replace(mine, **changes)


def test_one_claim_stands_and_others_are_told_of_it(
    claims: Claims, request: pytest.FixtureRequest
) -> None:
    mine = claim(request)
    assert claims.claim(mine, now=NOW) is None
    assert claims.claim(claim(request, holder="other"), now=NOW + 59) == mine


def test_of_many_claims_at_once_one_stands(claims: Claims, request: pytest.FixtureRequest) -> None:
    candidates = [claim(request, holder=str(number)) for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda candidate: claims.claim(candidate, now=NOW), candidates))
    assert outcomes.count(None) == 1
    assert {standing.holder for standing in outcomes if standing} == {
        candidates[outcomes.index(None)].holder
    }


def test_an_answer_stands_until_it_expires(claims: Claims, request: pytest.FixtureRequest) -> None:
    claims.claim(claim(request), now=NOW)
    claims.complete(claim(request), ANSWER)
    late = claim(request, holder="late")
    assert claims.claim(late, now=NOW + 86_399) == claim(request, answer=ANSWER)
    assert claims.claim(late, now=NOW + 86_400) is None


def test_a_claim_whose_holder_died_is_taken_over_by_the_same_request_alone(
    claims: Claims, request: pytest.FixtureRequest
) -> None:
    claims.claim(claim(request), now=NOW)
    another = claim(request, fingerprint="two", holder="another")
    assert claims.claim(another, now=NOW + 60) == claim(request)
    assert claims.claim(claim(request, holder="late"), now=NOW + 60) is None


def test_whoever_lost_a_claim_neither_answers_nor_releases_it(
    claims: Claims, request: pytest.FixtureRequest
) -> None:
    slow, late = claim(request), claim(request, holder="late", claimed_until=NOW + 120)
    claims.claim(slow, now=NOW)
    claims.claim(late, now=NOW + 60)
    claims.complete(slow, ANSWER)
    claims.release(slow)
    assert claims.claim(claim(request, holder="third"), now=NOW + 61) == late


def test_a_released_claim_is_free(claims: Claims, request: pytest.FixtureRequest) -> None:
    claims.claim(claim(request), now=NOW)
    claims.release(claim(request))
    assert claims.claim(claim(request, holder="other", fingerprint="two"), now=NOW) is None


def test_a_position_is_kept_with_its_expiry(positions: Positions) -> None:
    positions.keep("CURSOR#a", "000000000001#con_a CONNECTION#con_a", expires_at=NOW)
    kept = positions.find("CURSOR#a")
    assert kept is not None
    assert kept.position == "000000000001#con_a CONNECTION#con_a"
    assert kept.expires_at == NOW
    assert positions.find("CURSOR#b") is None


def test_ten_thousand_connections_are_listed_by_a_query_for_each_part(
    database: CountingDatabase,
) -> None:
    connection = Broker().connect(token_endpoint_auth_signing_alg="ES256")
    made = [
        dataclasses.replace(
            connection, id=f"con_{number:026d}", name=f"c{number}", created_at=NOW + number // 7
        )
        for number in range(10_000)
    ]
    fill("ConnectionsTable", [connection_item(item) for item in made])
    # Pointers are not connections, and no list shows them.
    fill("ConnectionsTable", [{"pk": {"S": "NAME#x"}, "connection_id": {"S": "con_x"}}])
    store = DynamoDbConnections(database, table="ConnectionsTable", keyrings_table="none")
    database.operations.clear()
    names: list[str] = []
    position: str | None = None
    while True:
        page = store.page(position=position, limit=100)
        names += [item.name for item in page.items]
        if page.position is None:
            break
        position = page.position
    assert names == [item.name for item in made]
    assert database.operations.keys() == {"query"}
    assert database.operations["query"] <= 101


def fill(table: str, items: list[Item]) -> None:
    client = boto3.client("dynamodb")
    for start in range(0, len(items), 25):
        requests: Any = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        client.batch_write_item(RequestItems={table: requests})
