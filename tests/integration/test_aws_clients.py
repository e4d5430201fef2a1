"""How clients of AWS are made."""

import pytest
from botocore.exceptions import DataNotFoundError  # noqa: TID251  (what the adapter meets)

from signet.adapters.aws import aws_client


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nobody",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.mark.parametrize("service", ["dynamodb", "kms"])
def test_a_client_knows_its_regional_address(service: str) -> None:
    assert aws_client(service).meta.endpoint_url == f"https://{service}.eu-central-1.amazonaws.com"


def test_a_service_that_aws_does_not_have_is_refused() -> None:
    with pytest.raises(DataNotFoundError):
        aws_client("no-such-service")
