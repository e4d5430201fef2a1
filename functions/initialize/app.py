"""Lambda function `initialize`: CloudFormation's custom resource that readies a deployment."""

from typing import Any

from signet import wiring
from signet.adapters.cloudformation import answer
from signet.errors import SignetError


def handler(event: dict[str, Any], context: object) -> None:
    """Publish the issuer's key and register the administrator; refuse impossible settings.

    A refusal fails the deployment, with its reason in CloudFormation's events. A deletion removes
    nothing: what was signed may still have to be verified.
    """
    del context
    reason = ""
    if event["RequestType"] != "Delete":
        try:
            wiring.initialize_deployment()()
        except SignetError as problem:
            reason = problem.private or problem.public
    answer(event, reason=reason)
