"""README's walk with curl: refused before the provider knows our key, accepted after, a login."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.browser import form_of
from tests.support.ports import free_port
from tests.support.stack import PROJECT, Stack
from tests.support.travelled import Travelled, Wire

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@contextmanager
def beside(stack: Stack, ports: tuple[int, int], *more: str) -> Iterator[None]:
    command = [sys.executable, "-m", "signet_local.beside", "--state", str(stack.state)]
    command += ["--provider-port", str(ports[0]), "--app-port", str(ports[1]), *more]
    with subprocess.Popen(  # noqa: S603  (the project's own program)
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("beside ready http://127.0.0.1:")
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=10) == 0


def run(stack: Stack, script: str, **environment: str) -> str:
    done = subprocess.run(  # noqa: S603  (README's own words)
        ["bash", "-euo", "pipefail", "-c", script.replace(".venv/bin/python", sys.executable)],  # noqa: S607
        cwd=PROJECT,
        env={**stack.environment(), "ISSUER": stack.issuer, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_readmes_walk_connects_a_provider_and_ends_in_a_login(tmp_path: Path) -> None:
    (block,) = re.findall(
        r"with curl alone.*?```sh\n(.*?)```", (PROJECT / "README.md").read_text("utf-8"), re.DOTALL
    )
    ports, sheet = (free_port(), free_port()), tmp_path / "sheet.json"
    app = f"http://127.0.0.1:{ports[1]}"
    names = {"PROVIDER": f"http://127.0.0.1:{ports[0]}", "APP": app, "SHEET": str(sheet)}
    with Stack(SIGNET_SIGNER_CACHE_SECONDS="0") as stack:
        with beside(stack, ports):
            said = run(stack, block, **names)
        assert '"client_authentication":"refused"' in said
        jwks_uri = json.loads(sheet.read_text("utf-8"))["jwks_uri"]
        assert f"this JWKS address is entered there: {jwks_uri}" in said
        with beside(stack, ports, "--sheet", str(sheet)):
            test = 'sleep 10; api -X POST "$ISSUER/api/v1/connections/$ID/test"'
            token, _, _ = block.partition("# A connection")
            connection = f"ID={json.loads(sheet.read_text('utf-8'))['connection_id']}\n"
            said = run(stack, f"{token}\n{connection}{test}", **names)
            assert '"client_authentication":"accepted"' in said
            assert "Hello, Ada Lovelace" in logged_in(app)


def logged_in(app: str) -> str:
    """Log in at the sample app as a browser does, and return the page that it then shows."""
    client = Wire(Travelled()).client()
    response = client.get(f"{app}/login")
    for _ in range(20):
        if response.is_redirect:
            response = client.get(str(response.url.join(response.headers["location"])))
        elif (form := form_of(response.text)) is not None and "login" in form.fields:
            fields = {**form.fields, "login": "ada"}
            response = client.request(form.method, response.url.join(form.action), data=fields)
        else:
            break
    return response.text
