"""The methods that are compared: whom they put together, and what they are spared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.benchmarks.benchmark import Prepared
from models.benchmarks.handed import COMPARABLE, Rows
from models.benchmarks.methods import KRING, LEAST, METHODS, MOST
from models.benchmarks.methods.blocks import full_groups, nearest, sizes_of_about
from models.plan import Group
from tests.models.benchmarks.small import small_pool

OTHERS = [
    pytest.param(name, marks=pytest.mark.skipif(not METHODS[name].installed(), reason=f"{name} comes with group bench"))
    for name in METHODS
    if name != KRING
]


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    return small_pool(tmp_path)


def rows_of(name: str, prepared: Prepared) -> list[Rows]:
    return [group for group in METHODS[name].prepare(prepared.handed)() if not isinstance(group, Group)]


@pytest.mark.parametrize("name", OTHERS)
def test_a_method_makes_groups_of_a_size_and_puts_nobody_in_two(prepared: Prepared, name: str) -> None:
    groups = rows_of(name, prepared)
    seats = [row for group in groups for row in group]
    assert groups
    assert {LEAST <= len(group) <= MOST for group in groups} == {True}
    assert len(set(seats)) == len(seats)


@pytest.mark.parametrize("name", OTHERS)
def test_a_method_is_given_one_perspective_at_a_time(prepared: Prepared, name: str) -> None:
    blocks = np.arange(len(prepared.pool.needs)) % 2
    np.save(prepared.handed.folder / "blocks.npy", blocks)
    groups = rows_of(name, prepared)
    assert {int(blocks[row]) for group in groups for row in group} == {0, 1}
    assert all(len({int(blocks[row]) for row in group}) == 1 for group in groups)


@pytest.mark.parametrize("name", OTHERS)
def test_a_method_is_spared_notes_that_fit_nothing(prepared: Prepared, name: str) -> None:
    vectors = prepared.pool.vectors.copy()
    vectors[:10] = 0.0
    np.save(prepared.handed.folder / COMPARABLE, vectors)
    assert min(row for group in rows_of(name, prepared) for row in group) >= 10


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_pool_gives_the_same_groups(prepared: Prepared, name: str) -> None:
    assert rows_of(name, prepared) == rows_of(name, prepared)


@pytest.mark.parametrize("name", OTHERS)
def test_a_handful_is_a_pool_too(prepared: Prepared, name: str) -> None:
    np.save(prepared.handed.folder / COMPARABLE, prepared.pool.vectors[:LEAST])
    np.save(prepared.handed.folder / "blocks.npy", np.zeros(LEAST, dtype=np.int64))
    assert all(len(group) == LEAST for group in rows_of(name, prepared))


def test_kring_answers_with_groups_and_all_it_decided_about_them(prepared: Prepared) -> None:
    groups = METHODS[KRING].prepare(prepared.handed)()
    assert groups
    assert all(isinstance(group, Group) and group.reasons for group in groups)


def test_the_first_who_is_free_takes_the_nearest_who_are() -> None:
    angles = np.radians([0, 90, 10, 80, 20, 100])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert [sorted(group.tolist()) for group in nearest(vectors, [3, 3])] == [[0, 2, 4], [1, 3, 5]]


def test_sizes_come_near_the_aim_and_add_up() -> None:
    assert sizes_of_about(8, 13) == [7, 6]
    assert sizes_of_about(8, 19) == [10, 9]
    assert {max(sizes_of_about(8, people)) <= MOST for people in range(MOST + 1, 400)} == {True}
    assert {min(sizes_of_about(8, people)) >= LEAST for people in range(MOST + 1, 400)} == {True}


@pytest.mark.parametrize(("people", "sizes"), [(4, []), (5, [5]), (12, [8]), (13, [8, 5])])
def test_a_last_group_that_is_too_small_is_none(people: int, sizes: list[int]) -> None:
    assert full_groups(people) == sizes
