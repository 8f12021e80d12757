"""What is measured: topics found, themes recovered, pairs that share a topic. Arithmetic alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_mutual_info_score

from models.training.corpus import Note, Register

Rows = NDArray[np.float32] | sp.csr_matrix
"""(n, d) vectors of notes, dense or sparse."""

POOL_TOPICS: Final = 50
"""Topics in a pool: as many as the set that the targets are about."""
BINS: Final = 15
"""Of confidence, in the calibration error."""


@dataclass(frozen=True, slots=True)
class Found:
    """Shares of notes whose topic came first, and was among the first three."""

    first: float
    three: float


def found(ranked: Sequence[Sequence[Hashable]], wanted: Sequence[Hashable]) -> Found:
    """How often the wanted topic is the first of those ranked, or among the first three. ValueError: no notes."""
    if not wanted:
        raise ValueError("no notes to measure")
    pairs = list(zip(ranked, wanted, strict=True))
    return Found(
        first=sum(one in ranks[:1] for ranks, one in pairs) / len(pairs),
        three=sum(one in ranks[:3] for ranks, one in pairs) / len(pairs),
    )


def expected_calibration_error(chances: NDArray[np.float64], target: NDArray[np.int_]) -> float:
    """Mean distance between how sure and how often right, over bins of the first answer (Guo et al. 2017, eq. 3)."""
    first = chances.argmax(axis=1)
    sure = chances.max(axis=1)
    right = first == target
    which = np.minimum((sure * BINS).astype(int), BINS - 1)
    return float(
        sum(
            abs(sure[which == one].mean() - right[which == one].mean()) * (which == one).mean()
            for one in np.unique(which)
        )
    )


def ward_ami(rows: Rows, labels: Sequence[Hashable]) -> float:
    """Adjusted mutual information (Vinh et al. 2010) between the labels and Ward clusters, as many as there are labels.

    Ward needs no more than distances, and these follow from dot products; so sparse rows stay sparse.
    """
    if len(set(labels)) < 2:
        raise ValueError("one label cannot be told apart from another")
    dots = rows @ rows.T
    dense = np.asarray(dots.todense() if sp.issparse(dots) else dots, dtype=np.float64)
    squares = np.diag(dense)
    apart = np.sqrt(np.clip(squares[:, None] + squares[None, :] - 2.0 * dense, 0.0, None))
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), method="ward")
    return ami(fcluster(tree, t=len(set(labels)), criterion="maxclust").tolist(), labels)


def ami(clusters: Sequence[int], labels: Sequence[Hashable]) -> float:
    """Adjusted mutual information between clusters and labels: 1 is the same partition, 0 is chance."""
    number = {label: at for at, label in enumerate(dict.fromkeys(labels))}
    return float(adjusted_mutual_info_score([number[label] for label in labels], clusters))


def pools(notes: Iterable[Note], *, seed: int, topics: int = POOL_TOPICS) -> list[list[Note]]:
    """Notes cut into pools of so many topics, drawn at random; what is left over in the end is in no pool.

    A topic with one note is left out: no clustering can bring that note together with its like. One topic is no pool.
    """
    of_topic: dict[str, list[Note]] = defaultdict(list)
    for note in notes:
        if note.topic is not None:
            of_topic[note.topic].append(note)
    usable = sorted(topic for topic, own in of_topic.items() if len(own) > 1)
    Random(seed).shuffle(usable)  # noqa: S311 - drawn for a measurement, not for secrecy
    starts = range(0, max(len(usable) - topics, 0) + 1, topics) if len(usable) > 1 else ()
    return [[note for topic in usable[at : at + topics] for note in of_topic[topic]] for at in starts]


def plain_and_hard(notes: Iterable[Note]) -> dict[str, list[Note]]:
    """Notes as typed into a form, and the others: telegram style, spoken, intake prose."""
    parts: dict[str, list[Note]] = {"plain": [], "hard": []}
    for note in notes:
        parts["plain" if note.register is Register.FORM else "hard"].append(note)
    return parts


@dataclass(frozen=True, slots=True)
class Pairs:
    """What groups are worth. Shares are None when there is nothing to take a share of."""

    people: int
    groups: int
    right: float | None
    """Of the pairs in one group, those that share a topic."""
    placed: float | None
    """Of all people, those in a group."""
    placeable: float | None
    """Of all people, those with enough others of their topic and perspective in the pool to fill a group."""
    none_apart: float | None
    """Of the people whose note is about no topic, those in no group."""


def pairs(groups: Sequence[Sequence[str]], notes: Mapping[str, Note], *, smallest: int) -> Pairs:
    """Measure groups of ids of notes; `smallest` is the least number of people a group may have."""
    both = [pair for members in groups for pair in combinations(members, 2)]
    same = sum(notes[one].topic is not None and notes[one].topic == notes[other].topic for one, other in both)
    placed = {member for members in groups for member in members}
    alike = Counter((note.topic, note.perspective) for note in notes.values() if note.topic is not None)
    none = [note.id for note in notes.values() if note.topic is None]
    return Pairs(
        people=len(notes),
        groups=len(groups),
        right=same / len(both) if both else None,
        placed=len(placed) / len(notes) if notes else None,
        placeable=sum(size for size in alike.values() if size >= smallest) / len(notes) if notes else None,
        none_apart=sum(one not in placed for one in none) / len(none) if none else None,
    )
