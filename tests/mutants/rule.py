"""One rule: where it is, how it is taken out, and which tests have to notice."""

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

import tests.mutants

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "layers" / "signet" / "src"


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` occurs once in `file` (under layers/signet/src/signet) and is the rule.

    With `instead` in its place the rule is gone; one of `tests` (under tests/) has to fail then.
    """

    name: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]

    def occurrences(self) -> int:
        """Count the text in the source as it is now; anything but one is a stale row."""
        return (SOURCE / "signet" / self.file).read_text(encoding="utf-8").count(self.text)

    def apply(self, source: Path) -> None:
        """Take the rule out of a copy of the source."""
        path = source / "signet" / self.file
        code = path.read_text(encoding="utf-8")
        path.write_text(code.replace(self.text, self.instead), encoding="utf-8")


def collect() -> list[Rule]:
    """Return the rules of every `rules_<area>` module here; adding a file adds its rules."""
    names = sorted(
        module.name
        for module in pkgutil.iter_modules(tests.mutants.__path__)
        if module.name.startswith("rules_")
    )
    return [
        rule for name in names for rule in importlib.import_module(f"tests.mutants.{name}").RULES
    ]
