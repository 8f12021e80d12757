"""Average linkage for any number of vectors: which of them are, on average, as alike as a level asks.

Two clusters A and B are as alike as the mean of all cosines between them. For unit vectors, and for shorter ones whose
dot product stands in for a cosine, that is the dot product of their means:

    alike(A, B) = 1 / (|A||B|) · Σ a·b over a in A, b in B = mean(A) · mean(B)

Average linkage (UPGMA; Sokal and Michener 1958) joins the two most alike clusters until none are alike enough. It needs
all pairs, so a large set is first cut into pieces, each is clustered exactly, and the clusters of all pieces go on
joining by their means, in the order in which nearest neighbours choose each other: average linkage is reducible, which
makes that the same as always joining the best pair (Murtagh 1983).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import BisectingKMeans

ON_AVERAGE: Final = 0.8
"""Of a level: how alike a cluster is on average when its people are looked for at that level. Chosen on the rehearsal
notes: asked in full (1.0) fewer people find others, and the groups are hardly better."""
EXACT_MOST: Final = 1_500
"""Vectors clustered exactly at once: all pairs of them take 18 MB."""
SMALLEST_JOINED: Final = 3
"""Clusters that go on joining across pieces; the single ones left over are then laid beside these."""
CHUNK: Final = 2_048
"""Rows compared at a time, so that memory stays flat."""

Rows = NDArray[np.int_]
Vectors = NDArray[np.float32]


def clusters(vectors: Vectors, level: float, *, seed: int = 0) -> list[Rows]:
    """Rows of each cluster, ascending; clusters in the order of their first row. Every row is in exactly one."""
    alike = ON_AVERAGE * level
    pieces = _pieces(vectors, seed)
    found = [rows[inside] for rows in pieces for inside in _exact(vectors[rows], alike)]
    if len(pieces) > 1:
        found = _joined(vectors, found, alike)
    return sorted((np.sort(rows) for rows in found), key=lambda rows: int(rows[0]))


def _exact(vectors: Vectors, alike: float) -> list[Rows]:
    if len(vectors) < 2:
        return [np.arange(len(vectors))] if len(vectors) else []
    values = vectors.astype(np.float64)
    distances = np.clip(1.0 - values @ values.T, 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), method="average")
    return _by_label(fcluster(tree, t=1.0 - alike, criterion="distance"))


def _pieces(vectors: Vectors, seed: int) -> list[Rows]:
    """The set as a whole, or cut by bisecting k-means into pieces that can be clustered exactly."""
    count = len(vectors)
    if count <= EXACT_MOST:
        return [np.arange(count)]
    if bool((vectors == vectors[0]).all()):  # nothing to tell them apart by; any cut is as good
        return np.array_split(np.arange(count), -(-count // EXACT_MOST))
    parts = BisectingKMeans(
        n_clusters=-(-2 * count // EXACT_MOST), bisecting_strategy="largest_cluster", random_state=seed, max_iter=20
    ).fit_predict(vectors)
    pieces: list[Rows] = []
    for rows in _by_label(parts):
        pieces.extend(np.array_split(rows, -(-len(rows) // EXACT_MOST)))
    return pieces


def _by_label(labels: NDArray[np.integer[Any]]) -> list[Rows]:
    order = np.argsort(labels, kind="stable")
    return [np.asarray(rows) for rows in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)]


def _joined(vectors: Vectors, found: list[Rows], alike: float) -> list[Rows]:
    """Go on joining clusters across pieces; then lay who is still single beside the cluster they are most like."""
    large = [rows for rows in found if len(rows) >= SMALLEST_JOINED]
    small = [rows for rows in found if len(rows) < SMALLEST_JOINED]
    if not large:
        return small
    sizes = np.array([len(rows) for rows in large], dtype=np.float64)
    means = np.array([vectors[rows].mean(axis=0, dtype=np.float64) for rows in large])
    into = np.arange(len(large))  # which cluster each one has become part of
    alive = np.ones(len(large), dtype=bool)
    while True:
        standing = np.flatnonzero(alive)
        nearest, how = _nearest(means[standing])
        mutual = (nearest[nearest] == np.arange(len(standing))) & (how >= alike) & (np.arange(len(standing)) < nearest)
        if not mutual.any():
            break
        for at in np.flatnonzero(mutual):
            one, other = int(standing[at]), int(standing[nearest[at]])
            means[one] = (sizes[one] * means[one] + sizes[other] * means[other]) / (sizes[one] + sizes[other])
            sizes[one] += sizes[other]
            alive[other] = False
            into[into == other] = one
    standing = np.flatnonzero(alive)
    members = {int(at): [large[part] for part in np.flatnonzero(into == at)] for at in standing}
    left: list[Rows] = []
    for rows, (best, how_alike) in zip(small, _best(vectors, small, means[standing]), strict=True):
        if how_alike >= alike:
            members[int(standing[best])].append(rows)
        else:
            left.append(rows)
    return [np.concatenate(parts) for parts in members.values()] + left


def _nearest(means: NDArray[np.float64]) -> tuple[Rows, NDArray[np.float64]]:
    """For each mean the other it is most like, and how much. A single one has itself, at minus infinity."""
    nearest = np.zeros(len(means), dtype=np.int_)
    how = np.full(len(means), -np.inf)
    for start in range(0, len(means), CHUNK):
        alike = means[start : start + CHUNK] @ means.T
        rows = np.arange(len(alike))
        alike[rows, rows + start] = -np.inf
        nearest[start : start + CHUNK] = alike.argmax(axis=1)
        how[start : start + CHUNK] = alike.max(axis=1)
    return nearest, how


def _best(vectors: Vectors, small: list[Rows], means: NDArray[np.float64]) -> list[tuple[int, float]]:
    """For each small cluster the large one it is most like, and how much."""
    answers: list[tuple[int, float]] = []
    for start in range(0, len(small), CHUNK):
        own = np.array([vectors[rows].mean(axis=0, dtype=np.float64) for rows in small[start : start + CHUNK]])
        alike = own @ means.T
        best = alike.argmax(axis=1)
        answers.extend(zip(best.tolist(), alike[np.arange(len(own)), best].tolist(), strict=True))
    return answers
