"""Who can be drawn, for how many seats, under which quotas: checked, and put together into cells.

People are interchangeable when their values on every feature with a quota are the same, and so are the values of the
people they share a household with. They form a *cell*, and get the same chance. That loses nothing: the chances that
some lottery can give are a convex set, and swapping two interchangeable people (or their households) maps it onto
itself. The leximin point of a convex set is unique, so it must be its own mirror image. What is solved grows with the
number of cells, not of people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.errors import BadInput, Infeasible

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]
Profile = tuple[str, ...]
Signature = tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who wants a place. Of a household, and of two people kept apart, at most one is drawn."""

    id: str
    values: Mapping[str, str]
    household: str | None = None
    apart: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Quota:
    """Of the people with this value of this feature, at least `least` and at most `most` get a seat."""

    feature: str
    value: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Interchangeable people. `households` are those of one signature, all with equally many people of this cell."""

    signature: int
    members: tuple[tuple[str, ...], ...]
    """The ids, by household, in one order for all cells of a signature; of each household at most one is drawn."""

    @property
    def people(self) -> int:
        return sum(len(household) for household in self.members)


@dataclass(frozen=True, slots=True)
class Problem:
    """Cells, and what a panel must keep. A panel is a vector with a count for each cell, 0 ≤ x_c ≤ households of c.

    `quota_rows` (quotas, cells) and `other_rows` (1 + households + pairs, cells) hold 0 and 1; the first of
    `other_rows` counts the seats, and `other_most` bounds them from above.
    """

    people: tuple[Person, ...]
    quotas: tuple[Quota, ...]
    seats: int
    cells: tuple[Cell, ...]
    quota_rows: csr_array
    other_rows: csr_array
    other_most: Floats
    sizes: Floats = field(repr=False)
    """People in each cell."""
    caps: Floats = field(repr=False)
    """Most people of each cell in one panel: one for each of its households."""

    @classmethod
    def of(cls, people: Sequence[Person], quotas: Sequence[Quota], seats: int) -> Problem:
        """Check and sort, so that the order of the rows cannot matter.

        Raises BadInput for input that is broken, Infeasible for too few people or households. Whether the quotas can
        hold is for `relaxation.check_feasible` to say.
        """
        people = sorted(people, key=lambda person: person.id)
        quotas = sorted(quotas, key=lambda quota: (quota.feature, quota.value))
        _check_people(people, quotas)
        _check_quotas(people, quotas)
        _check_seats(people, seats)
        profiles, cells = _cells(people, quotas)
        other_rows, other_most = _other_rows(people, cells, seats)
        features = sorted({quota.feature for quota in quotas})
        quota_rows = [
            [float(profile[features.index(quota.feature)] == quota.value) for profile in profiles] for quota in quotas
        ]
        return cls(
            people=tuple(people),
            quotas=tuple(quotas),
            seats=seats,
            cells=cells,
            quota_rows=csr_array(np.array(quota_rows).reshape(len(quotas), len(cells))),
            other_rows=csr_array(other_rows),
            other_most=other_most,
            sizes=np.array([cell.people for cell in cells], dtype=np.float64),
            caps=np.array([len(cell.members) for cell in cells], dtype=np.float64),
        )


def household_key(person: Person) -> tuple[str, str]:
    """What people of one household share; somebody without one is a household alone."""
    return ("alone", person.id) if person.household is None else ("household", person.household)


def _check_people(people: Sequence[Person], quotas: Sequence[Quota]) -> None:
    features = sorted({quota.feature for quota in quotas})
    for person, following in pairwise(people):
        if person.id == following.id:
            raise BadInput("repeated_id", id=person.id)
    for person in people:
        if person.id in person.apart:
            raise BadInput("apart_from_self", id=person.id)
        for feature in features:
            if not person.values.get(feature):
                raise BadInput("no_value", id=person.id, feature=feature)


def _check_quotas(people: Sequence[Person], quotas: Sequence[Quota]) -> None:
    for quota, following in pairwise(quotas):
        if (quota.feature, quota.value) == (following.feature, following.value):
            raise BadInput("repeated_quota", feature=quota.feature, value=quota.value)
    for quota in quotas:
        if quota.least < 0:
            raise BadInput("min_below_zero", feature=quota.feature, value=quota.value, min=quota.least)
        if quota.least > quota.most:
            raise Infeasible("min_above_max", feature=quota.feature, value=quota.value, min=quota.least, max=quota.most)
        if all(person.values[quota.feature] != quota.value for person in people):
            raise Infeasible("nobody_has_value", feature=quota.feature, value=quota.value)


def _check_seats(people: Sequence[Person], seats: int) -> None:
    if seats < 1:
        raise BadInput("no_seats", seats=seats)
    if len(people) < seats:
        raise Infeasible("too_few_people", seats=seats, found=len(people))
    households = len({household_key(person) for person in people})
    if households < seats:
        raise Infeasible("too_few_households", seats=seats, found=households)


def _cells(people: Sequence[Person], quotas: Sequence[Quota]) -> tuple[list[Profile], tuple[Cell, ...]]:
    """Profile of each cell, and the cells. The signature of a household is the sorted profiles of its people."""
    features = sorted({quota.feature for quota in quotas})
    known = {person.id for person in people}
    in_pair = {name for person in people for other in person.apart & known for name in (person.id, other)}
    households: dict[tuple[str, str], list[tuple[Profile, str]]] = {}
    for person in people:
        # Who is kept apart from somebody is like nobody else: an own mark makes an own cell.
        mark = (person.id,) if person.id in in_pair else ()
        profile = (*(person.values[feature] for feature in features), *mark)
        households.setdefault(household_key(person), []).append((profile, person.id))
    by_signature: dict[Signature, list[list[tuple[Profile, str]]]] = {}
    for members in households.values():
        by_signature.setdefault(tuple(sorted(profile for profile, _ in members)), []).append(members)
    profiles: list[Profile] = []
    cells: list[Cell] = []
    for number, signature in enumerate(sorted(by_signature)):
        alike = sorted(by_signature[signature], key=lambda members: [name for _, name in members])
        for profile in sorted(set(signature)):
            profiles.append(profile)
            cells.append(
                Cell(number, tuple(tuple(name for its, name in members if its == profile) for members in alike))
            )
    return profiles, tuple(cells)


def _other_rows(people: Sequence[Person], cells: Sequence[Cell], seats: int) -> tuple[Floats, Floats]:
    """Seats, then no household twice, then nobody beside whom they are kept apart from."""
    rows = [np.ones(len(cells))]
    most = [float(seats)]
    signatures = np.array([cell.signature for cell in cells])
    for signature, count in sorted(Counter(signatures.tolist()).items()):
        if count > 1:
            of = np.flatnonzero(signatures == signature)
            rows.append((signatures == signature).astype(np.float64))
            most.append(float(len(cells[of[0]].members)))
    at = {name: index for index, cell in enumerate(cells) for household in cell.members for name in household}
    pairs = {tuple(sorted((person.id, other))) for person in people for other in person.apart if other in at}
    for one, other in sorted(pairs):
        row = np.zeros(len(cells))
        row[[at[one], at[other]]] = 1.0
        rows.append(row)
        most.append(1.0)
    return np.array(rows), np.array(most)
