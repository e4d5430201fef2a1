"""Medians with their spread, and ratios taken pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The median of several samples, the least and the greatest of them."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Figure":
        return cls(middle=median(samples), least=min(samples), most=max(samples))

    @classmethod
    def ratio(cls, ours: Sequence[float], theirs: Sequence[float]) -> "Figure":
        """Divide samples of the same round, so that a machine that drifts drifts for both."""
        return cls.of([a / b for a, b in zip(ours, theirs, strict=True)])

    def text(self, digits: int = 2) -> str:
        return f"{self.middle:.{digits}f}  ({self.least:.{digits}f} to {self.most:.{digits}f})"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under heads; every column as wide as its widest cell."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return f"  {'   '.join(padded)}".rstrip()
