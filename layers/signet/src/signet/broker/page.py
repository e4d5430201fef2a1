"""A part of a list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list, oldest first; `position` is where the next part begins, or None."""

    items: tuple[T, ...]
    position: str | None
