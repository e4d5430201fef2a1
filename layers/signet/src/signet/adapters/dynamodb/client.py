"""The DynamoDB client: made on first use, with bounded waits and our own errors."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from signet.adapters.aws import aws_client
from signet.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class ConditionFailed(Exception):  # noqa: N818
    """The write's condition did not hold; never leaves this package.

    `failed` are the indices of a transaction's items whose conditions did not.
    """

    def __init__(self, failed: frozenset[int]) -> None:
        super().__init__()
        self.failed = failed


class Conflicted(Unavailable):
    """Another transaction was at one of the items: nothing was written, and it can be tried again.

    To whoever does not ask for it by name, the store is not available.
    """


class DynamoDb:
    """Calls DynamoDB; nothing of botocore's escapes."""

    @cached_property
    def _client(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", aws_client("dynamodb"))

    def call(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Call one operation by its Python name.

        Raises:
            ConditionFailed: the condition of a write did not hold.
            Conflicted: another transaction was faster.
            Unavailable: `store_unavailable`: any other failure, a refused permission too, so that
                nobody goes on without the store.
        """
        client = self._client
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if _is_condition(code, error.response):
                raise ConditionFailed(_failed(error.response)) from None
            if _cancelled_by(error.response, "TransactionConflict"):
                raise _unavailable(operation, code, Conflicted) from None
            raise _unavailable(operation, code) from None
        except BotoCoreError as error:
            raise _unavailable(operation, type(error).__name__) from None
        return answer


def _is_condition(code: str, response: Any) -> bool:
    """Tell a failed condition from every other failure, of a transaction too."""
    return code == "ConditionalCheckFailedException" or (
        code == "TransactionCanceledException" and bool(_failed(response))
    )


def _failed(response: Any) -> frozenset[int]:
    return _cancelled_by(response, "ConditionalCheckFailed")


def _cancelled_by(response: Any, code: str) -> frozenset[int]:
    """Return the items of a transaction that were a reason to cancel it."""
    reasons = response.get("CancellationReasons", ())
    return frozenset(i for i, reason in enumerate(reasons) if reason.get("Code") == code)


def _unavailable(operation: str, reason: str, kind: type[Unavailable] = Unavailable) -> Unavailable:
    return kind(
        "store_unavailable",
        "The service is not available now. Please try again.",
        private=f"DynamoDB {operation}: {reason}",
        redirectable=True,
    )
