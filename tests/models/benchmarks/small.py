"""A pool small enough to match in a test, as files for who is measured on it."""

from __future__ import annotations

from pathlib import Path

from models.benchmarks.benchmark import Prepared, prepare
from models.benchmarks.handed import Handed
from models.bundled import WEIGHTS, bundled
from tests.models.training.small import some_notes

SIZE = 60


def small_pool(folder: Path) -> Prepared:
    """Sixty people, on four topics and none."""
    return prepare(SIZE, some_notes(), bundled(), Handed(folder, WEIGHTS, seed=1))
