"""Text to vectors: what every encoder promises, and which one a setting names.

`levels` belong to an encoder because cosines of two encoders cannot be compared: 0.4 is a lot for one and nothing
at all for a multilingual E5, where any two sentences score 0.7.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import EncoderUnavailable

Vectors = NDArray[np.float32]

ANCHOR_QUANTILE: Final = 0.99


@dataclass(frozen=True, slots=True)
class Vector:
    """What the encoder `model_id` made of one note: (d,) float32 of unit length."""

    model_id: str
    values: Vectors


class Encoder(Protocol):
    """Turns notes into vectors whose dot product says how much two notes are about the same thing."""

    @property
    def model_id(self) -> str:
        """Names the model and its weights; vectors with different ids are never compared."""
        ...

    @property
    def levels(self) -> tuple[float, ...]:
        """Dot products of comparable vectors at which people are looked for, the closest first.

        The last is the least at which two notes count as being about the same thing.
        """
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32 with rows of unit length, in the order of the texts."""
        ...

    def comparable(self, vectors: Vectors) -> Vectors:
        """What of these vectors may bring people together; never longer than they are."""
        ...


class SentenceTransformerEncoder:
    """Any SentenceTransformer, from a folder or a hub id. Its level is measured on anchor notes when loaded."""

    def __init__(self, name: str, model: Any) -> None:
        self._model = model
        self._id = f"{name}:{_fingerprint(model)}"
        self._close_from = _close_from(self)

    @property
    def model_id(self) -> str:
        """Where it was loaded from and a fingerprint of its weights: a folder may be filled anew."""
        return self._id

    @property
    def levels(self) -> tuple[float, ...]:
        """One level: the cosine that fewer than 1 in 100 pairs of anchor notes about different things reach."""
        return (self._close_from,)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode with the model, in batches, on the device it chooses."""
        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        vectors = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(vectors, dtype=np.float32))

    def comparable(self, vectors: Vectors) -> Vectors:
        """All of them: a general encoder has no word for "nothing we know"."""
        return vectors


def load_encoder(setting: str | None) -> Encoder:
    """Load the encoder a setting names: None for the one that ships with Kring, else a folder or a hub id.

    Raises EncoderUnavailable when there is no such model, or it cannot be read.
    """
    if setting is None:
        from models.bundled import bundled  # noqa: PLC0415 - it stands on what this module defines

        return bundled()
    # Imported here: torch takes 430 MB and three seconds, and only who sets an encoder of their own pays for it.
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    try:
        model = SentenceTransformer(setting)
    except Exception as error:  # whatever the hub, the disk or the model's own code raises
        raise EncoderUnavailable("encoder_not_found", setting=setting, because=type(error).__name__) from error
    return SentenceTransformerEncoder(setting, model)


def unit(rows: Vectors) -> Vectors:
    """Rows at unit length; a row of zeros stays zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def _close_from(encoder: SentenceTransformerEncoder) -> float:
    """Measure where "about the same thing" starts: above nearly all pairs of anchors about different things."""
    subjects: list[list[str]] = tomllib.loads(files("models").joinpath("anchors.toml").read_text("utf-8"))["subjects"]
    owner = np.repeat(np.arange(len(subjects)), [len(notes) for notes in subjects])
    vectors = encoder.encode([note for notes in subjects for note in notes])
    cosines = vectors @ vectors.T
    return float(np.quantile(cosines[owner[:, None] != owner[None, :]], ANCHOR_QUANTILE))


def _fingerprint(model: Any) -> str:
    digest = sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
