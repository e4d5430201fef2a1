"""One operation of the management API: what it needs, what it answers, and who may call it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from signet.broker.client import MANAGEMENT_SCOPES
from signet.broker.management import Management
from signet.broker.management_access import Principal
from signet.errors import Misconfigured
from signet.web.management.body import JSON
from signet.web.request import Request
from signet.web.response import Response

PUBLIC = "public"
"""The scope of what anybody may read; it has to be written out, like every other scope."""
BASE = "/api/v1"
_VARIABLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of somebody who may make it: read, and of the documented form."""

    api: Management
    by: Principal
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    document: Mapping[str, object]
    request: Request


Use = Callable[[Call], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request carries: its model, what may not be in it, and the code of its refusal.

    An `optional` one may be left out altogether.
    """

    model: Callable[[], type[BaseModel]]
    read_only: tuple[str, ...]
    code: str
    media_types: tuple[str, ...] = (JSON,)
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A successful answer, for the description; `schema` is a model, or a JSON Schema.

    `texts` are media types of the same as text, for whoever asks for one of them.
    """

    description: str
    schema: Callable[[], type[BaseModel]] | Mapping[str, Any] | None = None
    media_type: str = JSON
    texts: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of a path; `event` is what the audit calls a write.

    Without one of the scopes it cannot be made at all, and neither can a write without an event.
    """

    name: str
    method: str
    path: str
    scope: str
    summary: str
    use: Use
    answers: Mapping[int, Shown]
    body: Body | None = None
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    event: str | None = None
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Refuse an operation that nobody said who may call, or how its use is recorded."""
        if self.scope not in {*MANAGEMENT_SCOPES, PUBLIC}:
            raise Misconfigured("operation_scope", f"{self.name} has no scope.")
        if self.method != "GET" and self.event is None:
            raise Misconfigured("operation_event", f"{self.name} writes, and has no event.")
        object.__setattr__(self, "pattern", _pattern_of(self.path))

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the variables of the path."""
        return tuple(_VARIABLE.findall(self.path))


def _pattern_of(path: str) -> re.Pattern[str]:
    """Compile a path; a variable takes one segment of it."""
    pieces = _VARIABLE.split(BASE + path)
    # Literal text and names of variables take turns.
    return re.compile(
        "".join(
            f"(?P<{piece}>[^/]+)" if index % 2 else re.escape(piece)
            for index, piece in enumerate(pieces)
        )
    )
