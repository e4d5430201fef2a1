"""Start and end the process that emulates AWS."""

import subprocess
import sys
from pathlib import Path


class EmulatedAws:
    """AWS on loopback, from `start` to `stop`.

    `snapshot` is a file to begin with and to end in; without one everything is new.
    """

    def __init__(self, *, snapshot: Path | None = None) -> None:
        self._snapshot = snapshot
        self._process: subprocess.Popen[str] | None = None
        self.endpoint = ""

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it ended at once; what it said is on standard error.
        """
        command = [sys.executable, "-m", "signet_local.emulated_aws.server"]
        if self._snapshot is not None:
            command.append(str(self._snapshot))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._process.stdout is not None:
            self.endpoint = self._process.stdout.readline().strip()
        if not self.endpoint:
            self.stop()
            raise RuntimeError("The emulated AWS did not start.")

    def environment(self) -> dict[str, str]:
        """Name the settings with which boto3 finds it; the credentials are of nobody."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def stop(self) -> None:
        """End it; it writes its snapshot first."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
