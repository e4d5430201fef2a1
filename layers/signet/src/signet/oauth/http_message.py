"""HTTP messages towards others, as plain values: the pure half of every exchange."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from signet.errors import Rejected, Unavailable

_PUBLIC = "The identity provider is not available now."


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP attempt; `form` is sent as application/x-www-form-urlencoded.

    Where the answer's status says all, `reads_body` is False: its body may then be anything.
    """

    method: Literal["GET", "POST", "PUT"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    reads_body: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class DestinationRefused(Rejected):
    """An address that Signet never calls; one public text for every reason (MG-001)."""

    def __init__(self, private: str) -> None:
        super().__init__("destination_refused", "This address cannot be used.", private=private)


class Unreachable(Unavailable):
    """No usable answer. `sent` is False only when certainly no byte of the request left."""

    def __init__(self, private: str, *, sent: bool) -> None:
        super().__init__("destination_unavailable", _PUBLIC, private=private)
        self.sent = sent
