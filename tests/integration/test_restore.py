"""A connection that was removed, brought back from a backup: rehearsed on the emulated AWS."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.cost.login import Deployment, deployment

from signet import wiring
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.resources import emulated_client
from signet_local.restore import DONE, REFUSED, Restore, RestoreRefused, Tables, main

OWN = Tables(connections="ConnectionsTable", keyrings="KeyringsTable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A deployment, and clients of whoever operates it."""

    deployed: Deployment
    database: Any
    kms: Any

    @property
    def connection(self) -> str:
        return self.deployed.connection.id

    def key_ids(self) -> list[str]:
        keyring = wiring.keyrings().get(self.connection)
        assert keyring is not None
        return [key.key_id for key in keyring.published()]

    def restored(self, name: str) -> Tables:
        """Back both tables up, and restore them beside the deployment's own."""
        tables = Tables(connections=f"{name}-connections", keyrings=f"{name}-keyrings")
        pairs = zip((OWN.connections, OWN.keyrings), (tables.connections, tables.keyrings),
                    strict=True)  # fmt: skip
        for own, restored in pairs:
            backup = self.database.create_backup(TableName=own, BackupName=restored)
            self.database.restore_table_from_backup(
                TargetTableName=restored, BackupArn=backup["BackupDetails"]["BackupArn"]
            )
        return tables

    def remove(self) -> None:
        """Remove the connection as an administrator does."""
        wiring.management().connections.remove(self.connection, if_match=None)

    def lose(self) -> None:
        """Take the connection's items away, as somebody with rights on the tables can."""
        scanned = self.database.scan(TableName=OWN.connections)["Items"]
        for item in scanned:
            self.database.delete_item(TableName=OWN.connections, Key={"pk": item["pk"]})
        self.database.delete_item(TableName=OWN.keyrings, Key={"owner": {"S": self.connection}})

    def restore(self, source: Tables) -> None:
        Restore(database=wiring._database(), kms=wiring._kms(), source=source, target=OWN)(
            self.connection
        )


@pytest.fixture
def account() -> Iterator[Account]:
    with deployment(remembered=0) as deployed:
        endpoint = wiring._database()._client.meta.endpoint_url
        database, kms = (
            emulated_client(name, endpoint=endpoint, region=REGION) for name in ("dynamodb", "kms")
        )
        yield Account(deployed=deployed, database=database, kms=kms)


def test_a_removed_connection_comes_back_with_its_keys_when_kms_has_them_enabled(
    account: Account,
) -> None:
    account.deployed.login()
    tables, keys = account.restored("before"), account.key_ids()
    account.remove()
    with pytest.raises(AssertionError, match="not available"):
        account.deployed.login()

    # Its keys wait for their deletion: logins would begin and fail.
    with pytest.raises(RestoreRefused, match="cancel-key-deletion"):
        account.restore(tables)
    for key_id in keys:
        account.kms.cancel_key_deletion(KeyId=key_id)
    with pytest.raises(RestoreRefused, match="enable-key"):
        account.restore(tables)
    for key_id in keys:
        account.kms.enable_key(KeyId=key_id)
    account.restore(tables)

    account.deployed.login()
    assert account.key_ids() == keys


def test_a_connection_whose_items_are_lost_comes_back_and_rotates_as_before(
    account: Account,
) -> None:
    tables, keys = account.restored("before"), account.key_ids()
    account.lose()
    account.restore(tables)
    account.deployed.login()
    account.deployed.rotate()
    account.deployed.login()
    assert account.key_ids() != keys


def test_a_connection_that_is_there_is_not_overwritten_and_nor_is_its_newer_keyring(
    account: Account,
) -> None:
    tables = account.restored("before")
    account.deployed.rotate()
    keys = account.key_ids()
    with pytest.raises(RestoreRefused, match="nothing was overwritten"):
        account.restore(tables)
    assert account.key_ids() == keys


def test_a_keyring_of_keys_that_kms_has_deleted_is_refused(account: Account) -> None:
    tables = account.restored("before")
    item = account.database.get_item(
        TableName=tables.keyrings, Key={"owner": {"S": account.connection}}
    )["Item"]
    gone = item["document"]["S"].replace(
        account.key_ids()[0], "00000000-0000-0000-0000-0000000000ff"
    )
    account.database.put_item(TableName=tables.keyrings, Item={**item, "document": {"S": gone}})
    account.lose()
    with pytest.raises(RestoreRefused, match="KMS has deleted"):
        account.restore(tables)
    assert wiring.keyrings().get(account.connection) is None


def test_the_command_says_of_each_connection_what_became_of_it(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    tables, unknown = account.restored("before"), "con_" + "z" * 26
    account.lose()
    given = ["--connections", tables.connections, OWN.connections]
    given += ["--keyrings", tables.keyrings, OWN.keyrings]
    assert main([account.connection, *given]) == DONE
    assert main([unknown, *given]) == REFUSED
    restored, refused = capsys.readouterr().out.splitlines()
    assert restored == f"restored  {account.connection}"
    assert refused.startswith(f"refused   {unknown}: ")
