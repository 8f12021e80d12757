"""Themes to blocks: sets of people that can be grouped apart from one another, on one machine or on many.

Nobody is ever in a group with somebody of another block, so the order in which blocks are done, and by whom, cannot
matter. A block is a theme, or where a theme is large a part of it: cut by where people live as long as they live too
far apart to meet, then by what their needs are about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bounds import Pool, km_to_centre
from models.clusters import clusters
from models.plan import MatchSettings, Theme

BLOCK_MOST: Final = 96
"""People grouped at once: eight circles and more to choose between, while time grows with the number of blocks only."""

Rows = NDArray[np.int_]


@dataclass(frozen=True, slots=True)
class Block:
    """Ids of needs of one theme, ascending."""

    theme_id: str
    members: tuple[str, ...]


def blocks(
    pool: Pool, themes: Sequence[Theme], settings: MatchSettings, *, without: Collection[str] = ()
) -> tuple[Block, ...]:
    """All blocks of all themes that could fill a group, in the order of the themes; who is in `without` is in none."""
    found: list[Block] = []
    for theme in themes:
        members = sorted(pool.row[member] for member in theme.members if member not in without)
        found += [
            Block(theme.id, tuple(pool.needs[row].id for row in rows))
            for rows in _cut(pool, np.array(members, dtype=np.int_), settings, pool.levels[-2::-1])
            if len(rows) >= settings.circle_min
        ]
    return tuple(found)


def _cut(pool: Pool, rows: Rows, settings: MatchSettings, levels: Sequence[float]) -> Iterator[Rows]:
    """These people as a whole; too many are cut by what they are about, closer and closer, and at last in halves."""
    if len(rows) <= BLOCK_MOST:
        yield rows
        return
    if not levels:
        yield from _halved(pool, rows, settings)
        return
    loose: list[Rows] = []
    for cluster in clusters(pool.vectors[rows], levels[0]):
        if len(cluster) < settings.circle_aim:
            loose.append(rows[cluster])
        else:
            yield from _cut(pool, rows[cluster], settings, levels[1:])
    if loose:
        yield from _halved(pool, np.sort(np.concatenate(loose)), settings)


def _halved(pool: Pool, rows: Rows, settings: MatchSettings) -> Iterator[Rows]:
    """Halves of halves, cut along where these people differ most."""
    if len(rows) <= BLOCK_MOST:
        yield rows
        return
    points = pool.places[rows]
    placed = ~np.isnan(points[:, 0])
    values = pool.vectors[rows].astype(np.float64)
    if placed.any() and km_to_centre(points).max() > settings.reach_km:
        values = np.where(np.isnan(points), points[placed].mean(axis=0), points)
    centred = values - values.mean(axis=0)
    # The first principal direction by three power steps from the widest column: cheap and without a random start.
    direction = np.zeros(values.shape[1])
    direction[int(np.argmax(centred.var(axis=0)))] = 1.0
    for _ in range(3):
        direction = centred.T @ (centred @ direction)
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
    order = np.argsort(np.round(centred @ direction, 9), kind="stable")
    half = len(rows) // 2
    yield from _halved(pool, np.sort(rows[order[:half]]), settings)
    yield from _halved(pool, np.sort(rows[order[half:]]), settings)
