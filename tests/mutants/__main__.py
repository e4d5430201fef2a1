"""Take each security rule out of a copy of the source, and see its test fail.

Prints one line a rule: KILLED (a named test failed, as it has to), SURVIVED (none did), STALE (the
table's text is not in the source exactly once), BROKEN (the tests could not run at all). Exits
with 1 unless every rule was KILLED.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.rule import ROOT, SOURCE, Rule, collect

PARALLEL = 2
TIMEOUT_SECONDS = 180
_PASSED, _FAILED = 0, 1  # pytest's exit codes; every other one says that it could not test


def main() -> int:
    arguments = _arguments()
    rules = [rule for rule in collect() if arguments.only in (None, rule.name)]
    if not rules:
        sys.exit(f"No rule is named {arguments.only!r}; --list names them.")
    if arguments.list:
        _say("\n".join(rule.name for rule in rules))
        return 0
    started = time.monotonic()
    _check_without_changes(rules)
    with ThreadPoolExecutor(PARALLEL) as pool:
        outcomes = Counter(_show(pool.map(_judge, rules), rules))
    seconds = time.monotonic() - started
    found = ", ".join(f"{outcomes[name]} {name}" for name in sorted(outcomes))
    _say(f"{len(rules)} rules in {seconds:.0f} s: {found}")
    return 0 if outcomes == {"KILLED": len(rules)} else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="NAME", help="this rule alone")
    parser.add_argument("--list", action="store_true", help="print the names of the rules")
    return parser.parse_args()


def _check_without_changes(rules: Sequence[Rule]) -> None:
    """A test that fails anyway proves nothing, and neither does one of another source."""
    tests = tuple(dict.fromkeys(test for rule in rules for test in rule.tests))
    with _copy() as source:
        imported = _python(source, "-c", "import signet; print(signet.__file__)").stdout
        if not Path(imported.strip()).is_relative_to(source):
            sys.exit(f"The copy is not what is imported: {imported}")
        run = _python(source, *_pytest(tests))
    if run.returncode != _PASSED:
        sys.exit(f"The tests fail without any change:\n{run.stdout}{run.stderr}")


def _show(outcomes: Iterator[str], rules: Sequence[Rule]) -> Iterator[str]:
    for number, (rule, outcome) in enumerate(zip(rules, outcomes, strict=True), start=1):
        _say(f"[{number:3}/{len(rules)}] {outcome:8} {rule.name}")
        yield outcome


def _judge(rule: Rule) -> str:
    if rule.occurrences() != 1:
        return "STALE"
    with _copy() as source:
        rule.apply(source)
        try:
            run = _python(source, *_pytest(rule.tests))
        except subprocess.TimeoutExpired:
            return "BROKEN"
    if run.returncode == _PASSED:
        return "SURVIVED"
    # A crash of pytest's own exits with 1 too: only a test that failed has noticed something.
    noticed = run.returncode == _FAILED and "\nFAILED " in run.stdout
    return "KILLED" if noticed else "BROKEN"


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="signet-mutant-") as folder:
        source = Path(folder).resolve() / "src"
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        yield source


def _pytest(tests: Sequence[str]) -> tuple[str, ...]:
    return ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *(f"tests/{t}" for t in tests))


def _python(source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the copy in front of the installed package, writing nothing beside it."""
    ours = {"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(  # noqa: S603  (our own interpreter, and the table's own tests)
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **ours},  # noqa: TID251  (handed on, not read)
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  (a command prints)


if __name__ == "__main__":
    sys.exit(main())
