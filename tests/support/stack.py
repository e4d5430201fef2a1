"""The local stack as a process of its own, on a free port and in a temporary folder."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROJECT = Path(__file__).resolve().parents[2]
OUTPUT = "output.log"
_READY = "signet ready "
_START_SECONDS = 60


class StackFailedError(AssertionError):
    """The stack did not become ready, or did not do what it was asked."""


class Stack:
    """`python -m signet_local.serve`, from `start` to `stop`; a context manager.

    Args:
        state: its SIGNET_STATE; a temporary folder without one.
        module: what is run.
        environment: settings besides, by their names in the environment.
    """

    def __init__(
        self,
        *,
        state: Path | None = None,
        module: str = "signet_local.serve",
        **environment: str,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="signet-") if not state else None
        self.state = state or Path(self._temporary.name if self._temporary else "")
        self._module = module
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at = 0
        self.issuer = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait for its ready line."""
        self.launch()
        self._wait_until_ready()

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it and do not wait."""
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / OUTPUT).open("ab") as output:
            self._began_at = output.tell()
            self._process = subprocess.Popen(  # noqa: S603  (a program of ours)
                [sys.executable, "-m", self._module],
                cwd=PROJECT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self._process

    def stop(self, number: int = signal.SIGTERM, *, within: float = 10) -> int:
        """End it by a signal and return its exit status.

        Raises:
            subprocess.TimeoutExpired: it went on for longer than `within` seconds; it is killed.
        """
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(timeout=within)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            self._process = None

    def register(self, documents: Mapping[str, Any]) -> dict[str, Any]:
        """Register `{"connections": […], "clients": […]}`; return what was made."""
        done = subprocess.run(  # noqa: S603  (the project's own program)
            [sys.executable, "-m", "signet_local.register", "--state", str(self.state)],
            cwd=PROJECT,
            env=_of_this_machine(),
            input=json.dumps(documents),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise StackFailedError(done.stderr)
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    def admin(self) -> dict[str, Any]:
        """Return admin.json."""
        document: dict[str, Any] = json.loads((self.state / "admin.json").read_text("utf-8"))
        return document

    def output(self) -> str:
        """Return what it printed since its last start, on both channels."""
        return (self.state / OUTPUT).read_bytes()[self._began_at :].decode("utf-8", "replace")

    def log_text(self) -> str:
        """Return all that it printed or wrote to a log: what an operator could read of it."""
        names = (OUTPUT, "access.log")
        files = [self.state / name for name in names if (self.state / name).exists()]
        return "\n".join(file.read_text("utf-8", "replace") for file in files)

    def change_environment(self, **environment: str) -> None:
        """Change what it is started with the next time."""
        self._environment |= environment

    def children(self) -> set[int]:
        """Return the processes that it started and that still run."""
        return children(self.pid)

    def environment(self) -> dict[str, str]:
        """Return what it is started with."""
        return {
            **_of_this_machine(),
            "SIGNET_PORT": "0",
            "SIGNET_STATE": str(self.state),
            **self._environment,
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            for line in self.output().splitlines(keepends=True):
                if line.startswith(_READY) and line.endswith("\n"):
                    self.issuer = line.removeprefix(_READY).strip()
                    return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop(signal.SIGKILL)
        raise StackFailedError(f"The stack did not become ready:\n{self.output()}")


def children(pid: int) -> set[int]:
    """Return a process's children, from /proc."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[1]) == pid and fields[0] != "Z":
            found.add(int(status.parent.name))
    return found


def runs(pid: int) -> bool:
    """Tell whether a process is there and not only waits to be collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return False
    return state[0] != "Z"


def _of_this_machine() -> dict[str, str]:
    """Leave out settings of Signet and AWS that whoever runs the tests may have."""
    return {
        name: value
        for name, value in os.environ.items()  # noqa: TID251  (to leave some out)
        if not name.startswith(("SIGNET_", "AWS_"))
    }
