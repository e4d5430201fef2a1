"""The smoke test of a deployed stack, against the local one, and against what is not Signet."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.support.ports import free_port
from tests.support.scripted_server import ScriptedServer
from tests.support.stack import PROJECT, Stack

from signet_local.smoke import BROKEN, CHECKS, HOLDS, Broken, Check, Deployment, smoke

ELSEWHERE = (
    b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\n"
    b"content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as running:
        yield running


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (our own code)
        [sys.executable, "-m", "signet_local.smoke", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_everything_holds_of_the_local_stack(stack: Stack) -> None:
    done = run(stack.issuer)
    assert (done.returncode, done.stderr) == (HOLDS, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(CHECKS)
    assert all(line.startswith("holds ") for line in lines)


def test_a_slash_at_the_end_of_the_address_does_not_matter(stack: Stack) -> None:
    assert smoke(f"{stack.issuer}/", tell=lambda _: None) == HOLDS


def test_another_name_of_the_deployment_is_not_its_issuer(stack: Stack) -> None:
    told: list[str] = []
    # Both reach the same server; apps and providers hold on to one of them.
    other = stack.issuer.replace("127.0.0.1", "localhost")
    assert smoke(other, tell=told.append) == BROKEN
    assert told[0].startswith("BROKEN  the metadata name this issuer: issuer is ")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_check_holds_of_a_server_that_is_not_signet(check: Check) -> None:
    with ScriptedServer(ELSEWHERE) as server, pytest.raises(Broken):
        check(Deployment(f"http://127.0.0.1:{server.port}"))


def test_a_server_that_does_not_answer_is_a_line_and_no_traceback() -> None:
    done = run(f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stderr) == (BROKEN, "")
    assert all("no answer" in line for line in done.stdout.splitlines())


@pytest.mark.parametrize("address", ["", "http://login.example.com", "login.example.com"])
def test_an_address_that_is_no_issuer_is_refused_before_anything_is_asked(address: str) -> None:
    done = run(address)
    assert done.returncode == 2
    assert "make smoke URL=" in done.stderr
