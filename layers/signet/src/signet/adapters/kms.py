"""AWS KMS: keys that are made there, sign there, and never leave."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from signet.adapters.aws import aws_client
from signet.broker.ports import KmsKey, Page
from signet.errors import Misconfigured, SignetError, Unavailable
from signet.jose.algorithms import SigningAlgorithm
from signet.jose.jws import DigestSignature

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient
    from types_boto3_kms.type_defs import TagTypeDef

T = TypeVar("T")

_KEY_FAULTS = frozenset({
    "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException",
    "NotFoundException", "InvalidArnException", "UnsupportedOperationException",
})  # fmt: skip
"""What somebody has to look at. A new key can be not found for a while too: then nothing is
published yet, because `prove` failed."""


_REFUSED = "AccessDeniedException"

_STATES = {"Enabled": "enabled", "Disabled": "disabled"}


class Refused(Unavailable):
    """We may not do this with this key; never told from other failures outside of this module."""


class KmsKeys:
    """The `Kms` port on AWS; whatever fails, no other key ever takes over (rule 20)."""

    @cached_property
    def _client(self) -> "KMSClient":
        return cast("KMSClient", aws_client("kms"))

    def sign_digest(
        self, *, key_id: str, algorithm: SigningAlgorithm, digest: bytes
    ) -> DigestSignature:
        """Sign a digest that was made here, so that no message is too long for KMS (4,096 bytes).

        Raises:
            Unavailable: `signing_unavailable`: throttled, timed out, or a permission that is not
                there yet (they are eventually consistent).
            Misconfigured: `signing_key`: the key is disabled, deleted or of another kind.
        """
        answer = self._call(
            lambda client: client.sign(
                KeyId=key_id,
                Message=digest,
                MessageType="DIGEST",
                SigningAlgorithm=cast("Any", algorithm.kms_signing_algorithm),
            )
        )
        return DigestSignature(
            value=answer["Signature"], request_id=answer["ResponseMetadata"]["RequestId"]
        )

    def create_key(self, *, algorithm: SigningAlgorithm, tags: Mapping[str, str]) -> str:
        """Make a key, tagged in the same call so that a lost answer leaves no nameless key."""
        answer = self._call(
            lambda client: client.create_key(
                KeySpec=cast("Any", algorithm.kms_key_spec),
                KeyUsage="SIGN_VERIFY",
                Description=f"Signet {tags.get('signet:purpose', '')} key, {algorithm.name}",
                Tags=_tags(tags),
            )
        )
        return answer["KeyMetadata"]["KeyId"]

    def public_key(self, key_id: str) -> bytes:
        """Return a key's public half as SubjectPublicKeyInfo in DER."""
        return self._call(lambda client: client.get_public_key(KeyId=key_id))["PublicKey"]

    def disable_key(self, key_id: str) -> None:
        """Have a key sign no more; it can be enabled again."""
        try:
            self._call(lambda client: client.disable_key(KeyId=key_id))
        except Misconfigured:
            # It is about to be deleted, or gone.
            return

    def tag_key(self, key_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a key."""
        self._call(lambda client: client.tag_resource(KeyId=key_id, Tags=_tags(tags)))

    def list_keys(self, *, position: str | None) -> Page[str]:
        """Return ids of the account's keys; they may be anybody's."""
        start = {"Marker": position} if position is not None else {}
        answer = self._call(lambda client: client.list_keys(Limit=100, **start))
        return Page(
            items=tuple(key["KeyId"] for key in answer["Keys"]),
            position=answer.get("NextMarker") if answer.get("Truncated") else None,
        )

    def describe(self, key_id: str) -> KmsKey | None:
        """Return a key's state and tags; None for a key that is gone, or that we may not look at.

        Such a key is somebody else's, by its key policy or by its tags: one of them must not end
        the list for all of ours. Where our own permission is late, the key is left alone until
        the next time.

        Raises:
            Unavailable: `signing_unavailable`: throttled, or timed out.
        """
        try:
            metadata = self._call(lambda client: client.describe_key(KeyId=key_id))["KeyMetadata"]
            tags = self._call(lambda client: client.list_resource_tags(KeyId=key_id))["Tags"]
        except (Misconfigured, Refused):
            return None
        return KmsKey(
            key_id=key_id,
            created_at=int(metadata["CreationDate"].timestamp()),
            state=_STATES.get(metadata["KeyState"], "pending_deletion"),
            tags={tag["TagKey"]: tag["TagValue"] for tag in tags},
        )

    def schedule_deletion(self, key_id: str) -> None:
        """Have a key deleted after 30 days, the longest time in which it can be saved."""
        try:
            self._call(
                lambda client: client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=30)
            )
        except Misconfigured:
            # It is scheduled already, or gone.
            return

    def _call(self, operation: "Callable[[KMSClient], T]") -> T:
        client = self._client
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return operation(client)
        except ClientError as error:
            raise _translated(error.response.get("Error", {}).get("Code", "")) from None
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from None


def _tags(tags: Mapping[str, str]) -> "list[TagTypeDef]":
    return [{"TagKey": name, "TagValue": value} for name, value in tags.items()]


def _translated(code: str) -> SignetError:
    if code in _KEY_FAULTS:
        return Misconfigured(
            "signing_key",
            "This service cannot sign now.",
            private=f"KMS: {code}: the key has to be looked at",
            redirectable=True,
        )
    return _unavailable(code, Refused if code == _REFUSED else Unavailable)


def _unavailable(reason: str, kind: type[Unavailable] = Unavailable) -> Unavailable:
    return kind(
        "signing_unavailable",
        "The service is not available now. Please try again.",
        private=f"KMS: {reason}",
        redirectable=True,
    )
