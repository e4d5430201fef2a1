"""The emulated AWS, once for the whole run, with the template's tables and the issuer's key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3  # noqa: TID251  (what no adapter does is done here)
import pytest
from tests.support.aws import Stores, database, keys

from signet.adapters.kms import KmsKeys
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.process import EmulatedAws
from signet_local.emulated_aws.resources import create_resources
from signet_local.template import Template


@dataclass(frozen=True)
class Aws:
    """Where the emulated AWS is, and what was made in it."""

    environment: dict[str, str]
    settings: dict[str, str]

    def client(self, service: str) -> Any:
        """Return a plain boto3 client, for what no adapter does."""
        session = boto3.Session(
            region_name=REGION, aws_access_key_id="local", aws_secret_access_key="local"
        )
        return session.client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"])


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    emulated = EmulatedAws()
    emulated.start()
    try:
        made = create_resources(Template.read(), endpoint=emulated.endpoint, region=REGION)
        yield Aws(environment=emulated.environment(), settings=made)
    finally:
        emulated.stop()


@pytest.fixture(scope="session")
def stores(aws: Aws) -> Stores:
    return Stores(database(aws.environment))


@pytest.fixture(scope="session")
def kms(aws: Aws) -> KmsKeys:
    return keys(aws.environment)
