"""What `make serve` is told: its own settings; the deployment's are read by signet.settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8080
DEFAULT_TICK = 60
MAX_TICK = 86_400
_MAX_PORT = 65_535
_PORT = re.compile(r"[0-9]{1,5}")
_TICK = re.compile(r"[0-9]{1,5}")


class StackRefused(Exception):  # noqa: N818
    """The stack cannot start; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """Port 0 means a free one; `issuer` None means the address that the port makes.

    `tick` is how many seconds are between two events of the schedule that rotates keys.
    """

    port: int
    issuer: str | None
    state: Path
    keep: bool
    tick: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "StackSettings":
        """Read the settings of contract section 1.

        Raises:
            StackRefused: naming the setting.
        """
        port = environment.get("SIGNET_PORT") or str(DEFAULT_PORT)
        if not (_PORT.fullmatch(port) and int(port) <= _MAX_PORT):
            raise StackRefused(f"SIGNET_PORT has to be a port number, not {port!r}.")
        tick = environment.get("SIGNET_TICK_SECONDS") or str(DEFAULT_TICK)
        if not (_TICK.fullmatch(tick) and 1 <= int(tick) <= MAX_TICK):
            raise StackRefused(
                f"SIGNET_TICK_SECONDS has to be a number from 1 to {MAX_TICK}, not {tick!r}."
            )
        return cls(
            port=int(port),
            issuer=environment.get("SIGNET_ISSUER") or None,
            state=Path(environment.get("SIGNET_STATE") or ".local").resolve(),
            keep=environment.get("SIGNET_KEEP") == "1",
            tick=int(tick),
        )
