"""Two small networks trained here, to compare with: a static embedding by contrast, and a transformer.

Both read subwords, so that a Dutch compound is more than an unknown word. Plain loops: what is compared is the idea,
not the tuning of a framework.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn
from torch.nn import functional

from models.taxonomy import Taxonomy, TopicId
from models.training.baselines import Centroids, ranked, unit
from models.training.corpus import Note
from models.training.machine import steady

Ids = list[list[int]]
Progress = Callable[[int, int], None]

PAD, UNKNOWN, MASK = "[PAD]", "[UNK]", "[MASK]"
AT_ONCE: Final = 256


class StaticContrastive:
    """A sentence_transformers StaticEmbedding of BPE subwords, trained with the supervised contrastive loss.

    Khosla et al. 2020, eq. 2: notes of one topic attract, all others in the batch repel. A batch is made of topics with
    their siblings (`related`: parent of, partner of, has it), so that what has to be told apart stands side by side.
    """

    name = "static embedding, contrastive"
    TOKENS, DIMENSIONS = 12_000, 256
    FAMILIES, SIBLINGS, NOTES = 12, 3, 5
    LEARNING_RATE, TEMPERATURE, DROPPED = 5e-3, 0.07, 0.3

    def __init__(
        self, taxonomy: Taxonomy, *, seed: int, steps: int = 300, progress: Progress = lambda _a, _b: None
    ) -> None:
        self._taxonomy, self._seed, self._steps, self._progress = taxonomy, seed, steps, progress
        self.name = f"{self.name}, {steps} steps"  # a short training is no fair picture, so the table says how short
        self._centroids: Centroids | None = None

    def fit(self, notes: Sequence[Note]) -> None:
        """Train the tokenizer and the embedding on these notes."""
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding  # noqa: PLC0415 - three seconds

        _seeded(self._seed)
        texts = [note.text for note in notes]
        self._tokenizer = _trained(self.TOKENS, texts)
        self._static = StaticEmbedding(self._tokenizer, embedding_dim=self.DIMENSIONS)
        nn.init.normal_(self._static.embedding.weight, std=0.1)
        ids = _ids(self._tokenizer, texts)
        optimizer = torch.optim.Adam(self._static.parameters(), lr=self.LEARNING_RATE)
        draw = np.random.default_rng(self._seed)
        of_topic: dict[TopicId, list[int]] = defaultdict(list)
        for at, note in enumerate(notes):
            if note.topic is not None:
                of_topic[note.topic].append(at)
        for step in range(self._steps):
            chosen, topic = self._batch(of_topic, draw)
            kept = [[one for one in ids[at] if draw.random() >= self.DROPPED] or ids[at] for at in chosen]
            loss = supervised_contrast(self._embedded(kept), torch.from_numpy(topic), self.TEMPERATURE)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            self._progress(step + 1, self._steps)
        self._centroids = Centroids(notes, self.encode(texts))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, DIMENSIONS)"""
        with torch.no_grad():
            return np.asarray(self._embedded(_ids(self._tokenizer, texts)).numpy(), dtype=np.float32)

    def topics(self, texts: Sequence[str]) -> list[list[TopicId]] | None:
        """By nearest mean."""
        return self._centroids.topics(self.encode(texts)) if self._centroids else None

    def _batch(
        self, of_topic: Mapping[TopicId, Sequence[int]], draw: np.random.Generator
    ) -> tuple[list[int], NDArray[np.int64]]:
        """Rows of some topics and of siblings of each, a few notes a topic, and which topic each row is about."""
        known = list(of_topic)
        chosen: dict[TopicId, None] = {}
        for at in draw.permutation(len(known))[: self.FAMILIES]:
            siblings = [other for other in self._taxonomy.topics[known[at]].related if other in of_topic]
            picked = [siblings[one] for one in draw.permutation(len(siblings))[: self.SIBLINGS]]
            chosen.update(dict.fromkeys([known[at], *picked]))
        rows: list[int] = []
        labels: list[int] = []
        for number, topic in enumerate(chosen):
            own = of_topic[topic]
            rows += [own[one] for one in draw.permutation(len(own))[: self.NOTES]]
            labels += [number] * min(self.NOTES, len(own))
        return rows, np.array(labels, dtype=np.int64)

    def _embedded(self, ids: Ids) -> torch.Tensor:
        offsets = np.cumsum([0, *(len(one) for one in ids)][:-1])
        features = {
            "input_ids": torch.tensor([token for one in ids for token in one], dtype=torch.int64),
            "offsets": torch.from_numpy(np.asarray(offsets, dtype=np.int64)),
        }
        summed: torch.Tensor = self._static(features)["sentence_embedding"]
        return functional.normalize(summed, dim=-1)


def supervised_contrast(vectors: torch.Tensor, topic: torch.Tensor, temperature: float) -> torch.Tensor:
    """Khosla et al. 2020, eq. 2: mean over notes of minus the mean log-likelihood of the notes that share its topic."""
    itself = torch.eye(len(vectors), dtype=torch.bool)
    likelihood = functional.log_softmax((vectors @ vectors.T / temperature).masked_fill(itself, -1e9), dim=1)
    same = (topic[:, None] == topic[None, :]) & ~itself
    partners = same.sum(dim=1)
    each = -(likelihood * same).sum(dim=1) / partners.clamp(min=1)
    return each[partners > 0].mean()


