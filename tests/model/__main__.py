"""Visit every state of each scope, and print how many they are and what breaks, if anything."""

import sys
import time

from tests.model.rules import PROTOCOL
from tests.model.scopes import SCOPES
from tests.model.search import search


def main() -> int:
    broken = 0
    for name, scope in SCOPES.items():
        started = time.monotonic()
        found = search(PROTOCOL, scope)
        seconds = time.monotonic() - started
        broken += found.broken is not None
        print(f"{name}: {found} ({seconds:.1f} s)", flush=True)  # noqa: T201  (a command prints)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
