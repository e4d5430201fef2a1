"""Rotations under steady logins, with real parts: what no rotation may ever break, for long.

    make node && .venv/bin/python -m tests.soak steady     20 rotations, one after the other
    .venv/bin/python -m tests.soak cached     a provider that keeps our JWKS longer than P allows
    .venv/bin/python -m tests.soak crashes    1,000 rotations, 10 % faults at each AWS call
    .venv/bin/python -m tests.soak faults     each kind of fault at each AWS call of a rotation

The local stack, npm oidc-provider and people who sign in run on loopback, by a clock of their own
that is faster than the machine's (--speed 1 is the machine's own). It exits with 1 when a login
failed, a key was left over, or the audit's chain does not verify, and ends by itself.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.soak.scenarios import Plan, Result, fault_at_each_call, kept_for_too_long, rotate


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a run does without options; `limit` is in seconds of the machine."""

    use: Callable[[Plan], Result]
    rotations: int
    connections: int
    speed: float
    rate: float
    limit: float
    tick: int = 1
    pause: float = 0.1


RUNS = {
    "steady": Defaults(
        use=rotate, rotations=20, connections=1, speed=10, rate=0, limit=1_800
    ),
    "cached": Defaults(
        use=kept_for_too_long, rotations=1, connections=1, speed=10, rate=0, limit=600
    ),
    "crashes": Defaults(
        use=rotate,
        rotations=1_000,
        connections=60,
        speed=10,
        rate=0.1,
        limit=3_600,
        tick=3,
        pause=0.5,
    ),
    "faults": Defaults(
        use=fault_at_each_call, rotations=0, connections=1, speed=10, rate=0, limit=600
    ),
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run, print what was found, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", choices=RUNS, help="which")
    parser.add_argument("--rotations", type=int, help="how many, of all connections together")
    parser.add_argument("--connections", type=int, help="how many rotate at the same time")
    parser.add_argument("--speed", type=float, help="how much faster than the machine's clock")
    parser.add_argument("--rate", type=float, help="chance of a fault at each AWS call, 0 to 1")
    parser.add_argument("--limit", type=float, help="seconds of the machine after which it ends")
    parser.add_argument("--keep", type=Path, help="a new folder for logs and state, to look at")
    options = parser.parse_args(arguments)
    defaults = RUNS[options.run]
    with tempfile.TemporaryDirectory(prefix="signet-soak-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        chosen = {
            name: getattr(defaults if getattr(options, name) is None else options, name)
            for name in ("rotations", "connections", "speed", "rate", "limit")
        }
        result = defaults.use(
            Plan(
                folder=folder,
                tick=defaults.tick,
                pause=defaults.pause,
                progress=_progress,
                **chosen,
            )
        )
    sys.stdout.write(f"{json.dumps(result.figures, indent=2)}\n")
    for wrong in result.wrong:
        sys.stdout.write(f"WRONG: {wrong}\n")
    sys.stdout.write("Everything held.\n" if not result.wrong else "")
    return 1 if result.wrong else 0


def _progress(text: str) -> None:
    sys.stderr.write(f"… {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
