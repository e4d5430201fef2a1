"""Lambda function `initialize`: CloudFormation's custom resource that readies a deployment."""

from signet import wiring
from signet.adapters.cloudformation import answer
from signet.web.custom_resource import custom_resource


@custom_resource("initialize", answer=answer)
def handler() -> None:
    """Publish the issuer's key and register the administrator; refuse impossible settings.

    A refusal fails the deployment, with its reason in CloudFormation's events. A deletion removes
    nothing: what was signed may still have to be verified.
    """
    wiring.initialize_deployment()()
