"""Quotas as a clerk writes them, turned into seats.

A table for each feature, and in it for each value a number of seats (5), a share of the seats ("1/3", "25%", 0.25) or
bounds ({min = 4, max = 8}; either may be left out, and either may be a share). A share means its seats rounded down to
rounded up, so shares that sum to 1 can always hold by themselves. `spread = true` in a table gives every value that
is not written there its share of the people.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from models.errors import BadInput
from models.lottery.problem import Person, Quota

SPREAD: Final = "spread"
BOUNDS: Final = ("min", "max")


def read_quotas(tables: Mapping[str, object], people: Sequence[Person], seats: int) -> tuple[Quota, ...]:
    """Quotas for so many seats, in the order written. Raises BadInput that names feature and value."""
    features = sorted({feature for person in people for feature in person.values})
    quotas: list[Quota] = []
    for feature, table in tables.items():
        if not isinstance(table, Mapping):
            raise BadInput("feature_not_a_table", feature=feature)
        if feature not in features:
            raise BadInput("unknown_feature", feature=feature, known=", ".join(features))
        quotas.extend(_of_feature(feature, table, people, seats))
    return tuple(quotas)


def _of_feature(feature: str, table: Mapping[str, object], people: Sequence[Person], seats: int) -> list[Quota]:
    pool = Counter(person.values.get(feature, "") for person in people)
    # Only true or false is the option; a value that happens to be called "spread" gets a number, share or table.
    spread = table.get(SPREAD) if isinstance(table.get(SPREAD), bool) else None
    written = {value: what for value, what in table.items() if not (value == SPREAD and spread is not None)}
    quotas = []
    for value, what in written.items():
        if value not in pool:
            near = difflib.get_close_matches(value.casefold(), {name.casefold(): name for name in sorted(pool)}, n=1)
            meant = next((name for name in sorted(pool) if near and name.casefold() == near[0]), "")
            raise BadInput("nobody_has_value", feature=feature, value=value, meant=meant)
        least, most = _bounds(feature, value, what, seats)
        quotas.append(Quota(feature, value, least, most))
    if spread:
        for value in sorted(pool.keys() - written.keys() - {""}):
            share = Fraction(pool[value], len(people)) * seats
            quotas.append(Quota(feature, value, math.floor(share), math.ceil(share)))
    return quotas


def _bounds(feature: str, value: str, what: object, seats: int) -> tuple[int, int]:
    if not isinstance(what, Mapping):
        amount = _seats(feature, value, what, seats)
        return math.floor(amount), math.ceil(amount)
    for key in what:
        if key not in BOUNDS:
            raise BadInput("unknown_bound", feature=feature, value=value, key=str(key))
    if not what:
        raise BadInput("no_bound", feature=feature, value=value)
    # "At least a third" of 10 is 4 seats, "at most a third" is 3.
    least = math.ceil(_seats(feature, value, what["min"], seats)) if "min" in what else 0
    most = math.floor(_seats(feature, value, what["max"], seats)) if "max" in what else seats
    return least, most


def _seats(feature: str, value: str, what: object, seats: int) -> Fraction:
    """Seats, not yet whole, that a number or share stands for."""
    if isinstance(what, int) and not isinstance(what, bool):
        if what < 0:
            raise BadInput("below_zero", feature=feature, value=value, got=what)
        return Fraction(what)
    share = _share(what)
    if share is None:
        raise BadInput("not_understood", feature=feature, value=value, got=str(what))
    if not 0 <= share <= 1:
        raise BadInput("share_out_of_range", feature=feature, value=value, got=str(what))
    return share * seats


def _share(what: object) -> Fraction | None:
    """Exactly what is written: 0.1 is one tenth, not the float beside it."""
    if isinstance(what, float) and math.isfinite(what):
        return Fraction(str(what))
    if not isinstance(what, str):
        return None
    text = what.strip().replace(",", ".")
    try:
        return Fraction(text[:-1].strip()) / 100 if text.endswith("%") else Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
