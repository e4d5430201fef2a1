"""Every function of the template as Lambda runs it: a composition of its own, and nobody else's.

What a function remembers, no other one does; so each call to AWS is the one that its role needs.
"""

import importlib.util
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Self
from urllib.parse import urlencode

import pytest

import signet
from signet.adapters.aws import _session
from signet.broker.ports import Clock
from signet_local.gateway.event import HttpRequest, build_event
from signet_local.gateway.functions import Handler
from signet_local.gateway.routes import Routes
from signet_local.template import Template
from tests.support.role import Call, RecordedCalls

TICK = ("aws.events", "Scheduled Event")


class DeployedFunctions:
    """The handlers, and by function each call to AWS that they made; a context manager."""

    def __init__(self, calls: RecordedCalls, clock: Clock) -> None:
        template = Template.read()
        self._functions = template.functions()
        self._behind = template.routes()
        self._routes = Routes(list(self._behind))
        self._recorded = calls
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self.wirings: dict[str, ModuleType] = {}
        self.made: dict[str, list[Call]] = defaultdict(list)
        self.asked: set[tuple[str, str, str]] = set()
        """Each request as its route, its method and its path; each event as its type."""

    def __enter__(self) -> Self:
        # Every client that a function makes from now on comes from this session.
        _session()[0].register("before-send", self._recorded.add)
        return self

    def __exit__(self, *error: object) -> None:
        _session()[0].unregister("before-send", self._recorded.add)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> dict[str, Any]:
        """Send a request the way that API Gateway does, and return the function's answer."""
        match = self._routes.match(method, path)
        assert match is not None, path
        sent = dict(headers or {})
        if form is not None:
            sent["content-type"], body = (
                "application/x-www-form-urlencoded",
                urlencode(form).encode(),
            )
        if cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        request = HttpRequest(
            method=method,
            raw_path=path,
            query=urlencode(query or {}),
            headers=list(sent.items()),
            body=body,
            source_ip="127.0.0.1",
        )
        self.asked.add((match.route_key, method, path))
        answer = self.invoke(self._behind[match.route_key], build_event(request, match))
        assert isinstance(answer, dict)
        return answer

    def deliver(self, function: str, kind: str = "", **detail: object) -> None:
        """Bring a function an event of our bus, or its schedule's."""
        source, kind = ("signet", kind) if kind else TICK
        self.asked.add((function, kind, ""))
        event = {"id": "1", "source": source, "detail-type": kind, "detail": detail}
        self.invoke(f"{function}Function", event)

    def invoke(self, logical_id: str, event: dict[str, Any]) -> dict[str, Any] | None:
        """Call a handler, and note what it asked AWS for, also where it fails."""
        handler = self._handler(logical_id)
        self._recorded.take()
        try:
            return handler(event, None)
        finally:
            self.made[logical_id.removesuffix("Function")] += self._recorded.take()

    def wiring(self, function: str) -> ModuleType:
        """Return the composition of a function."""
        self._handler(f"{function}Function")
        return self.wirings[function]

    def _handler(self, logical_id: str) -> Handler:
        if logical_id not in self._handlers:
            wiring = wiring_of_its_own()
            # KMS dates its keys by the real clock, and everything else is by the test's.
            vars(wiring)["_clock"] = lambda: self._clock
            folder = self._functions[logical_id].folder
            self._handlers[logical_id] = _handler_on(wiring, folder)
            self.wirings[logical_id.removesuffix("Function")] = wiring
        return self._handlers[logical_id]


def wiring_of_its_own() -> ModuleType:
    """Load the composition a second time: what it keeps is nobody else's."""
    spec = importlib.util.find_spec("signet.wiring")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _handler_on(wiring: ModuleType, folder: Path) -> Handler:
    """Load a function's one file, which imports this composition."""
    spec = importlib.util.spec_from_file_location(f"deployed_{folder.name}", folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signet, "wiring", wiring, raising=False)
        patch.setitem(sys.modules, "signet.wiring", wiring)
        spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler
