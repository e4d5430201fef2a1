"""What only DynamoDB can get wrong: items as they are stored, conditions, reads, time to live."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.integration.conftest import Aws
from tests.support import records
from tests.support.aws import NAMES, Stores
from tests.support.records import NOW, fresh

from signet.adapters.dynamodb.client import ConditionFailed
from signet.broker.event import Event
from signet.errors import Rejected, Unavailable
from signet_local.template import Template

GRANTS = NAMES["SIGNET_GRANTS_TABLE"]
LOGINS = NAMES["SIGNET_LOGINS_TABLE"]
REPLAY = NAMES["SIGNET_REPLAY_TABLE"]
CONNECTIONS = NAMES["SIGNET_CONNECTIONS_TABLE"]
MORE_THAN_A_TRANSACTION_TAKES = 100
"""Events beside one keyring."""


@pytest.fixture
def requests(stores: Stores) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Collect what the stores' client sends: operation and parameters."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        seen.append((model.name, dict(params)))

    events = stores.database._client.meta.events
    events.register("provide-client-params.dynamodb", note)
    yield seen
    events.unregister("provide-client-params.dynamodb", note)


# --- time to live ----------------------------------------------------------------------------


@pytest.mark.parametrize("table", [LOGINS, GRANTS, REPLAY])
def test_tables_of_used_up_things_expire_by_the_attribute_that_the_stores_write(
    aws: Aws, table: str
) -> None:
    answer = aws.client("dynamodb").describe_time_to_live(TableName=table)
    described = answer["TimeToLiveDescription"]
    assert (described["TimeToLiveStatus"], described["AttributeName"]) == ("ENABLED", "expires_at")


def test_an_item_is_kept_for_an_hour_after_it_expired(stores: Stores) -> None:
    """So that "too late" can be told from "unknown", and a late second use is still noticed."""
    state, grant = fresh("state-"), records.grant()
    login = records.login(state)
    stores.logins.add(login)
    stores.grants.add(grant)
    kept_login = stores.item(LOGINS, pk=f"LOGIN#{login.state_hash}")
    kept_grant = stores.item(GRANTS, pk=grant.id)
    assert kept_login is not None
    assert kept_grant is not None
    assert kept_login["expires_at"] == {"N": str(login.expires_at + 3_600)}
    assert kept_grant["expires_at"] == {"N": str(grant.code_expires_at + 3_600)}


def test_a_redeemed_grant_is_kept_as_long_as_its_tokens_live(stores: Stores) -> None:
    grant = records.grant()
    stores.grants.add(grant)
    stores.grants.redeem(grant.id, redemption="one", now=NOW, keep_until=NOW + 99)
    item = stores.item(GRANTS, pk=grant.id)
    assert item is not None
    assert item["expires_at"] == {"N": str(NOW + 99)}


def test_a_used_value_is_kept_until_it_could_not_be_used_anyway(stores: Stores) -> None:
    key = fresh("JTI#")
    stores.replay.use(key, expires_at=NOW + 300)
    item = stores.item(REPLAY, pk=key)
    assert item is not None
    assert item.pop("used_by")["S"]  # a name for the SDK's own retry
    assert item == {"pk": {"S": key}, "expires_at": {"N": str(NOW + 300)}}


# --- conditions ------------------------------------------------------------------------------

CODE: dict[str, dict[str, object]] = {
    "pk": {"S": "CODE#truth-table"},
    "code_expires_at": {"N": "1000"},
    "expires_at": {"N": "2000"},
}
REDEEMABLE: dict[str, tuple[dict[str, dict[str, object]], bool]] = {
    "nobody redeemed it": ({}, True),
    "I redeemed it": ({"redeemed_by": {"S": "me"}}, True),
    "another redeemed it": ({"redeemed_by": {"S": "other"}}, False),
    "the name in another case": ({"redeemed_by": {"S": "ME"}}, False),
    "revoked": ({"revoked": {"BOOL": True}}, False),
    "revoked after I redeemed it": (
        {"redeemed_by": {"S": "me"}, "revoked": {"BOOL": True}}, False),
    "expires now": ({"code_expires_at": {"N": "900"}}, False),
    "expires in a second": ({"code_expires_at": {"N": "901"}}, True),
    "expired, with fewer digits": ({"code_expires_at": {"N": "99"}}, False),
    "expires later, with more digits": ({"code_expires_at": {"N": "1000000"}}, True),
    "no expiry": ({"code_expires_at": {}}, False),
}  # fmt: skip


@pytest.mark.parametrize("case", REDEEMABLE)
def test_a_code_is_redeemable_by_this_table(stores: Stores, case: str) -> None:
    """AWS: a comparison with an attribute that is missing is false."""
    changes, redeemable = REDEEMABLE[case]
    item = {name: value for name, value in {**CODE, **changes}.items() if value}
    stores.put(GRANTS, item)
    got = stores.grants.redeem("CODE#truth-table", redemption="me", now=900, keep_until=4_000)
    assert got is redeemable
    after = stores.item(GRANTS, pk="CODE#truth-table")
    changed = {"redeemed_by": {"S": "me"}, "expires_at": {"N": "4000"}} if redeemable else {}
    assert after == {**item, **changed}


def test_a_refused_transaction_leaves_every_table_as_it_was(stores: Stores) -> None:
    taken = records.connection()
    stores.connections.add(taken, records.keyring(taken.id))
    rival = records.connection(name=taken.name)
    with pytest.raises(Rejected):
        stores.connections.add(rival, records.keyring(rival.id))
    assert stores.item(CONNECTIONS, pk=f"CONNECTION#{rival.id}") is None
    assert stores.item(NAMES["SIGNET_KEYRINGS_TABLE"], owner=rival.id) is None
    pointer = stores.item(CONNECTIONS, pk=f"NAME#{taken.name}")
    assert pointer is not None
    assert pointer["connection_id"] == {"S": taken.id}


def test_a_keyring_whose_events_cannot_be_stored_is_not_stored_either(stores: Stores) -> None:
    keyring = records.keyring(records.connection_id())
    stores.keyrings.add(keyring)
    after = replace(keyring, version=keyring.version + 1)
    event = Event(type="KeyPromoted", time=NOW, actor="signet", subject=keyring.owner)
    with pytest.raises(Unavailable):
        stores.keyrings.replace(after, *[event] * MORE_THAN_A_TRANSACTION_TAKES)
    assert stores.keyrings.get(keyring.owner) == keyring
    assert stores.recorded(keyring.owner) == []


def test_each_kind_of_key_is_apart_from_the_others(stores: Stores) -> None:
    """A connection called like an id, or a grant asked for by a login's key, is never the other."""
    connection = records.connection()
    stores.connections.add(connection, records.keyring(connection.id))
    assert stores.connections.find(connection.id) is None
    assert stores.connections.get(connection.name) is None
    stores.put(GRANTS, {"pk": {"S": "LOGIN#x"}, "document": {"S": "{}"}})
    assert stores.grants.get("LOGIN#x") is None


