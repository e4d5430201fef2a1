"""The answer to a custom resource, as CloudFormation documents it."""

import json
from dataclasses import dataclass, field

import pytest

from signet.adapters.cloudformation import answer
from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.oauth.http_message import DestinationRefused, HttpAnswer, HttpRequest, Unreachable

# As long as with a session token, which AWS's own pre-signed addresses carry.
URL = (
    "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/"
    "arn%3Aaws%3Acloudformation%3Aus-east-1%3A123456789012%3Astack/signet/made-up%7C"
    f"Initialization%7Cmade-up?X-Amz-Security-Token={'made%2Fup' * 300}"
)
EVENT = {
    "RequestType": "Create",
    "ResponseURL": URL,
    "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/signet/made-up",
    "RequestId": "made-up",
    "LogicalResourceId": "Initialization",
}


@dataclass
class Bucket:
    status: int = 200
    requests: list[HttpRequest] = field(default_factory=list)

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        self.requests.append(request)
        return HttpAnswer(status=self.status, headers={}, body=b"")

    @property
    def document(self) -> dict[str, str]:
        (request,) = self.requests
        assert (request.method, request.url) == ("PUT", URL)
        assert request.content is not None
        document: dict[str, str] = json.loads(request.content)
        return document


def test_success_is_told_with_the_ids_of_the_event() -> None:
    bucket = Bucket()
    answer(EVENT, reason="", fetch=bucket.fetch)
    assert bucket.document == {
        "Status": "SUCCESS",
        "Reason": "ready",
        "PhysicalResourceId": "signet-initialization",
        "StackId": EVENT["StackId"],
        "RequestId": "made-up",
        "LogicalResourceId": "Initialization",
    }


def test_failure_is_told_with_its_reason() -> None:
    bucket = Bucket()
    answer(EVENT, reason="P >= C fails", fetch=bucket.fetch)
    assert (bucket.document["Status"], bucket.document["Reason"]) == ("FAILED", "P >= C fails")


def test_an_update_keeps_the_physical_id_or_cloudformation_would_delete_the_old_one() -> None:
    bucket = Bucket()
    answer({**EVENT, "PhysicalResourceId": "older"}, reason="", fetch=bucket.fetch)
    assert bucket.document["PhysicalResourceId"] == "older"


@pytest.mark.parametrize("status", [403, 500, 503])
def test_an_answer_that_was_not_taken_is_an_error_so_that_lambda_tries_again(status: int) -> None:
    with pytest.raises(Unreachable):
        answer(EVENT, reason="", fetch=Bucket(status=status).fetch)


def test_the_fetcher_for_aws_takes_the_address_and_no_other_fetcher_does() -> None:
    GuardedFetcher.for_aws().check(URL)
    with pytest.raises(DestinationRefused):
        GuardedFetcher.for_issuer("https://login.example.org", allow_loopback=False).check(URL)


def test_the_fetcher_for_aws_has_a_bound_too() -> None:
    with pytest.raises(DestinationRefused):
        GuardedFetcher.for_aws().check(URL + "x" * 8_192)
