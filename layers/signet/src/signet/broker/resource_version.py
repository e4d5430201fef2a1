"""When a record was made and changed, and in which version it is: times and entity-tags."""

from collections.abc import Callable
from datetime import UTC, datetime

from signet.errors import Rejected, Unavailable

ATTEMPTS = 5
"""How often a write without If-Match is made again after somebody else's."""


def rfc3339(seconds: int) -> str:
    """Write unix seconds as UTC with Z [RFC 3339 5.6]."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def etag(*, created_at: int, version: int) -> str:
    """Write a strong entity-tag [RFC 9110 8.8.3].

    With the time of creation in it, the tag of a record that was removed is never that of another
    one which took its id later.
    """
    return f'"{created_at:x}-{version}"'


def check_if_match(condition: str | None, tag: str) -> None:
    """Hold If-Match against the stored version; without the header nothing is demanded.

    Tags are also taken without their quotes, as they are easily sent by hand.

    Raises:
        Rejected: `version_mismatch` [RFC 9110 13.1.1].
    """
    if condition is None:
        return
    known = {part.strip().strip('"') for part in condition.split(",")}
    if "*" not in known and tag.strip('"') not in known:
        raise version_mismatch()


def version_mismatch() -> Rejected:
    """Make the error of a change that was made from an older version."""
    return Rejected("version_mismatch", "It was changed by somebody else meanwhile. Read it again.")


def written(write: Callable[[], None]) -> bool:
    """Write, and tell whether the version was still the one that was read."""
    try:
        write()
    except Rejected as problem:
        if problem.code != "version_mismatch":
            raise
        return False
    return True


def busy() -> Unavailable:
    """Make the error of a write that was overtaken too often."""
    return Unavailable("busy", "It is changed by many at once. Please try again.")
