"""What `sam build` makes, for this machine's processor, made again when its sources changed."""

import fcntl
import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.sandbox import ROOT

SAM = ROOT / ".aws-sam"
BUILT = SAM / "local"
SOURCES = ("template.yaml", "samconfig.toml", "requirements-build.txt", "functions", "layers")


def python313() -> Path:
    """Return an interpreter of the functions' runtime, or skip the test and say why."""
    found = subprocess.run(  # noqa: S603  (our own program)
        [ROOT / "tools" / "python3.13-folder"], capture_output=True, text=True, check=False
    )
    if found.returncode != 0:
        pytest.skip(found.stderr.strip())
    return Path(found.stdout.strip()) / "python3.13"


def built_artifact() -> Path:
    """Return the folder that SAM built, current."""
    made_from, stamp = _digest(), SAM / "local-made-from"
    with _alone():
        if not BUILT.exists() or not stamp.exists() or stamp.read_text("ascii") != made_from:
            build = subprocess.run(
                ["make", "artifact"],  # noqa: S607  (the project's own)
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert build.returncode == 0, build.stdout + build.stderr
            stamp.write_text(made_from, "ascii")
    return BUILT


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process build at a time: tests may run in several."""
    SAM.mkdir(exist_ok=True)
    with (SAM / "local-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def source_files(folder: Path) -> set[str]:
    """Return the files below a source folder that are anybody's to deploy."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and ".egg-info" not in str(path)
    }


def _digest() -> str:
    digest = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        names = sorted(source_files(path)) if path.is_dir() else [""]
        for name in names:
            digest.update(f"{source}/{name}\n".encode())
            digest.update((path / name).read_bytes())
    return digest.hexdigest()