class SmallTransformer:
    """Two layers of 128 over BPE subwords, mean-pooled; learns topics and, beside that, masked subwords."""

    name = "small transformer"
    TOKENS, WIDTH, LAYERS, HEADS, LENGTH = 8_000, 128, 2, 4, 64
    BATCH, LEARNING_RATE, MASKED, MASK_WEIGHT, DROPOUT = 64, 1e-3, 0.2, 0.2, 0.1

    def __init__(self, *, seed: int, epochs: int = 1, progress: Progress = lambda _a, _b: None) -> None:
        self._seed, self._epochs, self._progress = seed, epochs, progress
        self.name = f"{self.name}, {epochs} {'epoch' if epochs == 1 else 'epochs'}"

    def fit(self, notes: Sequence[Note]) -> None:
        """Train the tokenizer and the network on these notes."""
        _seeded(self._seed)
        texts = [note.text for note in notes]
        self._tokenizer = _trained(self.TOKENS, texts)
        self._known = sorted({note.topic for note in notes if note.topic is not None})
        column = {topic: at for at, topic in enumerate(self._known)}
        target = torch.tensor([column[note.topic] for note in notes if note.topic is not None])
        ids = [one[: self.LENGTH] for one in _ids(self._tokenizer, texts)]
        self._network = _Transformer(self._tokenizer.get_vocab_size(), len(self._known), self)
        optimizer = torch.optim.AdamW(self._network.parameters(), lr=self.LEARNING_RATE)
        steps = self._epochs * -(-len(ids) // self.BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.LEARNING_RATE, total_steps=steps + 1)
        draw = np.random.default_rng(self._seed)
        for step, chosen in enumerate(self._batches(ids, draw)):
            loss = self._loss([ids[at] for at in chosen], target[torch.from_numpy(chosen)], draw)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            self._progress(step + 1, steps)
        self._network.eval()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, WIDTH): the mean of the last layer."""
        return unit(np.vstack([pooled.numpy() for pooled in self._pooled(texts)]))

    def topics(self, texts: Sequence[str]) -> list[list[TopicId]] | None:
        """By posterior."""
        with torch.no_grad():
            scores = [self._network.topic(pooled).numpy() for pooled in self._pooled(texts)]
        return ranked(np.vstack(scores), self._known)

    def _pooled(self, texts: Sequence[str]) -> Iterator[torch.Tensor]:
        ids = [one[: self.LENGTH] for one in _ids(self._tokenizer, texts)]
        with torch.no_grad():
            for at in range(0, len(ids), AT_ONCE):
                padded = _padded(ids[at : at + AT_ONCE])
                yield _mean(self._network(padded), padded)

    def _loss(self, ids: Ids, target: torch.Tensor, draw: np.random.Generator) -> torch.Tensor:
        padded = _padded(ids)
        hidden_at = torch.from_numpy(draw.random(padded.shape) < self.MASKED) & (padded > 0)
        seen = padded.masked_fill(hidden_at, _id(self._tokenizer, MASK))
        states = self._network(seen)
        topic = functional.cross_entropy(self._network.topic(_mean(states, seen)), target, label_smoothing=0.1)
        if not hidden_at.any():
            return topic
        guessed = states[hidden_at] @ self._network.tokens.weight.T
        return topic + self.MASK_WEIGHT * functional.cross_entropy(guessed, padded[hidden_at])

    def _batches(self, ids: Ids, draw: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Rows of about one length, so that little is padding; batches in random order, anew each epoch."""
        for _ in range(self._epochs):
            length = np.array([len(one) for one in ids]) + draw.random(len(ids)) * 8
            order = np.argsort(length)
            cut = [order[at : at + self.BATCH] for at in range(0, len(order), self.BATCH)]
            yield from (cut[at] for at in draw.permutation(len(cut)))


class _Transformer(nn.Module):
    def __init__(self, tokens: int, topics: int, shape: SmallTransformer) -> None:
        super().__init__()
        self.tokens = nn.Embedding(tokens, shape.WIDTH, padding_idx=0)
        self.places = nn.Parameter(torch.randn(shape.LENGTH, shape.WIDTH) * 0.02)
        nn.init.normal_(self.tokens.weight, std=0.05)
        layer = nn.TransformerEncoderLayer(
            shape.WIDTH,
            shape.HEADS,
            4 * shape.WIDTH,
            shape.DROPOUT,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, shape.LAYERS, nn.LayerNorm(shape.WIDTH), enable_nested_tensor=False)
        self.topic = nn.Linear(shape.WIDTH, topics)

    def forward(self, padded: torch.Tensor) -> torch.Tensor:
        states = self.tokens(padded) + self.places[: padded.shape[1]]
        answered: torch.Tensor = self.layers(states, src_key_padding_mask=padded == 0)
        return answered


def _trained(size: int, texts: Sequence[str]) -> Tokenizer:
    """BPE for both networks: the trainer of WordPiece breaks ties differently each time (tokenizers 0.23)."""
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    learner = trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, special_tokens=[PAD, UNKNOWN, MASK], show_progress=False
    )
    tokenizer.train_from_iterator(texts, learner)
    return tokenizer


def _ids(tokenizer: Tokenizer, texts: Sequence[str]) -> Ids:
    """Token ids; a text without any is one unknown token, so that every row has something to add up."""
    unknown = _id(tokenizer, UNKNOWN)
    return [one.ids or [unknown] for one in tokenizer.encode_batch([*texts], add_special_tokens=False)]


def _id(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no {token}")
    return found


def _padded(ids: Ids) -> torch.Tensor:
    return nn.utils.rnn.pad_sequence([torch.tensor(one) for one in ids], batch_first=True)


def _mean(states: torch.Tensor, padded: torch.Tensor) -> torch.Tensor:
    there = (padded > 0).unsqueeze(-1)
    return (states * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)


def _seeded(seed: int) -> None:
    steady()
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(mode=True)
