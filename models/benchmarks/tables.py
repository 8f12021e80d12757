"""A table with what it is about, and how a number is written in one: for a page as for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """Every row is as wide as the header."""

    title: str
    about: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Title, text and table as a section of a page."""
        lines = [_line(self.header), _line(["---"] * len(self.header)), *(_line(row) for row in self.rows)]
        return f"## {self.title}\n\n{self.about}\n\n" + "\n".join(lines) + "\n"


def percent(share: float | None) -> str:
    """A share as a whole percentage."""
    return NOTHING if share is None else f"{100 * share:.0f}%"


def seconds(value: float | None) -> str:
    """Three digits, as another run gives others for the rest; milliseconds below a tenth of a second."""
    if value is None:
        return NOTHING
    if value < 0.1:
        return f"{1_000 * value:.{0 if value >= 0.01 else 1}f} ms"
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}".removesuffix(".0").removesuffix(".00") + " s"


def mib(value: float | None) -> str:
    """Memory without decimals."""
    return NOTHING if value is None else f"{value:,.0f} MiB"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
