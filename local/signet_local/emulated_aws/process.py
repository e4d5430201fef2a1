"""Start and end the process that emulates AWS."""

import os
import subprocess
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from signet_local.emulated_aws import REGION


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
            command,
            # Moto uses the SDK too, and would look for a person's profile.
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C reaches a whole group, also one that is still importing.
            process_group=0,
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
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # Whatever the person's own files say of profiles and endpoints.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            # A person's proxy would be asked for loopback addresses too.
            "no_proxy": "127.0.0.1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def ended(self) -> str | None:
        """Tell in a sentence that it ended by itself, or None."""
        if self._process is None or self._process.poll() is None:
            return None
        return f"The emulated AWS ended by itself (exit status {self._process.returncode})."

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


def use(environment: Mapping[str, str], process: MutableMapping[str, str]) -> None:
    """Put an emulated AWS's settings into a process's environment, in the place of all others.

    What is left of a person's own (a profile, AWS_ENDPOINT_URL_KMS) would win over these, and
    calls would leave for AWS itself.
    """
    for name in [name for name in process if name.startswith("AWS_")]:
        del process[name]
    process.update(environment)
