"""What `make serve` is told: its own settings; the deployment's are read by signet.settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8080
_MAX_PORT = 65_535
_PORT = re.compile(r"[0-9]{1,5}")


class StackRefused(Exception):  # noqa: N818
    """The stack cannot start; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """Port 0 means a free one; `issuer` None means the address that the port makes."""

    port: int
    issuer: str | None
    state: Path
    keep: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "StackSettings":
        """Read the settings of contract section 1.

        Raises:
            StackRefused: naming the setting.
        """
        port = environment.get("SIGNET_PORT") or str(DEFAULT_PORT)
        if not (_PORT.fullmatch(port) and int(port) <= _MAX_PORT):
            raise StackRefused(f"SIGNET_PORT has to be a port number, not {port!r}.")
        return cls(
            port=int(port),
            issuer=environment.get("SIGNET_ISSUER") or None,
            state=Path(environment.get("SIGNET_STATE") or ".local").resolve(),
            keep=environment.get("SIGNET_KEEP") == "1",
        )
