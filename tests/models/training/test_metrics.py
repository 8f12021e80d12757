"""What is measured, against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import AgglomerativeClustering

from models.need import Perspective
from models.training.corpus import Register
from models.training.metrics import (
    Found,
    ami,
    expected_calibration_error,
    found,
    pairs,
    plain_and_hard,
    pools,
    ward_ami,
)
from tests.models.training.small import note


def test_found_counts_the_first_and_the_first_three_only() -> None:
    ranked = [["a", "b", "c"], ["b", "a", "c"], ["b", "c", "d"], ["b", "c", "d", "a"]]
    assert found(ranked, ["a", "a", "a", "a"]) == Found(first=0.25, three=0.5)


def test_nothing_to_find_is_an_error_and_no_hundred_percent() -> None:
    with pytest.raises(ValueError, match="no notes"):
        found([], [])


def test_calibration_error_is_the_mean_gap_over_the_bins() -> None:
    """Two notes at 0.9, one right: gap 0.4, half of the notes. Two at 0.6, both right: gap 0.4, the other half."""
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    assert expected_calibration_error(chances, np.array([0, 1, 1, 1])) == pytest.approx(0.4)


def test_calibration_error_weighs_a_bin_by_its_notes() -> None:
    chances = np.array([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.0, 1.0]])
    assert expected_calibration_error(chances, np.array([0, 0, 1, 1])) == pytest.approx(0.75 * (0.8 - 2 / 3))


def test_notes_apart_by_topic_have_full_mutual_information() -> None:
    rows = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    rows += np.random.default_rng(0).normal(scale=0.01, size=rows.shape).astype(np.float32)
    assert ward_ami(rows, ["a"] * 4 + ["b"] * 4 + ["c"] * 4) == pytest.approx(1.0)


def test_ward_from_dot_products_is_wards_on_the_rows() -> None:
    """Also for sparse rows that are not of one length."""
    rows = np.random.default_rng(1).normal(size=(60, 5))
    labels = [at % 6 for at in range(60)]
    expected = ami(AgglomerativeClustering(6).fit_predict(rows).tolist(), labels)
    assert ward_ami(rows, labels) == pytest.approx(expected)
    assert ward_ami(sp.csr_matrix(rows), labels) == pytest.approx(expected)


def test_a_pool_has_all_notes_of_its_topics() -> None:
    many = [note(10 * topic + at, topic=f"t{topic}") for topic in range(5) for at in range(3)]
    made = pools(many, seed=0, topics=2)
    assert [len(pool) for pool in made] == [6, 6]
    assert all(len({one.topic for one in pool}) == 2 for pool in made)
    assert not {one.id for one in made[0]} & {one.id for one in made[1]}


def test_a_topic_with_one_note_is_in_no_pool_and_neither_is_none() -> None:
    few = [note(1, topic="a"), note(2, topic="a"), note(3, topic="b"), note(4, topic=None), note(5, topic=None)]
    few += [note(6, topic="c"), note(7, topic="c")]
    assert [sorted(one.id for one in pool) for pool in pools(few, seed=0)] == [["n-0001", "n-0002", "n-0006", "n-0007"]]
    assert pools(few[:5], seed=0) == []


def test_the_same_seed_draws_the_same_pools_and_another_seed_others() -> None:
    many = [note(10 * topic + at, topic=f"t{topic}") for topic in range(20) for at in range(2)]
    assert pools(many, seed=1, topics=5) == pools(many, seed=1, topics=5)
    assert pools(many, seed=1, topics=5) != pools(many, seed=2, topics=5)


def test_hard_is_all_that_is_no_form() -> None:
    one_each = [note(at, register=register) for at, register in enumerate(Register)]
    parts = plain_and_hard(one_each)
    assert [one.register for one in parts["plain"]] == [Register.FORM]
    assert len(parts["hard"]) == 3


def test_pairs_are_counted_within_groups() -> None:
    """A group of a, a, b: one of three pairs is right. A group of two a's: one of one. Together two of four."""
    held = [note(1, topic="a"), note(2, topic="a"), note(3, topic="b"), note(4, topic="a"), note(5, topic="a")]
    held += [note(6, topic=None), note(7, topic=None), note(8, topic="c")]
    measured = pairs([["n-0001", "n-0002", "n-0003"], ["n-0004", "n-0005"]], {one.id: one for one in held}, smallest=4)
    assert (measured.people, measured.groups) == (8, 2)
    assert measured.right == pytest.approx(0.5)
    assert measured.placed == pytest.approx(5 / 8)
    assert measured.placeable == pytest.approx(4 / 8)
    assert measured.none_apart == 1.0


def test_two_notes_of_no_topic_in_one_group_share_nothing() -> None:
    held = {one.id: one for one in (note(1, topic=None), note(2, topic=None), note(3, topic=None))}
    measured = pairs([["n-0001", "n-0002"]], held, smallest=2)
    assert (measured.right, measured.placeable) == (0.0, 0.0)
    assert measured.none_apart == pytest.approx(1 / 3)


def test_only_people_who_ask_from_one_side_can_be_placed_together() -> None:
    sides = [Perspective.SELF, Perspective.SELF, Perspective.PARENT]
    held = {one.id: one for one in (note(at, perspective=side) for at, side in enumerate(sides))}
    assert pairs([], held, smallest=2).placeable == pytest.approx(2 / 3)


def test_no_group_has_no_share_of_right_pairs() -> None:
    measured = pairs([], {"n-0001": note(1)}, smallest=5)
    assert (measured.right, measured.placed, measured.none_apart) == (None, 0.0, None)
