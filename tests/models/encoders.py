"""A second small SentenceTransformer, made on the spot: what a municipality's own encoder would be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def saved_model(folder: Path, notes: Sequence[str], *, seed: int, dimensions: int = 16) -> Path:
    """Random vectors for the words of these notes, saved as a SentenceTransformer."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = sorted({word for note in notes for word in note.replace(".", " .").replace(",", " ,").split()})
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, **{word: at for at, word in enumerate(words, 1)}}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    weights = np.random.default_rng(seed).standard_normal((len(words) + 1, dimensions)).astype(np.float32)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save(str(folder))
    return folder
