"""Greedy nearest neighbours: what anybody would write first."""

from __future__ import annotations

from collections.abc import Sequence

from models.benchmarks.handed import Handed
from models.benchmarks.methods import Work
from models.benchmarks.methods.blocks import Ints, by_block, full_groups, nearest
from models.encoder import Vectors


def prepare(handed: Handed) -> Work:
    """Nothing to load but the vectors."""
    return by_block(handed, _groups)


def _groups(vectors: Vectors, seed: int) -> Sequence[Ints]:  # noqa: ARG001 - nothing is drawn
    return nearest(vectors, full_groups(len(vectors)))
