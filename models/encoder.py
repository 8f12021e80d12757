"""Text to vectors: the first encoder that ships with Kring, and any SentenceTransformer by setting.

`close_from` belongs to an encoder because cosines of two encoders cannot be compared: 0.4 is a lot for word counts and
nothing at all for a multilingual E5, where any two sentences score 0.7.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from models.errors import EncoderUnavailable
from models.normalise import Reading, dutch_words, read

Vectors = NDArray[np.float32]

CONCEPT_SHARE: Final = 0.72
"""How much of a cosine concepts of full weight make up; words make up the rest. Tuned by reading groups."""
LETTER_SHARE: Final = 0.35
"""Of what words make up, the part of letter groups: they see through inflection, compounds and typing errors."""
DIMENSIONS: Final = 192
"""Dimensions kept of words and letter groups by truncated SVD; pools under this size lose nothing."""
REMAINDER: Final = 64
MAX_LETTER_GROUPS: Final = 20_000
ANCHOR_QUANTILE: Final = 0.99


class Encoder(Protocol):
    """Turns notes into vectors whose cosine says how much two notes are about the same thing."""

    @property
    def model_id(self) -> str:
        """Names model and version; vectors with different ids are never compared."""
        ...

    @property
    def close_from(self) -> float:
        """Cosine from which two notes count as being about the same thing."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32 with rows of unit length, in the order of the texts."""
        ...


class FirstEncoder:
    """A first encoder: field concepts plus TF-IDF (words, letter groups) reduced by truncated SVD, fitted on the pool.

    What it cannot do: it knows only words it has been told (`dutch_words.toml`) or that two notes share. "Zij vraagt
    elke avond waar haar man blijft" is dementia to a reader and nothing to this encoder. It reads no mood, no irony and
    hardly any denial. As it is fitted on the texts of one call, vectors of two calls cannot be compared. A text without
    a single telling word becomes a row of zeros: close to nobody, itself included, so never grouped by accident.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    @property
    def model_id(self) -> str:
        """Name and version of this encoder."""
        return "kring-first-1"

    @property
    def close_from(self) -> float:
        """The same concept gives 0.72 and more. One shared beside one that differs gives 0.51: not close."""
        return 0.55

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode a pool; (n, d) with d at most DIMENSIONS plus the number of concepts."""
        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        readings = [read(text) for text in texts]
        weights = _concept_matrix(readings)
        # A note that names circumstances only ("school", "sleep") must not look like all others that do: its
        # concepts count for no more than their weight, its words for the rest.
        share = CONCEPT_SHARE * weights.max(axis=1, initial=0.0, keepdims=True) ** 2
        words = _unit(self._lexical([" ".join(reading.words) for reading in readings]))
        vectors = np.hstack([_unit(weights) * np.sqrt(share), words * np.sqrt(1.0 - share)])
        return _unit(vectors).astype(np.float32)

    def _lexical(self, documents: list[str]) -> NDArray[np.float64]:
        """TF-IDF of words and of letter groups, side by side, reduced; zeros where nothing is known.

        Truncation makes unlike notes alike, the more the larger the pool. So what it takes away is not dropped but kept
        in REMAINDER random directions: cosines stay what they were, on average (Johnson-Lindenstrauss).
        """
        if not any(documents):
            return np.zeros((len(documents), 1))
        words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=60_000)
        letters = TfidfVectorizer(
            sublinear_tf=True, analyzer="char_wb", ngram_range=(4, 5), max_features=MAX_LETTER_GROUPS
        )
        counted = sp.hstack(
            [
                words.fit_transform(documents) * np.sqrt(1.0 - LETTER_SHARE),
                letters.fit_transform(documents) * np.sqrt(LETTER_SHARE),
            ],
            format="csr",
        )
        kept = min(DIMENSIONS, len(documents) - 1, counted.shape[1] - 1)
        if kept < 2:
            return np.asarray(counted.toarray(), dtype=np.float64)
        svd = TruncatedSVD(n_components=kept, random_state=self._seed)
        with np.errstate(invalid="ignore", divide="ignore"):  # in a pool of equal notes no variance is there to explain
            reduced = np.asarray(svd.fit_transform(counted), dtype=np.float64)
        directions = np.random.default_rng(self._seed).standard_normal((counted.shape[1], REMAINDER))
        remainder = _unit(np.asarray(counted @ directions) - reduced @ (svd.components_ @ directions))
        lengths = np.sqrt(
            np.clip(
                np.asarray(counted.power(2).sum(axis=1)).reshape(-1, 1) - (reduced**2).sum(axis=1, keepdims=True),
                0.0,
                None,
            )
        )
        return np.hstack([reduced, remainder * lengths])


class SentenceTransformerEncoder:
    """Any SentenceTransformer, from a folder or a hub id. `close_from` is measured on anchor notes when loaded."""

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._model = model
        self._close_from = _close_from(self)

    @property
    def model_id(self) -> str:
        """The folder or hub id it was loaded from."""
        return self._name

    @property
    def close_from(self) -> float:
        """Cosine that fewer than 1 in 100 pairs of anchor notes about different things reach."""
        return self._close_from

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode with the model, in batches, on the device it chooses."""
        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        vectors = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return _unit(np.asarray(vectors, dtype=np.float64)).astype(np.float32)


def load_encoder(setting: str | None) -> Encoder:
    """Load the encoder a setting names: None for the one that ships with Kring, else a folder or a hub id.

    Raises EncoderUnavailable when there is no such model, or it cannot be read.
    """
    if setting is None:
        return FirstEncoder()
    # Imported here: torch takes 430 MB and three seconds, and only who sets an encoder of their own pays for it.
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    try:
        model = SentenceTransformer(setting)
    except Exception as error:  # whatever the hub, the disk or the model's own code raises
        raise EncoderUnavailable("encoder_not_found", setting=setting, because=type(error).__name__) from error
    return SentenceTransformerEncoder(setting, model)


def _close_from(encoder: SentenceTransformerEncoder) -> float:
    """Measure where "about the same thing" starts: above nearly all pairs of anchors about different things."""
    subjects: list[list[str]] = tomllib.loads(files("models").joinpath("anchors.toml").read_text("utf-8"))["subjects"]
    owner = np.repeat(np.arange(len(subjects)), [len(notes) for notes in subjects])
    vectors = encoder.encode([note for notes in subjects for note in notes])
    cosines = vectors @ vectors.T
    return float(np.quantile(cosines[owner[:, None] != owner[None, :]], ANCHOR_QUANTILE))


def _concept_matrix(readings: Sequence[Reading]) -> NDArray[np.float64]:
    """(n, number of concepts): the weight of each concept a note names."""
    column = {concept: index for index, concept in enumerate(dutch_words().concepts)}
    matrix = np.zeros((len(readings), len(column)))
    for row, reading in enumerate(readings):
        for concept, weight in reading.concepts.items():
            matrix[row, column[concept]] = weight
    return matrix


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows at unit length; a row of zeros stays zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))
