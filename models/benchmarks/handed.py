"""What a method is handed and what it hands back: files of this run, for a process with nothing else in it."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.bounds import Pool
from models.encoder import Vectors
from models.need import Need, Perspective
from models.plan import Group

Rows: TypeAlias = tuple[int, ...]
Made: TypeAlias = list[Group] | list[Rows]
"""Groups with all that the engine decided about them, or rows of the pool for a method that only tells who."""

NEEDS: Final = "needs.pickle"
ENCODED: Final = "encoded.npy"
COMPARABLE: Final = "comparable.npy"
BLOCKS: Final = "blocks.npy"


@dataclass(frozen=True, slots=True)
class Handed:
    """One pool as files; every row is a need, in the order of the ids. `weights` is the folder of the encoder."""

    folder: Path
    weights: Path
    seed: int

    def needs(self) -> list[Need]:
        """All that is known of the people."""
        loaded: list[Need] = unpickled(self.folder / NEEDS)
        return loaded

    def encoded(self) -> Vectors:
        """(n, d): what the encoder made of the notes."""
        return np.asarray(np.load(self.folder / ENCODED))

    def comparable(self) -> Vectors:
        """(n, d): what of it may bring people together; what Kring itself compares."""
        return np.asarray(np.load(self.folder / COMPARABLE))

    def blocks(self) -> NDArray[np.int_]:
        """(n,): a number for the perspective of each need."""
        return np.asarray(np.load(self.folder / BLOCKS))


@dataclass(frozen=True, slots=True)
class Answer:
    """Of the best round. `held_mib` is what the process held before the work: Python, libraries, the pool.

    Both are None where the system does not tell.
    """

    seconds: float
    held_mib: float | None
    peak_mib: float | None
    made: Made


def hand_over(handed: Handed, needs: Sequence[Need], encoded: Vectors, pool: Pool) -> Handed:
    """Write a pool for the processes that will work on it. `needs` and `encoded` in the order of `pool`."""
    order = list(Perspective)
    pickled(list(needs), handed.folder / NEEDS)
    np.save(handed.folder / ENCODED, encoded)
    np.save(handed.folder / COMPARABLE, pool.vectors)
    np.save(handed.folder / BLOCKS, np.array([order.index(need.perspective) for need in pool.needs], dtype=np.int64))
    return handed


def pickled(held: object, file: Path) -> None:
    """Write an object for another process of this run: what multiprocessing would do."""
    file.write_bytes(pickle.dumps(held))


def unpickled(file: Path) -> Any:
    """Read what another process of this run wrote in a folder that only this user can write to."""
    with file.open("rb") as opened:
        return pickle.load(opened)  # noqa: S301 - see above
