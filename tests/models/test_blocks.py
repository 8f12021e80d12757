"""Blocks: everybody in one at most, small enough, and grouped the same whoever does it and in whatever order."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from models.blocks import BLOCK_MOST, blocks
from models.bounds import Pool
from models.match import group_block
from models.need import Need, Perspective
from models.plan import MatchSettings, Theme

BOUNDS = MatchSettings()


def spread(count: int) -> tuple[Pool, Theme]:
    """One theme of people in five villages."""
    rng = np.random.default_rng(0)
    needs = [
        Need(f"n{at:04}", "-", lat=52.0 + at % 5 * 0.3, lon=5.0, dayparts=frozenset({"mon-evening"}))
        for at in range(count)
    ]
    vectors: NDArray[np.float32] = rng.normal(1.0, 0.3, (count, 8)).astype(np.float32)
    pool = Pool.of(needs, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 0.5)
    return pool, Theme("t1", "-", Perspective.SELF, tuple(need.id for need in needs))


def test_everybody_is_in_one_block_and_no_block_is_too_large() -> None:
    pool, theme = spread(900)
    found = blocks(pool, [theme], BOUNDS)
    members = [member for block in found for member in block.members]
    assert sorted(members) == sorted(theme.members)
    assert max(len(block.members) for block in found) <= BLOCK_MOST


def test_who_is_offered_a_place_elsewhere_is_in_no_block() -> None:
    pool, theme = spread(40)
    without = frozenset(theme.members[:7])
    (block,) = blocks(pool, [theme], BOUNDS, without=without)
    assert set(block.members) == set(theme.members) - without


def test_a_theme_too_small_for_a_group_is_no_block() -> None:
    pool, theme = spread(4)
    assert blocks(pool, [theme], BOUNDS) == ()


def test_a_block_is_grouped_the_same_without_everybody_else_and_in_any_order() -> None:
    pool, theme = spread(300)
    found = list(blocks(pool, [theme], BOUNDS))
    together = {block: group_block(block, theme, pool, BOUNDS) for block in found}
    random.Random(1).shuffle(found)
    for block in found:
        rows = [pool.row[member] for member in block.members]
        alone = Pool.of([pool.needs[row] for row in rows], pool.vectors[rows], *pool.levels)
        assert group_block(block, theme, alone, BOUNDS) == together[block]
    assert sum(len(groups) for groups in together.values()) > 10
