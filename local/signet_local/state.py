"""The state folder: what one run of the stack leaves for people, tests and the next run."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        draft = path.with_suffix(".draft")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
        draft.replace(path)

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a document of this or an earlier run."""
        path = self.folder / name
        if not path.exists():
            return None
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document
