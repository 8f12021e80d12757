"""The panels that keep every quota, and the best of them for given weights.

With x_c the number of people of cell c in the panel,

    maximise    Σ_c w_c x_c
    such that   least_q ≤ Σ_{c in q} x_c ≤ most_q      for each quota q
                Σ_c x_c = seats
                Σ_{c in h} x_c ≤ households of h       for each kind of household h with several cells
                x_a + x_b ≤ 1                          for each pair kept apart
                0 ≤ x_c ≤ households of c,  x_c whole

Solved by HiGHS. Without "whole" it is a linear programme (`fractional`), a few milliseconds for hundreds of cells; its
corners mostly are whole already.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, vstack

from models.lottery.problem import Floats, Ints, Problem

WHOLE: Final = 1e-6
"""HiGHS calls a number whole from this far (its mip_feasibility_tolerance)."""


class SolverFailed(ArithmeticError):
    """HiGHS gave up on a programme that has a solution; nothing a user can do."""


class Panels:
    """The panels of one problem, as constraints for a solver."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.rows = csc_array(vstack([problem.quota_rows, problem.other_rows]))
        quotas = problem.quotas
        others = len(problem.other_most)
        self.least: Floats = np.array(
            [quota.least for quota in quotas] + [problem.seats] + [0] * (others - 1), dtype=np.float64
        )
        self.most: Floats = np.concatenate(
            [np.array([quota.most for quota in quotas], dtype=np.float64), problem.other_most]
        )
        self._constraint = LinearConstraint(self.rows, self.least, self.most)

    def keeps(self, panel: Floats | Ints) -> bool:
        """True when the panel keeps every quota. Written apart from the solver, to check its answers with."""
        counts = self.rows @ panel
        within = (counts >= self.least) & (counts <= self.most)
        return bool(within.all() and (panel >= 0).all() and (panel <= self.problem.caps).all())

    def any(self) -> Ints | None:
        """Some panel, or None when no panel keeps all quotas."""
        answer = milp(
            np.zeros(len(self.problem.cells)),
            constraints=self._constraint,
            bounds=Bounds(0, self.problem.caps),
            integrality=np.ones(len(self.problem.cells), dtype=np.int_),
        )
        return None if answer.x is None else self._checked(answer.x)

    def best(self, weights: Floats) -> tuple[Ints, float]:
        """The panel of greatest weight, and a number that no panel's weight exceeds. There must be a panel."""
        # HiGHS stops at an absolute gap of 1e-6, which is small only when the weights are not small themselves.
        scale = float(np.abs(weights).max()) or 1.0
        answer = milp(
            -weights / scale,
            constraints=self._constraint,
            bounds=Bounds(0, self.problem.caps),
            integrality=np.ones(len(weights), dtype=np.int_),
            options={"mip_rel_gap": 0.0},
        )
        if answer.x is None or answer.mip_dual_bound is None:
            raise SolverFailed(answer.message)
        panel = self._checked(answer.x)
        return panel, max(-float(answer.mip_dual_bound) * scale, float(weights @ panel))

    def near(self, weights: Floats, rng: np.random.Generator) -> Ints:
        """A panel of great weight, not always the greatest, in a fraction of the time.

        Dives: rounds one fractional count of the linear programme at a time, up with the chance its fraction is,
        until all are whole; asks `best` when that ends nowhere.
        """
        lower, upper = np.zeros(len(weights)), self.problem.caps.copy()
        while True:
            counts = self._fractional(weights, lower, upper)
            if counts is None:
                return self.best(weights)[0]
            partly = np.flatnonzero(np.abs(counts - np.round(counts)) > WHOLE)
            if not partly.size:
                return self._checked(counts)
            chosen = int(rng.choice(partly))
            down = float(np.floor(counts[chosen]))
            if rng.random() < counts[chosen] - down:
                lower[chosen] = down + 1
            else:
                upper[chosen] = down

    def _fractional(self, weights: Floats, lower: Floats, upper: Floats) -> Floats | None:
        answer = milp(-weights, constraints=self._constraint, bounds=Bounds(lower, upper))
        return None if answer.x is None else np.asarray(answer.x)

    def _checked(self, counts: Floats) -> Ints:
        panel = np.round(counts).astype(np.int_)
        if not self.keeps(panel):
            raise SolverFailed("a panel of the solver breaks a quota")
        return panel
