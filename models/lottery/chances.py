"""The fair chances, and a lottery over panels that gives them.

Chances p (one for each person, equal within a cell) can be given when p is a mixture of panels. We seek the leximin of
these: its lowest chance is as high as can be, then the second lowest, and so on (Flanigan and others 2021, with the
leximin of their supplementary information). There are far too many panels to list, so we close in from two sides.

*From outside.* Leave out "whole" from what a panel must keep (`panels`), and leximin is a short sequence of linear
programmes. With n_c the people of cell c, F the cells whose chance f_c is settled,

    maximise t   such that   x_c ≥ n_c t for c not in F,   x_c ≥ n_c f_c for c in F,   x within the quotas

The cells whose x_c ≥ n_c t has a positive dual price have chance t in every optimum (complementary slackness), and are
settled; repeat until all are.

*From inside.* Find panels P with probabilities q_P that give those chances p:

    minimise δ   such that   Σ_P q_P P_c / n_c + δ ≥ p_c,   Σ_P q_P = 1,   q ≥ 0

by column generation. The duals y of these rows (Σ y_c ≤ 1) price a panel: let B = max over all panels of
Σ_c y_c P_c / n_c, an integer programme. If Σ y_c p_c > B, then no mixture of panels gives p, and Σ_c y_c x_c / n_c ≤ B
is a cut: true for all panels, so we add it outside and go on there. Otherwise the panel that attains B joins.

When a lottery gives p we are done: p is leximin in a set that holds all chances that can be given, and it can be given,
so it is leximin among these. Most panels come cheaply, by chasing p: each next panel is one that has many of whom the
panels so far have too few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, diags_array, hstack, vstack

from models.lottery.panels import Panels, SolverFailed
from models.lottery.problem import Bools, Floats, Ints, Problem
from models.lottery.relaxation import check_feasible

REALISED: Final = 1e-6
"""A chance this much below the fair one counts as fair. Ten times what HiGHS itself lets through (1e-7)."""
PRICED: Final = 1e-6
"""Dual prices below this count as zero, for the same reason. They sum to 1, so with 2,000 people some are above."""
SLACKS: Final = (0.0, 1e-9, 1e-8, 1e-7, 1e-6)
"""Seats by which a settled count may fall short, tried in turn: HiGHS met it to its own tolerance only, and what it met
so it may call impossible the next time."""
UNUSED: Final = 1e-9
"""A panel with a lower probability is left out of the lottery; the rest is scaled back to 1."""
CHASE_SEED: Final = 2021
"""The lottery follows from people, quotas and seats alone; only who is drawn from it depends on the seed of a draw."""

Progress = Callable[[int], None]
"""Told how many panels there are so far."""


@dataclass(frozen=True, slots=True)
class Lottery:
    """Panels (m, cells) with their probabilities (m,), and what chance they give each person."""

    problem: Problem
    panels: Ints
    probabilities: Floats
    chances: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Cut:
    """Σ_c weights_c x_c ≤ bound, true for every panel."""

    weights: Floats
    bound: float


def fair_lottery(problem: Problem, progress: Progress = lambda _: None) -> Lottery:
    """The lottery whose chances are leximin, each to within REALISED.

    Raises QuotasImpossible (with the smallest relaxation) when no panel keeps all quotas.
    """
    panels = Panels(problem)
    check_feasible(panels)
    mixer = _Mixer(panels, progress)
    cuts: list[Cut] = []
    while True:
        answer = mixer.mix(leximin(panels, cuts))
        if not isinstance(answer, Cut):
            return _lottery(problem, *answer)
        cuts.append(answer)


def leximin(panels: Panels, cuts: list[Cut]) -> Floats:
    """Chance (cells,) of a person of each cell: leximin over fractional panels that keep the cuts."""
    sizes = panels.problem.sizes
    within, most = _within(panels, cuts)
    settled = np.zeros(len(sizes), dtype=bool)
    chances = np.zeros(len(sizes))
    while not settled.all():
        lowest, prices = _highest_lowest(panels, within, most, settled, chances)
        tight = prices > min(PRICED, float(prices.max()) / 2)
        if not tight.any():
            raise SolverFailed("no chance could be settled")
        chances[tight] = max(lowest, 0.0)
        settled |= tight
    return chances


def _highest_lowest(
    panels: Panels, within: csr_array, most: Floats, settled: Bools, chances: Floats
) -> tuple[float, Floats]:
    """The highest lowest chance of who is not settled, and the prices (cells,) of theirs, which sum to 1."""
    sizes = panels.problem.sizes
    count = len(sizes)
    at_least = hstack([-diags_array(np.ones(count)), csr_array(np.where(settled, 0.0, sizes)[:, None])])
    for slack in SLACKS:
        answer = linprog(
            np.append(np.zeros(count), -1.0),
            A_ub=vstack([at_least, within], format="csc"),
            b_ub=np.concatenate([np.where(settled, slack - chances * sizes, 0.0), most]),
            bounds=[*((0.0, float(cap)) for cap in panels.problem.caps), (0.0, None)],
            method="highs",
        )
        if answer.fun is not None:
            return -float(answer.fun), np.where(settled, 0.0, -np.asarray(answer.ineqlin.marginals)[:count] * sizes)
    raise SolverFailed(answer.message)


def _within(panels: Panels, cuts: list[Cut]) -> tuple[csr_array, Floats]:
    """Quotas and cuts over (x, t) as rows with an upper bound."""
    rows = vstack([panels.rows, -panels.rows, *(csr_array(cut.weights[None, :]) for cut in cuts)])
    most = np.concatenate([panels.most, -panels.least, [cut.bound for cut in cuts]])
    return csr_array(hstack([rows, csr_array((rows.shape[0], 1))])), most


class _Mixer:
    """Collects panels, and mixes them into a lottery with given chances. Keeps what it found between calls."""

    def __init__(self, panels: Panels, progress: Progress) -> None:
        self._panels = panels
        self._sizes = panels.problem.sizes
        self._progress = progress
        self._rng = np.random.default_rng(CHASE_SEED)
        self._found: dict[tuple[int, ...], Ints] = {}

    def mix(self, target: Floats) -> tuple[Ints, Floats] | Cut:
        """Panels (m, cells) and probabilities (m,) with these chances, or a cut that shows that there are none."""
        chase = self._chase(target)
        # As many panels as cells are about enough for a mixture.
        for _ in target:
            self._add(next(chase))
        while True:
            panels = np.array(list(self._found.values()))
            short, probabilities, prices = self._nearest(panels, target)
            if short <= REALISED:
                return panels, probabilities
            best, bound = self._panels.best(prices / self._sizes)
            if float(prices @ target) > bound + REALISED / 2:
                return Cut(prices / self._sizes, bound)
            self._add(best)
            # A few more at a time, half of them for who is short now: prices shaken, so that they are not all alike.
            for _ in range(max(len(target) // 20, 1)):
                self._add(next(chase))
                shaken = prices * self._rng.random(len(target)) / self._sizes
                self._add(self._panels.near(shaken / shaken.max(), self._rng))

    def _chase(self, target: Floats) -> Iterator[Ints]:
        """Panel after panel whose mean comes closer and closer to the target: each has many of whom is behind."""
        due = np.zeros(len(target))
        while True:
            due += target * self._sizes
            panel = self._panels.near(due / self._sizes, self._rng)
            due -= panel
            yield panel

    def _add(self, panel: Ints) -> None:
        self._found.setdefault(tuple(panel.tolist()), panel)
        self._progress(len(self._found))

    def _nearest(self, panels: Ints, target: Floats) -> tuple[float, Floats, Floats]:
        """How far the worst chance falls short at best, with which probabilities, and the duals of the chances."""
        count = len(panels)
        shares = (panels / self._sizes).T
        answer = linprog(
            np.append(np.zeros(count), 1.0),
            A_ub=np.hstack([-shares, -np.ones((len(target), 1))]),
            b_ub=-target,
            A_eq=np.append(np.ones(count), 0.0)[None, :],
            b_eq=[1.0],
            bounds=(0, None),
            method="highs-ds",
        )
        if answer.fun is None:
            raise SolverFailed(answer.message)
        solution = np.asarray(answer.x)
        return float(answer.fun), solution[:count], np.maximum(-np.asarray(answer.ineqlin.marginals), 0.0)


def _lottery(problem: Problem, panels: Ints, probabilities: Floats) -> Lottery:
    """In a fixed order, without panels that are never drawn, with the chances it really gives."""
    used = probabilities > UNUSED
    panels, probabilities = panels[used], probabilities[used] / probabilities[used].sum()
    order = np.lexsort(panels.T[::-1])[::-1]
    panels, probabilities = panels[order], probabilities[order]
    of_cell = probabilities @ (panels / problem.sizes)
    chances = {
        name: float(min(chance, 1.0))
        for cell, chance in zip(problem.cells, of_cell, strict=True)
        for household in cell.members
        for name in household
    }
    return Lottery(problem, panels, probabilities, dict(sorted(chances.items())))
