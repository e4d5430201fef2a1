"""Let every Python process of a run live by one clock, which may go faster than the machine's.

`SOAK_CLOCK` holds three numbers: how much faster, the machine's unix time at which it began, and
the unix time that it showed then. Whatever waits (timeouts, sleeping) goes by the machine.
"""

# ruff: noqa: TID251  (this is the clock)

import os
import sys
import time
from datetime import UTC, datetime

_machine = time.time


def install(told: str) -> None:
    """Have `time.time` show that clock, and moto, where this process is the emulated AWS."""
    speed, zero, began = (float(number) for number in told.split())

    def now() -> float:
        return began + (_machine() - zero) * speed

    time.time = now
    if "signet_local.emulated_aws.server" in sys.orig_argv:
        import moto.core.utils  # noqa: PLC0415  (in no other process)

        moto.core.utils.utcnow = lambda: datetime.fromtimestamp(now(), UTC).replace(tzinfo=None)


if told := os.environ.get("SOAK_CLOCK"):
    install(told)
