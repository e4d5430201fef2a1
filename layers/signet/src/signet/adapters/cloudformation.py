"""Answer a CloudFormation custom resource: its result goes to an address that the event brings."""

from collections.abc import Callable, Mapping
from typing import Any

from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.jose import strict_json
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable

_PHYSICAL_ID = "signet-initialization"
_OK = 200


def response_document(event: Mapping[str, Any], *, reason: str) -> dict[str, object]:
    """Write the answer; an empty `reason` means success."""
    return {
        "Status": "FAILED" if reason else "SUCCESS",
        "Reason": reason or "ready",
        "PhysicalResourceId": event.get("PhysicalResourceId", _PHYSICAL_ID),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }


def answer(
    event: Mapping[str, Any], *, reason: str, fetch: Callable[..., HttpAnswer] | None = None
) -> None:
    """Send the answer to CloudFormation's pre-signed address.

    The address comes from AWS in an invocation that only CloudFormation may make, so AWS's own
    domains are allowed here and nowhere else.

    Args:
        event: CloudFormation's.
        reason: why it failed; empty means success.
        fetch: makes the HTTP attempt; another than the guarded fetcher's is for tests.

    Raises:
        Unreachable: nobody took the answer; Lambda calls the function again after a minute.
    """
    document = strict_json.dumps(response_document(event, reason=reason))
    request = HttpRequest(
        # The pre-signed address was signed for an empty content type.
        method="PUT",
        url=event["ResponseURL"],
        headers={"content-type": ""},
        content=document,
    )
    fetch = fetch or GuardedFetcher.for_aws().fetch
    response = fetch(request, bulkhead="cloudformation")
    if response.status != _OK:
        raise Unreachable(f"CloudFormation's answer was not taken: {response.status}", sent=True)
