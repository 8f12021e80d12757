"""Fits the encoder: a bag of words that share letters, cut down to few dimensions, then a posterior over topics.

    h(note) = unit(Σ over its words of u(word)),   u(word) = Σ over its features of rarity · E
    logits  = SCALE · h · unit(P)ᵀ + b

trained with cross-entropy on notes and on handfuls of a topic's words, with words and features dropped at random: notes
from elsewhere use other words, so no word may be relied on. The vector is the square root of the softmax, which is what
StaticEmbedding, Normalize, Dense(softmax of half the logits), Normalize compute; so the result is an ordinary
SentenceTransformer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models.taxonomy import Taxonomy, TopicId
from models.training.corpus import Note
from models.training.vocabulary import Vocabulary, learn

NONE: Final = "none"
BLANK_EVERY: Final = 100
"""Notes to one blank text."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The numbers of a training run, chosen on the development notes."""

    dimensions: int = 192
    epochs: int = 12
    batch: int = 256
    learning_rate: float = 6e-3
    words_dropped: float = 0.5
    features_dropped: float = 0.3
    handfuls: float = 1.5
    """Handfuls of a topic's words for each note in a batch."""
    scale: float = 16.0
    smoothing: float = 0.1
    sharpness: float = 1.3
    """What the logits are multiplied by in the vector; below 1 the vectors say more about topics near by."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model as plain arrays: a row for each token, and a layer from those to half the logits."""

    vocabulary: Vocabulary
    columns: tuple[str, ...]
    rows: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


class _Network(nn.Module):
    def __init__(self, features: int, columns: int, recipe: Recipe) -> None:
        super().__init__()
        self.features = nn.EmbeddingBag(features, recipe.dimensions, mode="sum")
        nn.init.normal_(self.features.weight, std=0.01)
        self.prototypes = nn.Parameter(torch.randn(columns, recipe.dimensions) * 0.05)
        self.bias = nn.Parameter(torch.zeros(columns))
        self._scale = recipe.scale

    def forward(self, bags: sp.csr_matrix) -> torch.Tensor:
        summed = self.features(
            torch.from_numpy(bags.indices.astype(np.int64)),
            torch.from_numpy(bags.indptr[:-1].astype(np.int64)),
            per_sample_weights=torch.from_numpy(bags.data),
        )
        hidden = functional.normalize(summed, dim=-1)
        return self._scale * hidden @ functional.normalize(self.prototypes, dim=-1).T + self.bias


def fit(
    notes: Sequence[Note],
    words: Mapping[TopicId, Sequence[str]],
    taxonomy: Taxonomy,
    *,
    seed: int,
    recipe: Recipe,
    progress: Callable[[int, int], None],
) -> Fitted:
    """Fit on these notes; topics without a note are not learnt, and their words not used. Same seed, same model."""
    _seed(seed)
    there = {note.topic for note in notes}
    columns = (*(topic for topic in taxonomy.topics if topic in there), NONE)
    column = {topic: at for at, topic in enumerate(columns)}
    phrases = {topic: _phrases(taxonomy, topic, words) for topic in taxonomy.topics if topic in there}
    # What holds no word at all fits no topic: a few blank texts teach that to the biases.
    texts = [note.text for note in notes] + [""] * (len(notes) // BLANK_EVERY)
    vocabulary = learn([*texts, *(phrase for said in phrases.values() for phrase in said)])
    counted = vocabulary.counts(texts)
    handfuls = _Handfuls(vocabulary, phrases, column)
    target = np.array([column[note.topic or NONE] for note in notes] + [column[NONE]] * (len(texts) - len(notes)))
    network = _Network(vocabulary.features.shape[1], len(columns), recipe)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=0.0)
    steps = recipe.epochs * len(texts) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps + 1)
    left: list[int] = []
    for step in range(steps):
        if len(left) < recipe.batch:
            left = random.sample(range(len(texts)), len(texts))
        chosen, left = left[: recipe.batch], left[recipe.batch :]
        extra, extra_target = handfuls.draw(int(recipe.handfuls * recipe.batch))
        bags = _dropped(sp.vstack([counted[chosen], extra]).tocsr(), vocabulary, recipe)
        logits = network(bags)
        wanted = torch.from_numpy(np.concatenate([target[chosen], extra_target]))
        loss = functional.cross_entropy(logits, wanted, label_smoothing=recipe.smoothing)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        progress(step + 1, steps)
    return _folded(network, vocabulary, columns, recipe)


