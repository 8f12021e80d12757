"""Needs and their vectors to themes: which needs are about the same thing, seen from the same side.

Within one perspective (parents with parents) needs are clustered by average linkage at the widest level at which two
people still count as close; `models.composition` then looks inside a theme for who is closer than that. What has fewer
than two others close to it stays single: in a pool of 30 most needs do, and that is the honest answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bounds import Pool
from models.clusters import ON_AVERAGE, clusters
from models.labels import Labeller
from models.need import Perspective
from models.plan import MatchSettings, PastTheme, Theme
from models.taxonomy import TopicId

PEOPLE_SHARED: Final = 2
"""People a cluster must share with a past theme to be its successor; a single one may have gone anywhere."""
CHUNK: Final = 2_048
"""Rows compared at a time, so that memory stays flat however large a theme is."""

Rows = NDArray[np.int_]
Cluster = tuple[Perspective | None, Rows]


def find_themes(
    pool: Pool,
    settings: MatchSettings,
    *,
    topics: Sequence[TopicId | None] = (),
    past: Sequence[PastTheme] = (),
    seed: int,
) -> tuple[Theme, ...]:
    """Themes of the pool, largest first. A need is in at most one theme; a theme has at least `theme_min` needs.

    `topics`, in the order of the pool, says what each need is about where that is known; only labels use it. `past`
    are the themes of the last run: where one of them mixes perspectives, its successor does.
    """
    blocks: dict[Perspective, list[int]] = defaultdict(list)
    read: NDArray[np.bool_] = np.asarray(pool.vectors.any(axis=1))
    for row, need in enumerate(pool.needs):
        if read[row]:
            blocks[need.perspective].append(row)
    found: list[Cluster] = []
    for perspective in sorted(blocks):
        rows = np.array(blocks[perspective])
        for cluster in clusters(pool.vectors[rows], pool.close_from, seed=seed):
            if len(cluster) < settings.theme_min:
                continue
            kept = _nobody_alone(pool, rows[cluster], settings)
            if len(kept) >= settings.theme_min:
                found.append((perspective, kept))
    found = _mixed(pool, found, past)
    found.sort(key=lambda theme: (-len(theme[1]), int(theme[1][0])))
    labeller = Labeller(pool.needs, settings, topics)
    return tuple(
        Theme(
            f"t{number}", labeller.label(rows.tolist(), number), perspective, tuple(pool.needs[row].id for row in rows)
        )
        for number, (perspective, rows) in enumerate(found, start=1)
    )


def _mixed(pool: Pool, found: Sequence[Cluster], past: Sequence[PastTheme]) -> list[Cluster]:
    """Where a coordinator lets perspectives mix, the theme takes in those of other sides that are about the same.

    The successor of a theme that mixes is the cluster with most of its people; a cluster from another side joins when
    the two are, on average, as alike as one theme asks (`models.clusters`).
    """
    left = list(found)
    mixed: list[Cluster] = []
    for theme in sorted((one for one in past if one.mixed), key=lambda one: one.id):
        shared = [sum(pool.needs[row].id in theme.members for row in rows) for _, rows in left]
        if max(shared, default=0) < PEOPLE_SHARED:
            continue
        side, own = left.pop(shared.index(max(shared)))
        mean = pool.vectors[own].mean(axis=0, dtype=np.float64)
        joining = [
            at
            for at, (other, rows) in enumerate(left)
            if other is not side
            and float(mean @ pool.vectors[rows].mean(axis=0, dtype=np.float64)) >= ON_AVERAGE * pool.close_from
        ]
        everyone = np.sort(np.concatenate([own, *(left[at][1] for at in joining)]))
        left = [cluster for at, cluster in enumerate(left) if at not in joining]
        mixed.append((None if joining else side, everyone))
    return left + mixed


def _nobody_alone(pool: Pool, rows: Rows, settings: MatchSettings) -> Rows:
    """Drop who has too few others close to them, until nobody has: the core of the graph of who is close to whom."""
    vectors = pool.vectors[rows]
    counts = np.zeros(len(rows), dtype=np.int_)
    for start in range(0, len(rows), CHUNK):
        counts[start : start + CHUNK] = (vectors[start : start + CHUNK] @ vectors.T >= pool.close_from).sum(axis=1)
    counts -= (np.einsum("ij,ij->i", vectors, vectors) >= pool.close_from).astype(np.int_)  # nobody is their own other
    kept = np.ones(len(rows), dtype=bool)
    while True:
        lonely = np.flatnonzero(kept & (counts < settings.min_close))
        if not lonely.size:
            return rows[kept]
        kept[lonely] = False
        for start in range(0, len(lonely), CHUNK):
            counts -= (vectors @ vectors[lonely[start : start + CHUNK]].T >= pool.close_from).sum(axis=1)
