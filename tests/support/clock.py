"""The time, for what a test makes itself."""

import time


def now() -> int:
    """Return unix seconds."""
    return int(time.time())  # noqa: TID251  (a test is outside of Signet)
