"""The demo as a process of its own, started as a person starts it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "signet_local.demo")
_LAST = "Ctrl-C"


class DemoProcess:
    """`python -m signet_local.demo` on free ports; a context manager.

    Args:
        state: its SIGNET_STATE.
        until: what the line says that is waited for.
        environment: settings besides, by their names in the environment.
    """

    def __init__(self, state: Path, *, until: str = _LAST, **environment: str) -> None:
        self._until = until
        self._environment = environment_of(state, **environment)
        self._process: subprocess.Popen[str] | None = None
        self.output = ""
        self.issuer = self.app = self.provider = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603  (the project's own program)
            COMMAND,
            cwd=PROJECT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if self._until in line:
                break
        else:
            self.wait()
            raise AssertionError(f"The demo did not become ready:\n{self.output}")
        if self._until == _LAST:
            self._read_addresses()
        return self

    def _read_addresses(self) -> None:
        self.issuer = self._address(r"^signet ready (\S+)$")
        self.app = self._address(r"Sample app +(http\S+)")
        self.provider = self._address(r"identity provider +(http\S+)")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def end(self, number: int) -> int:
        """Send a signal, unless it has ended, and return the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return the exit status once it has ended, having read the rest of its output."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        try:
            status = process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        if not process.stdout.closed:
            self.output += process.stdout.read()
            process.stdout.close()
        return status

    def _address(self, pattern: str) -> str:
        found = re.search(pattern, self.output, re.MULTILINE)
        assert found is not None, self.output
        return found[1]


def environment_of(state: Path, **environment: str) -> dict[str, str]:
    """Return an environment on free ports, without settings of whoever runs the tests."""
    kept = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251  (to leave some out)
        if not name.startswith(("SIGNET_", "AWS_"))
    }
    return {**kept, "SIGNET_PORT": "0", "SIGNET_STATE": str(state), **environment}


def descendants(pid: int) -> dict[int, str]:
    """Return the command lines of all processes below one, from /proc."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            command = (folder / "cmdline").read_text("utf-8", "replace").replace("\0", " ")
        except OSError:
            continue  # it ended meanwhile
        parents[int(folder.name)], commands[int(folder.name)] = int(fields[1]), command
    found: set[int] = set()
    level = {pid}
    while level := {child for child, parent in parents.items() if parent in level} - found:
        found |= level
    return {child: commands[child] for child in found}


def still_running(pids: Iterable[int]) -> set[int]:
    """Return those that run on, though they had time to end."""
    deadline = time.monotonic() + 10
    while (left := {pid for pid in pids if _runs(pid)}) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _runs(pid: int) -> bool:
    """Tell whether a process is there and does not only wait to be collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return False
    return state[0] != "Z"
