"""Average linkage: exact in one piece, and the same thing by means when a set is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import clusters as module
from models.clusters import ON_AVERAGE, clusters


def around(centres: int, each: int, *, spread: float, seed: int) -> NDArray[np.float32]:
    """Unit vectors around some directions, in turn."""
    rng = np.random.default_rng(seed)
    middles = np.eye(centres, 12)
    rows = np.tile(middles, (each, 1)) + spread * rng.normal(size=(centres * each, 12))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def as_sets(found: list[NDArray[np.int_]]) -> set[frozenset[int]]:
    return {frozenset(rows.tolist()) for rows in found}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(0, 10_000), st.floats(0.05, 0.9))
def test_everyone_is_in_exactly_one_cluster(count: int, seed: int, level: float) -> None:
    vectors = around(5, 12, spread=0.4, seed=seed)[:count]
    assert sorted(row for rows in clusters(vectors, level) for row in rows) == list(range(count))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 0.9))
def test_no_two_clusters_are_as_alike_as_the_level_asks(seed: int, level: float) -> None:
    vectors = around(5, 8, spread=0.4, seed=seed)
    means = np.array([vectors[rows].mean(axis=0) for rows in clusters(vectors, level)])
    alike = means @ means.T
    np.fill_diagonal(alike, -1.0)
    assert alike.max() < ON_AVERAGE * level + 1e-6


def test_a_set_that_is_cut_gives_the_clusters_of_one_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = around(6, 40, spread=0.15, seed=3)
    whole = as_sets(clusters(vectors, 0.8))
    monkeypatch.setattr(module, "EXACT_MOST", 50)
    assert as_sets(clusters(vectors, 0.8)) == whole
    assert len(whole) == 6


def test_identical_vectors_are_one_cluster_however_often_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXACT_MOST", 50)
    (only,) = clusters(np.tile(around(1, 1, spread=0.0, seed=0), (333, 1)), 0.9)
    assert len(only) == 333


def test_who_is_alone_in_a_piece_is_laid_beside_who_is_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = around(2, 60, spread=0.05, seed=1)
    monkeypatch.setattr(module, "EXACT_MOST", 40)
    monkeypatch.setattr(
        module, "_pieces", lambda *_: [np.arange(40), np.arange(40, 79), np.array([79]), np.arange(80, 120)]
    )
    assert len(clusters(vectors, 0.8)) == 2


def test_the_same_seed_gives_the_same_clusters() -> None:
    vectors = around(8, 300, spread=0.5, seed=7)
    first, second = clusters(vectors, 0.5, seed=4), clusters(vectors, 0.5, seed=4)
    assert [rows.tolist() for rows in first] == [rows.tolist() for rows in second]
