"""Needs and their vectors to themes: which needs are about the same thing, seen from the same side.

Within one perspective (parents with parents) needs are linked to their nearest neighbours when they are close; each
linked set is cut by average linkage, so that a chain of neighbours does not become one theme. What has fewer than two
others close to it stays single: in a pool of 30 most needs do, and that is the honest answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform
from sklearn.cluster import BisectingKMeans

from models.bounds import Pool
from models.labels import Labeller
from models.need import Perspective
from models.plan import MatchSettings, Theme

NEIGHBOURS: Final = 20
"""Links per need: enough to keep a theme in one piece, few enough to stay sparse."""
LINKAGE_AT_MOST: Final = 1500
"""Largest set cut by average linkage, which takes memory in the square of it (1500: 18 MB)."""
CHUNK: Final = 1024
"""Rows compared at a time, so that memory stays flat (1024 x 10,000 cosines: 40 MB)."""

Rows = NDArray[np.int_]


def find_themes(pool: Pool, settings: MatchSettings, *, seed: int) -> tuple[Theme, ...]:
    """Themes of the pool, largest first. A need is in at most one theme; a theme has at least `theme_min` needs."""
    blocks: dict[Perspective, list[int]] = defaultdict(list)
    for row, need in enumerate(pool.needs):
        if pool.vectors[row].any():
            blocks[need.perspective].append(row)
    found: list[tuple[Perspective, Rows]] = []
    for perspective in sorted(blocks):
        for rows in _clusters(pool, np.array(blocks[perspective]), seed):
            kept = _nobody_alone(pool, rows, settings)
            if len(kept) >= settings.theme_min:
                found.append((perspective, kept))
    found.sort(key=lambda theme: (-len(theme[1]), int(theme[1][0])))
    labeller = Labeller(pool.needs, settings)
    return tuple(
        Theme(
            f"t{number}", labeller.label(rows.tolist(), number), perspective, tuple(pool.needs[row].id for row in rows)
        )
        for number, (perspective, rows) in enumerate(found, start=1)
    )


def _clusters(pool: Pool, rows: Rows, seed: int) -> Iterator[Rows]:
    """Sets of rows that are close on average."""
    for linked in _linked(pool.vectors[rows], pool.close_from):
        for piece in _pieces(pool.vectors[rows[linked]], seed):
            members = rows[linked[piece]]
            vectors = pool.vectors[members].astype(np.float64)
            if len(members) < 2:
                continue
            distances = np.clip(1.0 - vectors @ vectors.T, 0.0, 2.0)
            np.fill_diagonal(distances, 0.0)
            tree = linkage(squareform(distances, checks=False), method="average")
            cluster = fcluster(tree, t=1.0 - pool.close_from, criterion="distance")
            yield from (members[cluster == label] for label in np.unique(cluster))


def _linked(vectors: NDArray[np.float32], close_from: float) -> Iterable[Rows]:
    """Connected sets in the graph that joins each need to its nearest close ones."""
    count = len(vectors)
    sources: list[Rows] = []
    targets: list[Rows] = []
    for start in range(0, count, CHUNK):
        cosines = vectors[start : start + CHUNK] @ vectors.T
        np.put_along_axis(cosines, np.arange(start, start + len(cosines))[:, None], -1.0, axis=1)
        kept = min(NEIGHBOURS, count)
        nearest = np.argpartition(-cosines, kept - 1, axis=1)[:, :kept]
        near_enough = np.take_along_axis(cosines, nearest, axis=1) >= close_from
        at, column = np.nonzero(near_enough)
        sources.append(at + start)
        targets.append(nearest[at, column])
    source, target = np.concatenate(sources), np.concatenate(targets)
    graph = sp.coo_array((np.ones(len(source), dtype=np.int8), (source, target)), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    by_component = np.argsort(component, kind="stable")
    return np.split(by_component, np.flatnonzero(np.diff(component[by_component])) + 1)


def _pieces(vectors: NDArray[np.float32], seed: int) -> Iterator[Rows]:
    """The set as a whole, or for a very large one, halves of halves that average linkage can hold in memory."""
    if len(vectors) <= LINKAGE_AT_MOST:
        yield np.arange(len(vectors))
        return
    same = bool((vectors == vectors[0]).all())
    halves = np.zeros(len(vectors)) if same else BisectingKMeans(n_clusters=2, random_state=seed).fit_predict(vectors)
    if halves.min() == halves.max():  # nothing to tell them apart by; any split is as good
        yield from np.array_split(np.arange(len(vectors)), -(-len(vectors) // LINKAGE_AT_MOST))
        return
    for half in (0, 1):
        rows = np.flatnonzero(halves == half)
        yield from (rows[piece] for piece in _pieces(vectors[rows], seed))


def _nobody_alone(pool: Pool, rows: Rows, settings: MatchSettings) -> Rows:
    """Drop who has too few others close to them, until nobody has."""
    vectors = pool.vectors[rows]
    close = vectors @ vectors.T >= pool.close_from
    np.fill_diagonal(close, val=False)
    kept = np.ones(len(rows), dtype=bool)
    while True:
        lonely = kept & (close[:, kept].sum(axis=1) < settings.min_close)
        if not lonely.any():
            return rows[kept]
        kept &= ~lonely
