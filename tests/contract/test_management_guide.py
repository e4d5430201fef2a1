"""docs/management-api.md: its blocks run as they stand there, one after the other."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.stack import PROJECT, Stack

GUIDE = PROJECT / "docs" / "management-api.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_guides_commands_work_as_they_stand_there() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    interpreter = str(Path(sys.executable))
    script = "".join(blocks).replace(".venv/bin/python", interpreter)
    with Stack() as stack:
        done = subprocess.run(  # noqa: S603  (our own guide)
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607  (whichever is there)
            cwd=PROJECT,
            env={**stack.environment(), "ISSUER": stack.issuer},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "-----BEGIN PUBLIC KEY-----" in done.stdout
    assert '"enabled":false' in done.stdout
    assert '"client_id":"payroll"' in done.stdout
