"""Judge a KMS key by its tags, its age and the one record that may refer to it."""

from enum import StrEnum

from signet.broker.key_creation import (
    CONNECTION_TAG,
    PURPOSE_CONNECTION,
    PURPOSE_ISSUER,
    PURPOSE_TAG,
    STACK_TAG,
)
from signet.broker.keyring import ISSUER, Keyring
from signet.broker.ports import KmsKey
from signet.broker.rotation import Bounds

ENABLED = "enabled"
PENDING_DELETION = "pending_deletion"


class Standing(StrEnum):
    """What a key of ours is to the records."""

    REFERENCED = "referenced"
    REVOKED = "revoked"
    WITHIN_GRACE = "within_grace"
    UNREFERENCED = "unreferenced"
    PENDING_DELETION = "pending_deletion"


def owner_of(key: KmsKey, *, stack: str) -> str | None:
    """Return whose key it is; None for a key that no keyring of this deployment can name."""
    if key.tags.get(STACK_TAG) != stack:
        return None
    purpose = key.tags.get(PURPOSE_TAG)
    if purpose == PURPOSE_ISSUER:
        return ISSUER
    return key.tags.get(CONNECTION_TAG) if purpose == PURPOSE_CONNECTION else None


def standing(key: KmsKey, keyring: Keyring | None, *, bounds: Bounds, now: int) -> Standing:
    """Judge a key by its owner's keyring, which was read strongly after the key was.

    An owner's removal leaves its keys alone for R: what they signed may still be under way. A key
    that is needed is referenced also when somebody has KMS delete it: that has to be told.
    """
    referred = keyring is not None and keyring.refers_to(key.key_id)
    removed_at = keyring.deleted_at if keyring is not None else None
    if referred and removed_at is None:
        return Standing.REFERENCED
    if key.state == PENDING_DELETION:
        return Standing.PENDING_DELETION
    if referred and removed_at is not None and now <= removed_at + bounds.retention:
        return Standing.REFERENCED
    if keyring is not None and any(key.key_id == former.key_id for former in keyring.revoked):
        return Standing.REVOKED
    # A rotation that is about to publish it may have made it just now.
    if now - key.created_at <= bounds.grace:
        return Standing.WITHIN_GRACE
    return Standing.UNREFERENCED
