"""The methods Kring is compared with really learn: on a corpus that a person could sort at a glance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from models.taxonomy import taxonomy
from models.training.baselines import Beside, Centroids, Logistic, Lsa, Method, Tfidf, ranked
from models.training.metrics import found, ward_ami
from models.training.neural import SmallTransformer, StaticContrastive, supervised_contrast
from tests.models.training.small import WORDS, note, some_notes

NOTES = [one for one in some_notes() if one.topic is not None]
TEXTS = [one.text for one in NOTES]
TOPICS = [one.topic for one in NOTES]


def learners() -> list[Callable[[], Method]]:
    return [
        lambda: Logistic(0),
        lambda: StaticContrastive(taxonomy(), seed=0, steps=30),
        lambda: SmallTransformer(seed=0, epochs=40),
    ]


@pytest.mark.parametrize("make", learners())
def test_what_learns_finds_the_topics_it_was_taught(make: Callable[[], Method]) -> None:
    method = make()
    method.fit(NOTES)
    named = method.topics(TEXTS)
    assert named is not None
    assert found(named, TOPICS).first > 0.9
    assert ward_ami(method.encode(TEXTS), TOPICS) > 0.8


@pytest.mark.parametrize("make", learners())
def test_the_same_seed_makes_the_same_vectors(make: Callable[[], Method]) -> None:
    first, second = make(), make()
    first.fit(NOTES)
    second.fit(NOTES)
    np.testing.assert_array_equal(first.encode(TEXTS[:5]), second.encode(TEXTS[:5]))


@pytest.mark.parametrize("method", [Tfidf(), Lsa(0)])
def test_what_only_counts_words_names_no_topics(method: Method) -> None:
    bare = [" ".join(own[at:] + own[:at]) for own in WORDS.values() for at in range(3)]
    method.fit(NOTES)
    assert method.topics(bare) is None
    rows = method.encode(bare)
    np.testing.assert_allclose(np.asarray((rows @ rows.T)[0, 0]), 1.0, atol=1e-5)
    assert ward_ami(rows, [topic for topic in WORDS for _ in range(3)]) == pytest.approx(1.0)


def test_a_text_without_a_known_word_still_has_a_row() -> None:
    static = StaticContrastive(taxonomy(), seed=0, steps=2)
    static.fit(NOTES)
    rows = static.encode(["", "😢", TEXTS[0]])
    assert rows.shape[0] == 3
    assert np.isfinite(rows).all()


def test_both_halves_of_a_pair_of_methods_count_the_same() -> None:
    class Fixed:
        name = "fixed"

        def __init__(self, row: list[float]) -> None:
            self._row = row

        def fit(self, notes: object) -> None: ...

        def encode(self, texts: list[str]) -> np.ndarray:
            return np.array([self._row] * len(texts), dtype=np.float32)

        def topics(self, texts: object) -> None: ...

    rows = Beside("both", Fixed([1.0]), Fixed([0.6, 0.8])).encode(["x"])
    np.testing.assert_allclose(rows, np.array([[1.0, 0.6, 0.8]]) / np.sqrt(2), rtol=1e-6)


def test_a_centroid_is_the_mean_of_its_own_topic() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.9]], dtype=np.float32)
    centroids = Centroids([note(1, topic="a"), note(2, topic="b"), note(3, topic="b")], rows)
    assert centroids.topics(np.array([[0.1, 0.9], [1.0, 0.0]], dtype=np.float32)) == [["b", "a"], ["a", "b"]]


def test_ranked_gives_three_of_the_best() -> None:
    scores = np.array([[0.1, 0.4, 0.2, 0.3]])
    assert ranked(scores, ["a", "b", "c", "d"]) == [["b", "d", "c"]]


def test_contrast_by_hand() -> None:
    """Three notes at right angles, two of one topic: each sees one friend and one stranger alike, so log 2."""
    loss = supervised_contrast(torch.eye(3), torch.tensor([0, 0, 1]), temperature=0.1)
    assert float(loss) == pytest.approx(np.log(2), abs=1e-5)