# --- what is sent ----------------------------------------------------------------------------


def test_everything_that_decides_is_read_consistently(
    stores: Stores, requests: list[tuple[str, dict[str, Any]]]
) -> None:
    connection = records.connection()
    stores.connections.add(connection, records.keyring(connection.id))
    requests.clear()
    stores.connections.get(connection.id)
    stores.connections.find(connection.name)
    stores.clients.get("app")
    stores.keyrings.get("issuer")
    stores.grants.get("CODE#x")
    assert [name for name, _ in requests] == ["GetItem"] * 6
    assert all(parameters["ConsistentRead"] is True for _, parameters in requests)


def test_a_keyring_and_its_events_are_one_request(
    stores: Stores, requests: list[tuple[str, dict[str, Any]]]
) -> None:
    keyring = records.keyring(records.connection_id())
    stores.keyrings.add(keyring)
    requests.clear()
    event = Event(type="KeyPromoted", time=NOW, actor="signet", subject=keyring.owner)
    assert stores.keyrings.replace(replace(keyring, version=keyring.version + 1), event)
    ((name, parameters),) = requests
    assert name == "TransactWriteItems"
    tables = [item["Put"]["TableName"] for item in parameters["TransactItems"]]
    assert tables == [NAMES["SIGNET_KEYRINGS_TABLE"], NAMES["SIGNET_EVENTS_TABLE"]]


