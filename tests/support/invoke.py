"""Load a function's file as Lambda does, hand it an event, and tell what was answered and loaded.

Runs in an interpreter of its own, with nothing but the standard library and the folders given:
invoke.py RESULT APP [FOLDER…], the event on standard input.
"""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def load(app: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location("app", app)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def outcome(app: str, event: dict[str, Any] | None) -> dict[str, Any]:
    module = load(app)
    result: dict[str, Any] = {"loaded": sorted(sys.modules), "answer": None, "error": None}
    if event is not None:
        try:
            result["answer"] = module.handler(event, None)
        except Exception as error:  # noqa: BLE001  (the test judges it)
            result["error"] = f"{type(error).__name__}: {error}"
    return {**result, "loaded_after": sorted(sys.modules)}


if __name__ == "__main__":
    sys.path[:0] = sys.argv[3:]
    result = outcome(sys.argv[2], json.load(sys.stdin))
    Path(sys.argv[1]).write_text(json.dumps(result), encoding="utf-8")
