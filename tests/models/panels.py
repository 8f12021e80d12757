"""Small lotteries solved the long way: every panel listed, leximin person by person over that list."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.optimize import linprog

from models.lottery import Person, Quota


def allowed_together(people: Sequence[Person]) -> bool:
    """No household twice, nobody beside whom they are kept apart from."""
    households = [person.household for person in people if person.household is not None]
    ids = {person.id for person in people}
    return len(households) == len(set(households)) and not any(person.apart & ids for person in people)


def counts(people: Sequence[Person], quotas: Sequence[Quota]) -> list[int]:
    return [sum(person.values[quota.feature] == quota.value for person in people) for quota in quotas]


def keeps(people: Sequence[Person], quotas: Sequence[Quota]) -> bool:
    found = counts(people, quotas)
    return allowed_together(people) and all(
        quota.least <= count <= quota.most for quota, count in zip(quotas, found, strict=True)
    )


def all_panels(people: Sequence[Person], quotas: Sequence[Quota], seats: int) -> list[tuple[Person, ...]]:
    return [panel for panel in combinations(people, seats) if keeps(panel, quotas)]


def leximin_by_listing(people: Sequence[Person], quotas: Sequence[Quota], seats: int) -> dict[str, float] | None:
    """Chance of each person, or None without a panel. No cells and no duals: we ask who can rise."""
    panels = all_panels(people, quotas, seats)
    if not panels:
        return None
    has = np.array([[float(person in panel) for panel in panels] for person in people])
    settled: dict[int, float] = {}
    while len(settled) < len(people):
        free = [index for index in range(len(people)) if index not in settled]
        level = _highest(has, settled, free, floor=None)
        stuck = [index for index in free if _highest(has, settled, [index], floor=(free, level)) < level + 1e-6]
        assert stuck
        settled |= dict.fromkeys(stuck, level)
    return {person.id: settled[index] for index, person in enumerate(people)}


def _highest(
    has: np.ndarray, settled: dict[int, float], raised: list[int], floor: tuple[list[int], float] | None
) -> float:
    """The highest lowest chance of `raised`, while the settled keep theirs and `floor` holds."""
    least = list(settled.items())
    if floor is not None:
        least += [(index, floor[1]) for index in floor[0]]
    rows = [np.append(-has[index], 1.0) for index in raised] + [np.append(-has[index], 0.0) for index, _ in least]
    most = [0.0] * len(raised) + [1e-9 - chance for _, chance in least]
    answer = linprog(
        np.append(np.zeros(has.shape[1]), -1.0),
        A_ub=np.array(rows),
        b_ub=most,
        A_eq=np.append(np.ones(has.shape[1]), 0.0)[None, :],
        b_eq=[1.0],
        bounds=(0, None),
    )
    assert answer.status == 0, answer.message
    return float(-answer.fun)