def test_each_turn_is_one_request_and_its_item_goes_away_when_it_is_over(
    stores: Stores, requests: list[tuple[str, dict[str, Any]]]
) -> None:
    one, of_many = fresh("PROBE#"), fresh("CREATION#")
    stores.limits.take(one, now=NOW, until=NOW + 60)
    stores.limits.take_one_of(of_many, limit=3, until=NOW + 60)
    stores.limits.give_back(of_many)
    stores.limits.give_back(fresh("CREATION#"))
    assert [name for name, _ in requests] == ["PutItem", "UpdateItem", "UpdateItem", "UpdateItem"]
    table, until = NAMES["SIGNET_MANAGEMENT_TABLE"], {"N": str(NOW + 60)}
    assert stores.item(table, pk=one) == {"pk": {"S": one}, "expires_at": until}
    assert stores.item(table, pk=of_many) == {
        "pk": {"S": of_many},
        "expires_at": until,
        "taken": {"N": "0"},
    }


def test_each_use_is_one_request(
    stores: Stores, requests: list[tuple[str, dict[str, Any]]]
) -> None:
    """Between a read and a write another request does the same."""
    stores.logins.take("state")
    stores.grants.redeem("CODE#x", redemption="one", now=NOW, keep_until=NOW)
    stores.grants.release("CODE#x", redemption="one")
    stores.grants.revoke("CODE#x")
    stores.replay.use(fresh("JTI#"), expires_at=NOW)
    stores.keyrings.add(records.keyring(records.connection_id()))
    stores.clients.add(records.client())
    assert [name for name, _ in requests] == [
        "DeleteItem", "UpdateItem", "UpdateItem", "UpdateItem", "PutItem", "PutItem", "PutItem",
    ]  # fmt: skip


@pytest.mark.parametrize("client_id", ["", "x" * 129, "ä" * 65, "\ud800" * 129])
def test_what_cannot_be_a_client_id_is_not_asked_for(
    stores: Stores, requests: list[tuple[str, dict[str, Any]]], client_id: str
) -> None:
    """DynamoDB refuses keys that are empty or too long, which would look like its outage."""
    assert stores.clients.get(client_id) is None
    assert not requests


def test_no_state_code_or_browser_is_stored_as_it_came(stores: Stores) -> None:
    state = fresh("state-in-clear-")
    login = records.login(state)
    stores.logins.add(login)
    item = stores.item(LOGINS, pk=f"LOGIN#{login.state_hash}")
    assert item is not None
    assert state not in json.dumps(item)


def test_a_failed_condition_never_leaves_the_package_as_something_else(stores: Stores) -> None:
    connection = records.connection()
    stores.connections.add(connection, records.keyring(connection.id))
    with pytest.raises(ConditionFailed):
        stores.database.call(
            "put_item",
            TableName=CONNECTIONS,
            Item={"pk": {"S": f"CONNECTION#{connection.id}"}},
            ConditionExpression="attribute_not_exists(pk)",
        )


def test_the_tables_are_the_templates(aws: Aws) -> None:
    there = set(aws.client("dynamodb").list_tables()["TableNames"])
    assert there == set(Template.read().of_type("AWS::DynamoDB::Table"))
