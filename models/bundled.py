"""The bundled encoder without torch: reads the SentenceTransformer in `weights/` and computes with numpy.

torch with sentence-transformers takes 430 MB and three seconds to import; the page that suggests topics while somebody
types cannot wait for that. `weights/` is an ordinary SentenceTransformer made of stock modules, so anybody can load it
with that library too; a test holds the two readings together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from models.encoder import Vectors, unit
from models.errors import EncoderUnavailable
from models.taxonomy import taxonomy

WEIGHTS: Final = Path(__file__).parent / "weights"
FACTS_FILE: Final = "kring.json"
"""What Kring has to know besides the model: which column is which topic, and what development notes taught."""
TEXT_MOST: Final = 20_000
"""Characters read of a text; a need holds far fewer, and nobody should wait for a book."""
CHUNK: Final = 4_096
FAINT: Final = 0.02
"""Posterior below which a topic brings nobody together: without it, vague notes made groups of their own."""
KINSHIP: Final = 0.1
"""What a topic lends to its related ones. More mixes groups, less strands people; chosen on the rehearsal notes."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What training learnt beside the weights. `columns` are topic ids; a vector has one column more, "none".

    `perspectives[asks][k]` is how much likelier than by chance topic k is asked about from that side.
    """

    name: str
    columns: tuple[str, ...]
    levels: tuple[float, ...]
    temperature: float
    sure_from: float
    perspective_weight: float
    perspectives: dict[str, tuple[float, ...]]


class BundledEncoder:
    """Notes to the square roots of topic posteriors: unit rows whose dot product is a Bhattacharyya coefficient.

    Two notes are close when the same topics explain both. `shares[k]` of a note about nothing in the taxonomy sits in
    the last column, "none", which `comparable` takes away: such a note is close to nobody.
    """

    def __init__(self, folder: Path = WEIGHTS) -> None:
        """Read the model. Raises EncoderUnavailable when a file is missing or broken, with what to do about it."""
        try:
            self.facts = _facts(folder)
            modules = json.loads((folder / "modules.json").read_text("utf-8"))
            names = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
            if names != ["StaticEmbedding", "Normalize", "Dense", "Normalize"]:
                raise ValueError("unexpected modules")
            first, _, dense, _ = (folder / str(module["path"]) for module in modules)
            self._tokenizer = Tokenizer.from_file(str(first / "tokenizer.json"))
            self._rows: NDArray[np.float32] = load_file(first / "model.safetensors")["embedding.weight"]
            layer = load_file(dense / "model.safetensors")
            self._weight, self._bias = layer["linear.weight"], layer["linear.bias"]
            if self._weight.shape != (len(self.facts.columns) + 1, self._rows.shape[1]):
                raise ValueError("weights do not fit each other")
            self._id = f"{self.facts.name}:{_fingerprint(first / 'model.safetensors', dense / 'model.safetensors')}"
        except Exception as error:  # tokenizers raises no narrower one for a file it cannot read
            raise EncoderUnavailable(
                "weights_unreadable", folder=str(folder), because=type(error).__name__, remedy="kring train"
            ) from error
        self._kin = _kin(self.facts.columns)

    @property
    def model_id(self) -> str:
        """Name and a fingerprint of the weights: trained again, it is another model."""
        return self._id

    @property
    def levels(self) -> tuple[float, ...]:
        """Learnt on the development notes, see `models.training.calibrating`."""
        return self.facts.levels

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, topics + 1) float32 unit rows; a text without a word it knows gets the row of an unknown subject."""
        rows = [self._encoded(texts[at : at + CHUNK]) for at in range(0, len(texts), CHUNK)]
        return np.vstack(rows) if rows else np.zeros((0, len(self.facts.columns) + 1), dtype=np.float32)

    def comparable(self, vectors: Vectors) -> Vectors:
        """The vectors without "none" and without what is only faintly possible, and with a little of related topics.

        They are shorter than 1 where a note is partly about nothing we know, or about anything at all: two notes that
        both might be about everything have nothing in common. Topics are narrow; who hides debts and who is in a scheme
        for them may still sit at one table, so each topic lends a share to those related to it in its domain.
        """
        shares = np.square(vectors[:, :-1])
        shares[shares < FAINT] = 0.0
        mixed = (1.0 - KINSHIP) * shares + KINSHIP * (shares @ self._kin)
        return np.hstack([np.sqrt(mixed), np.zeros((len(vectors), 1))]).astype(np.float32)

    def posteriors(self, vectors: Vectors) -> NDArray[np.float64]:
        """(n, topics + 1): the uncalibrated shares that `vectors` hold the square roots of."""
        return np.square(vectors.astype(np.float64))

    def _encoded(self, texts: Sequence[str]) -> Vectors:
        read = self._tokenizer.encode_batch_fast([text[:TEXT_MOST] for text in texts], add_special_tokens=False)
        ids = [one.ids for one in read]
        sizes = np.array([len(one) for one in ids])
        summed = np.zeros((len(ids), self._rows.shape[1]), dtype=np.float32)
        known = np.flatnonzero(sizes)
        if known.size:
            starts = np.concatenate([[0], np.cumsum(sizes[known])[:-1]])
            flat = np.fromiter((token for one in ids for token in one), dtype=np.int64, count=int(sizes.sum()))
            summed[known] = np.add.reduceat(self._rows[flat], starts, axis=0)
        logits = unit(summed) @ self._weight.T + self._bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return unit(powers).astype(np.float32)


@lru_cache(maxsize=1)
def bundled() -> BundledEncoder:
    """The encoder that ships with Kring, read once."""
    return BundledEncoder()


def _facts(folder: Path) -> Facts:
    read: dict[str, Any] = json.loads((folder / FACTS_FILE).read_text("utf-8"))
    return Facts(
        name=str(read["name"]),
        columns=tuple(read["columns"]),
        levels=tuple(float(level) for level in read["levels"]),
        temperature=float(read["temperature"]),
        sure_from=float(read["sure_from"]),
        perspective_weight=float(read["perspective_weight"]),
        perspectives={asks: tuple(shares) for asks, shares in read["perspectives"].items()},
    )


def _kin(columns: Sequence[str]) -> NDArray[np.float32]:
    """(topics, topics): to which topics each one lends, rows adding up to 1 or 0; relations hold in both directions."""
    column = {topic: at for at, topic in enumerate(columns)}
    known = taxonomy()
    kin = np.zeros((len(columns), len(columns)), dtype=np.float32)
    for topic, siblings in known.siblings().items():
        for other in siblings:
            if topic in column and other in column and known.topics[other].domain == known.topics[topic].domain:
                kin[column[topic], column[other]] = 1.0
    return np.asarray(kin / np.maximum(kin.sum(axis=1, keepdims=True), 1.0))


def _fingerprint(*files: Path) -> str:
    digest = sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
