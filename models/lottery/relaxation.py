"""Quotas that cannot hold together, and the smallest change with which they can.

With x a panel as in `panels`, and down_q, up_q whole numbers of seats,

    minimise    Σ_q (1 + 1 / max(least_q, 1)) down_q + (1 + 1 / max(most_q, 1)) up_q
    such that   least_q - down_q ≤ Σ_{c in q} x_c ≤ most_q + up_q
                and everything else a panel must keep

A seat costs 1, plus the part of the quota it is: the last seat of a small group (from 1 to 0) costs 2, one seat of
twenty 1.05. So few seats change, and where they change, a small group is the last to lose its own. That taking from a
small quota weighs more is the practice of Flanigan and others in the panels they drew. The number of seats of the
panel, households and people kept apart are never given up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import eye_array, hstack

from models.errors import Infeasible, Param
from models.lottery.panels import Panels
from models.lottery.problem import Floats, Problem, Quota


@dataclass(frozen=True, slots=True)
class Change:
    """A quota as it was asked for and as it could hold."""

    quota: Quota
    least: int
    most: int


class QuotasImpossible(Infeasible):
    """No panel keeps all quotas; with `changes`, the smallest relaxation, one does."""

    def __init__(self, code: str, changes: tuple[Change, ...], **params: Param) -> None:
        super().__init__(code, **params)
        self.changes = changes


def check_feasible(panels: Panels) -> None:
    """Raises QuotasImpossible when no panel keeps all quotas, and Infeasible when no quota is to blame.

    The code tells the simplest cause: `mins_above_seats`, `maxes_below_seats`, `too_few_with_value`, or else
    `quotas_conflict`, which only shows in several features (or households) together.
    """
    if panels.any() is not None:
        return
    problem = panels.problem
    changes = smallest_relaxation(problem)
    code, params = _simple_cause(problem) or ("quotas_conflict", {"seats": problem.seats})
    raise QuotasImpossible(code, changes, **params)


def cost(quota: Quota, *, down: int, up: int) -> float:
    """What it costs to lower a minimum and raise a maximum by so many seats."""
    return down * _seat_cost(quota.least) + up * _seat_cost(quota.most)


def smallest_relaxation(problem: Problem) -> tuple[Change, ...]:
    """The cheapest changes that let some panel keep all quotas. Raises Infeasible when no change of quotas would."""
    cells, quotas = len(problem.cells), problem.quotas
    count = len(quotas)
    answer = milp(
        np.concatenate(
            [
                np.zeros(cells),
                [_seat_cost(quota.least) for quota in quotas],
                [_seat_cost(quota.most) for quota in quotas],
            ]
        ),
        constraints=_loosened(problem),
        bounds=Bounds(
            0, np.concatenate([problem.caps, [quota.least for quota in quotas], np.full(count, float(problem.seats))])
        ),
        integrality=np.ones(cells + 2 * count, dtype=np.int_),
        options={"mip_rel_gap": 0.0},
    )
    if answer.x is None:
        raise Infeasible("too_many_apart", seats=problem.seats)
    taken = np.round(problem.quota_rows @ np.round(answer.x[:cells])).astype(np.int_)
    return tuple(
        Change(quota, min(quota.least, int(drawn)), max(quota.most, int(drawn)))
        for quota, drawn in zip(quotas, taken, strict=True)
        if not quota.least <= drawn <= quota.most
    )


def _seat_cost(seats: int) -> float:
    return 1.0 + 1.0 / max(seats, 1)


def _loosened(problem: Problem) -> list[LinearConstraint]:
    """The constraints over (x, down, up)."""
    count, others = len(problem.quotas), len(problem.other_most)
    whole, none = eye_array(count), 0.0 * eye_array(count)
    least: Floats = np.array([quota.least for quota in problem.quotas], dtype=np.float64)
    most: Floats = np.array([quota.most for quota in problem.quotas], dtype=np.float64)
    other_least = np.zeros(others)
    other_least[0] = problem.seats
    padded = np.hstack([problem.other_rows.toarray(), np.zeros((others, 2 * count))])
    kept = LinearConstraint(padded, other_least, problem.other_most)
    if not count:
        return [kept]
    return [
        LinearConstraint(hstack([problem.quota_rows, whole, none], format="csc"), least, np.inf),
        LinearConstraint(hstack([problem.quota_rows, none, -whole], format="csc"), -np.inf, most),
        kept,
    ]


def _simple_cause(problem: Problem) -> tuple[str, dict[str, Param]] | None:
    """A cause that shows in one quota or one feature, so that it can be told without speaking of panels."""
    pool = np.asarray(problem.quota_rows @ problem.sizes)
    for quota, found in zip(problem.quotas, pool, strict=True):
        if found < quota.least:
            params: dict[str, Param] = {"min": quota.least, "found": int(found)}
            return "too_few_with_value", {"feature": quota.feature, "value": quota.value, **params}
    for feature in sorted({quota.feature for quota in problem.quotas}):
        of = [index for index, quota in enumerate(problem.quotas) if quota.feature == feature]
        least = sum(problem.quotas[index].least for index in of)
        if least > problem.seats:
            return "mins_above_seats", {"feature": feature, "total": least, "seats": problem.seats}
        free = len(problem.people) - int(pool[of].sum())
        most = free + sum(problem.quotas[index].most for index in of)
        if most < problem.seats:
            return "maxes_below_seats", {"feature": feature, "total": most, "seats": problem.seats}
    return None
