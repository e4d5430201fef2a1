"""The emulated AWS keeps connections open, as AWS does: calls cost what they cost there."""

from collections.abc import Iterator
from http.client import HTTPConnection  # noqa: TID251  (one connection, seen as it is)
from urllib.parse import urlsplit

import pytest

from signet_local.emulated_aws.process import EmulatedAws

AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=local/20300101/us-east-1/dynamodb/aws4_request"


@pytest.fixture
def connection() -> Iterator[HTTPConnection]:
    aws = EmulatedAws()
    aws.start()
    address = urlsplit(aws.endpoint)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()
        aws.stop()


def test_one_connection_serves_many_requests(connection: HTTPConnection) -> None:
    connection.connect()
    first = connection.sock

    answers = [list_tables(connection) for _ in range(3)]

    assert answers == [(200, b'{"TableNames": []}')] * 3
    assert connection.sock is first


def test_a_body_that_nobody_reads_is_not_taken_for_a_request(connection: HTTPConnection) -> None:
    connection.request("POST", "/moto-api/nothing-is-here", body=b"GET / HTTP/1.1\r\n\r\n")
    refused = connection.getresponse()
    refused.read()

    assert refused.status >= 400
    assert list_tables(connection) == (200, b'{"TableNames": []}')


def list_tables(connection: HTTPConnection) -> tuple[int, bytes]:
    headers = {
        "authorization": AUTHORIZATION,
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.ListTables",
    }
    connection.request("POST", "/", body=b"{}", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()
