"""Small cells: what of a table of residents may be shown without telling about any of them.

The rules are those of docs/sources.md, "Reports" (CBS practice; Hundepool et al., Statistical Disclosure Control):
ten residents and three caseworkers a cell, fives, secondary suppression, no percentage on small numbers, no group of
100%. `partition` keeps one promise: **to somebody who knows the rules, the rounding, and even the exact total and the
exact shown cells, a suppressed cell may still be anything from 0 to 9.** `tests/models/test_disclosure.py` makes, for
each of those numbers, another table that is published the same.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LEAST_RESIDENTS: Final = 10
LEAST_CASEWORKERS: Final = 3
"""With two, each caseworker could subtract her own residents and know the other's."""
BASE: Final = 5
PERCENT_FROM: Final = 100

Count = Counter[str]
"""The residents of a cell, by the caseworker who knows them: caseworker → number of residents."""


@dataclass(frozen=True, slots=True)
class Controlled:
    """What may be shown of a table: rounded numbers by label, and whether that is the whole table."""

    shown: Mapping[str, int]
    total: int | None
    complete: bool


def is_safe(count: Count) -> bool:
    """Enough residents, known by enough different caseworkers."""
    return count.total() >= LEAST_RESIDENTS and sum(n > 0 for n in count.values()) >= LEAST_CASEWORKERS


def rounded(residents: int) -> int:
    """To the nearest five; never a tie, since residents are whole."""
    return BASE * ((residents + BASE // 2) // BASE)


def percentage(part: int, whole: int) -> int | None:
    """Of two numbers that were shown, so that it tells nothing new; None where the whole is too small for one.

    Never 100: a part that is nearly everybody reads 99.
    """
    return min(round(100 * part / whole), 99) if whole >= PERCENT_FROM else None


def partition(cells: Mapping[str, Count]) -> Controlled:
    """Control a table whose cells are disjoint and add up to its total, which readers may know from elsewhere.

    Cells that are too small go, zeros too. Then, as long as what went could be derived, the smallest other cell goes
    too: what is gone must be two cells or more, with ten residents or more together. Those residents could then be in
    any one of them, which is what keeps each of them open from 0 to 9. No shown cell reads as everybody either: ten
    others, at least, are in other cells.
    """
    total = sum(cells.values(), Count())
    if not is_safe(total) or len(cells) < 2:  # a single cell is its total
        return Controlled({}, None, complete=False)
    kept = {label for label, count in cells.items() if is_safe(count)}
    by_size = sorted(kept, key=lambda label: (cells[label].total(), label))
    for label in by_size:
        gone = [count.total() for other, count in cells.items() if other not in kept]
        if not gone or (len(gone) >= 2 and sum(gone) >= LEAST_RESIDENTS):
            break
        kept.remove(label)
    shown = {label: rounded(cells[label].total()) for label in cells if label in kept}
    return Controlled(shown, rounded(total.total()), complete=len(shown) == len(cells))


def nested(steps: Mapping[str, Count]) -> dict[str, int]:
    """Control a row of numbers that each count a part of the one before: asked, and of those, accepted.

    The difference between two shown numbers is a group too, so it must be safe as well, or the inner one is not shown.
    Raises ValueError when a step is not within the one before it.
    """
    shown: dict[str, int] = {}
    previous = last = None
    for name, count in steps.items():
        if previous is not None and not count <= previous:
            raise ValueError(f"{name} is not within the step before it")
        previous = count
        if is_safe(count) and (last is None or is_safe(last - count)):
            shown[name] = rounded(count.total())
            last = count
    return shown
