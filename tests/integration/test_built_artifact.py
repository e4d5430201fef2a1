"""What would be deployed: built by SAM, run by a bare interpreter of the functions' runtime."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.artifact import built_artifact, python313, source_files
from tests.support.sandbox import (
    EVENTS,
    FUNCTIONS,
    ROOT,
    Outcome,
    event,
    folder_of,
    invoke,
    unreachable_aws,
)

NAMES = sorted(path.parent.name for path in FUNCTIONS.glob("*/app.py"))
COMPUTED = ("discovery-", "manage-openapi")
EVENT_NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))
LOCK = ROOT / "layers" / "dependencies" / "requirements.txt"

# What the Lambda runtime brings (docs/adr/0004): boto3 and what it needs.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


@pytest.fixture(scope="session")
def python() -> list[str]:
    # -I -S: no environment, no site-packages; what is on the path, a test put there.
    # -B: what would be deployed stays as SAM made it.
    return [str(python313()), "-I", "-S", "-B"]


@pytest.fixture(scope="session")
def artifact(python: list[str]) -> Path:
    return built_artifact()


@pytest.fixture(scope="session")
def layers(artifact: Path) -> list[Path]:
    return [artifact / "SignetLayer" / "python", artifact / "DependenciesLayer" / "python"]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out what the Lambda runtime brings, in a folder of its own."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        origin = Path(found.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def built_function(artifact: Path, name: str) -> Path:
    return artifact / logical_id(name) / "app.py"


def logical_id(folder: str) -> str:
    return f"{folder.title().replace('_', '')}Function"


def names_below(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", NAMES)
def test_every_handler_imports_with_the_layers_alone_on_its_path(
    name: str, artifact: Path, layers: list[Path], python: list[str]
) -> None:
    outcome = run(built_function(artifact, name), None, python=python, folders=layers)
    assert "signet.wiring" in outcome.loaded
    assert not outcome.loaded & {"boto3", "botocore"}


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_every_handler_answers_its_events_beside_the_runtimes_boto3(
    name: str, artifact: Path, layers: list[Path], runtime: Path, python: list[str]
) -> None:
    app = built_function(artifact, folder_of(name))
    assert_answered(name, run(app, event(name), python=python, folders=[*layers, runtime]))


def run(
    app: Path, event: dict[str, Any] | None, *, python: list[str], folders: list[Path]
) -> Outcome:
    with unreachable_aws() as nowhere:
        return invoke(app, event, aws=nowhere, python=python, folders=folders)


def assert_answered(name: str, outcome: Outcome) -> None:
    assert "defect" not in outcome.log
    if name.startswith("initialize-"):
        # It came as far as its answer, whose address in the sample leads nowhere.
        assert (outcome.error or "").startswith("DestinationRefused")
        return
    if name.startswith(("reap-keys-", "rotate-keys-", "send-logout-")):
        # Lambda tries it again.
        assert (outcome.error or "").startswith("Unavailable")
        return
    assert outcome.error is None
    assert outcome.answer["statusCode"] == (200 if name.startswith(COMPUTED) else 503)


def test_a_folder_for_each_function_and_one_file_in_it(artifact: Path) -> None:
    functions = {path.name: names_below(path) for path in artifact.glob("*Function")}
    assert functions == {logical_id(name): {"app.py"} for name in NAMES}


def test_signets_layer_holds_the_package_and_nothing_else(layers: list[Path]) -> None:
    assert names_below(layers[0].parent) == {"python"}
    assert source_files(layers[0]) == source_files(ROOT / "layers" / "signet" / "src")
    assert names_below(layers[0]) == {"signet"}
    assert "py.typed" in names_below(layers[0] / "signet")


def test_the_dependencies_layer_holds_the_locked_packages_and_nothing_else(
    layers: list[Path],
) -> None:
    locked = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", LOCK.read_text("utf-8"), re.MULTILINE))
    folders = sorted(layers[1].glob("*.dist-info"))
    built = [path.name.removesuffix(".dist-info").rsplit("-", 1) for path in folders]
    assert {name.replace("_", "-"): version for name, version in built} == locked
    listed = {
        line.partition(",")[0].partition("/")[0]
        for path in folders
        for line in (path / "RECORD").read_text("utf-8").splitlines()
    }
    unlisted = names_below(layers[1]) - listed - {"requirements.txt"}
    assert all(name.endswith(".data") for name in unlisted), unlisted


def test_no_layer_brings_aws_sdks_tests_or_the_local_stack(layers: list[Path]) -> None:
    together = names_below(layers[0]) | names_below(layers[1])
    unwanted = {"boto3", "botocore", "s3transfer", "signet_local", "tests", "moto"}
    assert not together & unwanted


def test_the_layers_do_not_overlap_for_lambda_lays_one_over_the_other(layers: list[Path]) -> None:
    assert not names_below(layers[0]) & names_below(layers[1])
