"""Wall-clock time."""

import time


class WallClock:
    """The system's clock; it goes on while a Lambda sandbox is frozen, monotonic ones may not."""

    def now(self) -> int:
        """Return unix seconds."""
        return int(time.time())
