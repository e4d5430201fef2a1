"""The clock of a run: the same one for Signet, the emulated AWS, the provider and the people."""

# ruff: noqa: TID251  (what is started from here finds its clock by the environment)

import importlib.util
import os
from pathlib import Path

SITE = Path(__file__).with_name("site")


def environment(*, speed: float, machine: float, shown: float) -> dict[str, str]:
    """Return what processes are started with to live by a clock.

    Args:
        speed: how much faster it goes than the machine's.
        machine: the machine's unix time now.
        shown: the unix time that it shows now.
    """
    return {
        "SOAK_CLOCK": f"{speed} {machine} {shown}",
        "PYTHONPATH": str(SITE),
        "NODE_OPTIONS": f"--import={(SITE / 'clock.mjs').as_uri()}",
    }


class RunClock:
    """The clock of this process and of all that it starts from now on."""

    def __init__(self, *, speed: float) -> None:
        specification = importlib.util.spec_from_file_location(
            "soak_sitecustomize", SITE / "sitecustomize.py"
        )
        assert specification is not None
        assert specification.loader is not None
        self._site = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(self._site)
        self.speed = speed
        self._set(self.machine())

    def machine(self) -> float:
        """Return the machine's own unix time."""
        return float(self._site._machine())

    def now(self) -> float:
        """Return the unix time that it shows."""
        speed, zero, began = (float(n) for n in os.environ["SOAK_CLOCK"].split())
        return began + (self.machine() - zero) * speed

    def go_ahead(self, seconds: float) -> None:
        """Put it forward, from now on at `speed`; what runs already keeps the one it has."""
        self._set(self.now() + seconds)

    def _set(self, shown: float) -> None:
        os.environ |= environment(speed=self.speed, machine=self.machine(), shown=shown)
        self._site.install(os.environ["SOAK_CLOCK"])
