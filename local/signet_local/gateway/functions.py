"""Load the functions' handlers, each from its one file, as Lambda does."""

import importlib.util
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from signet_local.template import Function, Template

Handler = Callable[[dict[str, Any], Any], dict[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a handler is told of its invocation."""

    function_name: str
    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may still run."""
        return max(0, int((self.deadline - monotonic()) * 1000))


class Functions:
    """The handlers of a template by logical id; each is loaded at its first invocation."""

    def __init__(self, template: Template) -> None:
        self._functions = template.functions()
        self._handlers: dict[str, Handler] = {}

    def invoke(self, logical_id: str, event: dict[str, Any]) -> dict[str, Any] | None:
        """Call a handler; what it raises is the caller's."""
        function = self._functions[logical_id]
        context = Context(
            function_name=function.folder.name, deadline=monotonic() + function.timeout
        )
        return self._handler(function)(event, context)

    def _handler(self, function: Function) -> Handler:
        handler = self._handlers.get(function.logical_id)
        if handler is None:
            handler = self._handlers[function.logical_id] = _load(function)
        return handler


def _load(function: Function) -> Handler:
    # Every file is called app.py: each needs a module name of its own.
    name = f"signet_function_{function.folder.name}"
    spec = importlib.util.spec_from_file_location(name, function.folder / "app.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(function.folder / "app.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler
