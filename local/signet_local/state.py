"""The state folder: what one run of the stack leaves for people, tests and the next run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signet_local.private_file import written_whole
from signet_local.stack_settings import StackRefused

ADMIN = "admin.json"
ENVIRONMENT = "environment.json"
SNAPSHOT = "aws.json"
ACCESS_LOG = "access.log"
_OURS = (ADMIN, ENVIRONMENT, SNAPSHOT, ACCESS_LOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A folder of the user's choice; only our own files in it are ever touched."""

    folder: Path

    def prepare(self, *, keep: bool) -> None:
        """Make the folder, and forget an earlier run unless it is to be kept.

        Raises:
            StackRefused: the folder cannot be made or written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in _OURS:
                if not keep:
                    (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise StackRefused(f"SIGNET_STATE={self.folder} cannot be used: {error}.") from None

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON document that only its owner can read, whole or not at all."""
        path = self.folder / name
        with written_whole(path) as file:
            json.dump(document, file, indent=1)

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a document of this or an earlier run.

        Raises:
            StackRefused: there is one, and it cannot be read.
        """
        path = self.folder / name
        if not path.exists():
            return None
        try:
            document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StackRefused(
                f"{path} cannot be read: {error}. Without SIGNET_KEEP=1 it is made anew."
            ) from None
        return document
