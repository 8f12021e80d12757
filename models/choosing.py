"""Which of many possible groups to propose together, so that nobody is in two: a set packing, solved exactly.

With a binary x_g for each candidate group g, weights w_i of people, what a place in g counts (c_g ≤ 1), a size aimed
at, and fit(i, g) of `models.composition`:

    maximise    first  Σ_g x_g · ( c_g Σ_{i in g} w_i  −  (|g| − aim)² )    people placed, in groups of about that size
                then   min { fit(i, g) : x_g = 1, i in g }                  the worst-placed member, in steps of STEP
                then   Σ_g x_g · |g| · harmonic mean of fit(·, g)           everybody else
    subject to  Σ_{g contains i} x_g ≤ 1   for every person i

A person weighs PLACED and up to a quarter more after half a year of waiting, so a place for one more person is worth
some unevenness in size, and whoever waited longest goes first where it costs nobody a place. The order after the first
is gruepr's: the worst-placed member, then the harmonic mean. Solved as mixed-integer programmes by HiGHS (Huangfu and
Hall 2018) through scipy; the second objective by bisection over the steps, leaving out candidates that fall below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

PLACED: Final = 20
"""What a place for one person weighs against a group one away from the size aimed at."""
WAITED: Final = 5
"""What half a year of waiting adds to that."""
STEP: Final = 0.05
"""Worst fits closer than this are called equal, so that a hair's breadth does not decide."""
NODES_MOST: Final = 200
"""Nodes of the search tree, not seconds, so that a slow machine gets the same answer as a fast one."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Possible groups: `members` (c, m); (c,) the `worst` and `harmonic` of their fits and what a place `counts`."""

    members: Bools
    worst: Floats
    harmonic: Floats
    counts: Floats

    @classmethod
    def of(cls, members: Sequence[Bools], fits: Sequence[Floats], counts: float) -> Candidates:
        """From parts (c, m) of groups and of the fits of their members, infinity for everyone else."""
        every, fitted = np.concatenate(members), np.maximum(np.concatenate(fits), 1e-6)
        harmonic = every.sum(axis=1) / (1.0 / fitted).sum(axis=1)
        return cls(every, fitted.min(axis=1), harmonic, np.full(len(every), counts))

    @classmethod
    def none(cls, people: int) -> Candidates:
        """No candidate at all among so many people."""
        empty = np.zeros(0)
        return cls(np.zeros((0, people), dtype=bool), empty, empty, empty)

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        """All of these in one."""
        names = ("members", "worst", "harmonic", "counts")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def only(self, kept: NDArray[np.int_]) -> Candidates:
        """Those of these that are kept."""
        return Candidates(self.members[kept], self.worst[kept], self.harmonic[kept], self.counts[kept])


def choose(candidates: Candidates, waited: Floats, aim: int) -> list[int]:
    """Indices of the chosen candidates, ascending. `waited` (m,): 0 to 1, how much of half a year each one waited."""
    if not len(candidates.members):
        return []
    sizes = candidates.members.sum(axis=1)
    people = PLACED + np.round(WAITED * waited)
    worth = np.round(candidates.counts * (candidates.members @ people)) - (sizes - aim) ** 2
    # the third objective stays below one, so that it never outweighs a whole point of the first
    fine = sizes * candidates.harmonic / (2.0 * candidates.members.shape[1])
    everything = np.arange(len(worth))
    best = _solved(candidates.members, worth + fine, everything)
    value = float(worth[best].sum())
    steps = np.floor(candidates.worst / STEP + 1e-9).astype(np.int_)
    higher = np.unique(steps[steps > steps[best].min()]) if best else np.array([], dtype=np.int_)
    low, high = 0, len(higher)
    while low < high:
        middle = (low + high) // 2
        tried = _solved(candidates.members, worth + fine, everything[steps >= higher[middle]])
        if tried and float(worth[tried].sum()) >= value - 1e-6:
            best, low = tried, middle + 1
        else:
            high = middle
    return sorted(best)


def _solved(members: Bools, worth: Floats, among: NDArray[np.int_]) -> list[int]:
    """The best packing among these candidates; a greedy one when the search gives up."""
    among = among[worth[among] > 0]
    if not among.size:
        return []
    touched = members[among]
    shared = sp.csr_array(touched[:, touched.any(axis=0)].T.astype(np.float64))
    answer = milp(
        -worth[among],
        integrality=np.ones(len(among), dtype=np.int_),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(shared, ub=np.ones(shared.shape[0])),
        options={"node_limit": NODES_MOST, "mip_rel_gap": 0.0},
    )
    greedy = _greedy(members, worth, among)
    if answer.x is None:
        return greedy
    found = [int(at) for at in among[np.asarray(answer.x) > 0.5]]
    return found if float(worth[found].sum()) >= float(worth[greedy].sum()) else greedy


def _greedy(members: Bools, worth: Floats, among: NDArray[np.int_]) -> list[int]:
    """The best per person first, as long as nobody is in it already."""
    density = worth[among] / members[among].sum(axis=1)
    taken = np.zeros(members.shape[1], dtype=bool)
    found: list[int] = []
    for at in among[np.argsort(-np.round(density, 9), kind="stable")]:
        if not (members[at] & taken).any():
            found.append(int(at))
            taken |= members[at]
    return found
