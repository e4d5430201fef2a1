"""A function in an interpreter of its own, the way a Lambda sandbox begins: nothing is loaded."""

import json
import socket  # noqa: TID251  (it only holds a port)
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"
EVENTS = ROOT / "events"
INVOKE = ROOT / "tests" / "support" / "invoke.py"

ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "SIGNET_ISSUER": "https://login.example.com",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one sandbox did: `loaded` modules once the file was imported, and after the event."""

    loaded: frozenset[str]
    loaded_after: frozenset[str]
    answer: Any
    error: str | None
    log: str


def event(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def folder_of(name: str) -> str:
    """Return the folder of the function that a sample event is for."""
    folders = [path.parent.name for path in FUNCTIONS.glob("*/app.py")]
    (folder,) = [it for it in folders if f"{name}-".startswith(f"{it.replace('_', '-')}-")]
    return folder


def invoke(
    app: Path,
    event: Mapping[str, Any] | None,
    *,
    aws: str,
    python: Sequence[str] = (sys.executable,),
    folders: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Import a function's file and call its handler; no event: import it only.

    Args:
        app: the function's file.
        event: for its handler.
        aws: where every AWS service is said to be.
        python: the interpreter with its options.
        folders: to put on its path, as Lambda puts the layers.
        environment: beside ENVIRONMENT.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        process = subprocess.run(  # noqa: S603  (our own program)
            [*python, str(INVOKE), str(result), str(app), *map(str, folders)],
            input=json.dumps(event),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=folder,
            env={**ENVIRONMENT, "AWS_ENDPOINT_URL": aws, **(environment or {})},
        )
        assert process.returncode == 0, process.stderr
        told = json.loads(result.read_text(encoding="utf-8"))
    return Outcome(
        loaded=frozenset(told["loaded"]),
        loaded_after=frozenset(told["loaded_after"]),
        answer=told["answer"],
        error=told["error"],
        log=process.stdout + process.stderr,
    )


@contextmanager
def unreachable_aws() -> Iterator[str]:
    """Hold a loopback port on which nobody listens."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{nobody.getsockname()[1]}"
