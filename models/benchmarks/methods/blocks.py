"""What the other methods are spared: people of another perspective, and people whose note fits nothing at all.

They know vectors only. Kring never mixes perspectives, and leaves a note without a known subject alone; a method that
was given everybody at once would be judged on what it could not know, so each works on one perspective at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.benchmarks.handed import Handed, Made
from models.benchmarks.methods import AIM, LEAST, Work
from models.encoder import Vectors

Ints = NDArray[np.int_]
Grouping = Callable[[Vectors, int], Sequence[Ints]]
"""Vectors of one block and a seed to groups of their rows."""


def by_block(handed: Handed, method: Grouping) -> Work:
    """The method on each perspective in turn."""
    vectors, blocks = handed.comparable(), handed.blocks()

    def work() -> Made:
        found: list[tuple[int, ...]] = []
        about = vectors.any(axis=1)
        for block in np.unique(blocks):
            rows = np.flatnonzero((blocks == block) & about)
            if len(rows) >= LEAST:
                groups = method(vectors[rows], handed.seed)
                found.extend(tuple(int(row) for row in np.sort(rows[group])) for group in groups)
        return found

    return work


def nearest(vectors: Vectors, sizes: Sequence[int]) -> list[Ints]:
    """Groups of these sizes: the first row that is free, and those nearest to it that are. Needs sum(sizes) rows."""
    free = np.ones(len(vectors), dtype=bool)
    groups: list[Ints] = []
    for size in sizes:
        first = int(np.argmax(free))
        cosines = np.where(free, vectors @ vectors[first], -np.inf)
        cosines[first] = np.inf
        group = np.argpartition(-cosines, size - 1)[:size]
        free[group] = False
        groups.append(group)
    return groups


def sizes_of_about(aim: int, people: int) -> list[int]:
    """Everybody in as many groups as bring the mean nearest to the aim, one larger than another by one at most."""
    return [len(part) for part in np.array_split(np.arange(people), max(1, round(people / aim)))]


def clusters(labels: Ints) -> list[Ints]:
    """Rows by the number of their cluster; a negative number is no cluster."""
    return [np.flatnonzero(labels == label) for label in np.unique(labels[labels >= 0])]


def full_groups(people: int) -> list[int]:
    """Groups of the size aimed at, and a last smaller one while it is large enough to be a group."""
    sizes = [AIM] * (people // AIM)
    left = people % AIM
    return [*sizes, left] if left >= LEAST else sizes