def save(fitted: Fitted, folder: Path) -> None:
    """Write the model as a SentenceTransformer of stock modules."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - three seconds, and only here
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, StaticEmbedding  # noqa: PLC0415

    static = StaticEmbedding(fitted.vocabulary.tokenizer, embedding_weights=fitted.rows)
    dense = Dense(
        fitted.weight.shape[1],
        fitted.weight.shape[0],
        activation_function=nn.Softmax(),
        init_weight=torch.from_numpy(fitted.weight),
        init_bias=torch.from_numpy(fitted.bias),
    )
    model: Any = SentenceTransformer(modules=[static, Normalize(), dense, Normalize()], device="cpu")
    model.save(str(folder), create_model_card=False)


class _Handfuls:
    """Notes made of a few of a topic's own words and phrases, for what the corpus happened not to say."""

    SMALLEST, LARGEST = 2, 10

    def __init__(
        self, vocabulary: Vocabulary, phrases: Mapping[TopicId, Sequence[str]], column: Mapping[str, int]
    ) -> None:
        self._bags = [(column[topic], vocabulary.counts(said)) for topic, said in phrases.items() if said]

    def draw(self, count: int) -> tuple[sp.csr_matrix, NDArray[np.int64]]:
        bags, targets = [], []
        for _ in range(count):
            target, bag = random.choice(self._bags)  # noqa: S311 - drawn for training, not for secrecy
            size = min(bag.shape[0], random.randint(self.SMALLEST, self.LARGEST))  # noqa: S311
            rows = random.sample(range(bag.shape[0]), size)
            bags.append(sp.csr_matrix(bag[rows].sum(axis=0)))
            targets.append(target)
        return sp.vstack(bags).tocsr(), np.array(targets, dtype=np.int64)


def _phrases(taxonomy: Taxonomy, topic: TopicId, words: Mapping[TopicId, Sequence[str]]) -> list[str]:
    known = taxonomy.topics[topic]
    return [known.label, *known.words, *words.get(topic, ())]


def _dropped(counted: sp.csr_matrix, vocabulary: Vocabulary, recipe: Recipe) -> sp.csr_matrix:
    """Bags of features with words, then features left out at random, each bag at unit length before the second."""
    kept = counted.astype(np.float32)
    kept.data = kept.data * (np.random.random(len(kept.data)) >= recipe.words_dropped)
    kept.eliminate_zeros()
    bags = sp.csr_matrix(kept @ vocabulary.features)
    lengths = np.sqrt(np.asarray(bags.multiply(bags).sum(axis=1)).ravel())
    bags = sp.csr_matrix(sp.diags(1.0 / np.maximum(lengths, 1e-6)) @ bags, dtype=np.float32)
    bags.data *= np.random.random(len(bags.data)) >= recipe.features_dropped
    bags.eliminate_zeros()
    return bags


def _folded(network: _Network, vocabulary: Vocabulary, columns: tuple[str, ...], recipe: Recipe) -> Fitted:
    with torch.no_grad():
        table = network.features.weight.numpy()
        prototypes = functional.normalize(network.prototypes, dim=-1).numpy()
        bias = network.bias.numpy()
    half = recipe.sharpness / 2
    return Fitted(
        vocabulary,
        columns,
        rows=np.asarray(vocabulary.features @ table, dtype=np.float32),
        weight=np.asarray(half * recipe.scale * prototypes, dtype=np.float32),
        bias=np.asarray(half * bias, dtype=np.float32),
    )


def _seed(seed: int) -> None:
    """One seed for the three sources of chance; one thread order, so that two runs add up numbers alike."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(mode=True)
