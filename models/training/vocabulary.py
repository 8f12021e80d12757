"""Words as the encoder sees them: a row for each known word, and pieces to spell the others with.

While training, a word is itself plus its groups of letters, so that "schulden", "schuldhulp" and "schuldenlast" teach
each other. After training the sum is folded into one row for each word (as fastText does, Bojanowski et al. 2017):
that makes the model an ordinary StaticEmbedding. A word that was not there is spelled with the longest pieces that are
(WordPiece): Dutch compounds fall apart into their parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import NFKD, Lowercase, Replace, StripAccents
from tokenizers.normalizers import Sequence as Steps
from tokenizers.pre_tokenizers import Split

from models.normalise import dutch_words

LETTERS: Final = (4, 5)
"""Lengths of the groups of letters a word shares with others."""
WORD_LEAST: Final = 2
GROUP_LEAST: Final = 4
"""Texts a word, or a group of letters, must occur in to be learnt about."""
PIECE_WORDS: Final = 4
"""Known words a piece must occur in."""
PIECES_MOST: Final = 12_000
INSIDE: Final = "##"
UNKNOWN: Final = "[UNK]"
WORD: Final = "[a-z]+|[0-9]+|[?!]"
LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens, the tokenizer that finds them, and what each is made of: (tokens, features) counts weighted by rarity."""

    tokens: tuple[str, ...]
    tokenizer: Tokenizer
    features: sp.csr_matrix

    def counts(self, texts: Sequence[str]) -> sp.csr_matrix:
        """(n, tokens): how often each token occurs in each text."""
        read = self.tokenizer.encode_batch([*texts], add_special_tokens=False)
        ids = [one.ids for one in read]
        indptr = np.cumsum([0, *(len(one) for one in ids)])
        flat = np.fromiter((token for one in ids for token in one), dtype=np.int32, count=int(indptr[-1]))
        counted = sp.csr_matrix((np.ones(len(flat), np.float32), flat, indptr), shape=(len(ids), len(self.tokens)))
        counted.sum_duplicates()
        return counted


def learn(texts: Sequence[str]) -> Vocabulary:
    """The vocabulary of the texts a model is trained on."""
    splitter = _tokenizer({UNKNOWN: 0})
    said = [_words(splitter, text) for text in texts]
    seen = Counter(word for words in said for word in set(words))
    expansions = {
        short: full for short, full in dutch_words().abbreviations.items() if short.isalpha() and short.isascii()
    }
    words = sorted(seen.keys() | {part for full in expansions.values() for part in full} | expansions.keys())
    pieces = _pieces(words)
    tokens = (UNKNOWN, *words, *pieces)
    index = {token: at for at, token in enumerate(tokens)}
    rarity = {word: np.log((1 + len(texts)) / (1 + seen[word])) for word in words}
    features = _features(words, pieces, said, rarity, len(texts))
    # An abbreviation means what its words mean, besides what it came to mean by itself.
    means = sp.identity(len(tokens), format="lil", dtype=np.float32)
    for short, full in expansions.items():
        for part in full:
            means[index[short], index[part]] = 1.0
    return Vocabulary(tokens, _tokenizer(index), sp.csr_matrix(means.tocsr() @ features, dtype=np.float32))


def _tokenizer(index: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(
        WordPiece(index, unk_token=UNKNOWN, continuing_subword_prefix=INSIDE, max_input_chars_per_word=LONGEST)
    )
    meant = [Replace(Regex(rf"\b{short}\b"), full) for short, full in dutch_words().capitals.items()]
    tokenizer.normalizer = Steps([*meant, NFKD(), StripAccents(), Lowercase(), Replace(Regex("[^a-z0-9?!]+"), " ")])
    tokenizer.pre_tokenizer = Split(Regex(WORD), behavior="removed", invert=True)
    return tokenizer


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    """The words of a text, split just as the finished tokenizer will."""
    plain = tokenizer.normalizer.normalize_str(text)
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(plain)]


def _pieces(words: Iterable[str]) -> list[str]:
    """Beginnings and endings that enough words share, the most shared first, and every letter: all can be spelled."""
    known = set(words)
    starts: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for word in known:
        starts.update(word[:size] for size in range(3, min(len(word), 12)))
        ends.update(word[-size:] for size in range(2, min(len(word), 16)))
    shared = Counter({start: count for start, count in starts.items() if start not in known})
    shared.update({INSIDE + end: count * (2 if end in known else 1) for end, count in ends.items()})
    often = [piece for piece, count in shared.items() if count >= PIECE_WORDS]
    chosen = sorted(often, key=lambda piece: (-shared[piece] * len(piece), piece))[:PIECES_MOST]
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789?!"]
    spelled = {
        *chosen,
        *(letter for letter in letters if letter not in known),
        *(INSIDE + letter for letter in letters),
    }
    return sorted(spelled)


def _features(
    words: Sequence[str],
    pieces: Sequence[str],
    said: Sequence[Sequence[str]],
    rarity: dict[str, float],
    texts: int,
) -> sp.csr_matrix:
    """(tokens, words + groups of letters): a word counts by its rarity, its letters together as much as itself."""
    marked = [f"<{word}>" for word in words]
    marked += [f"{piece.removeprefix(INSIDE)}>" if piece.startswith(INSIDE) else f"<{piece}" for piece in pieces]
    groups = CountVectorizer(analyzer="char", ngram_range=LETTERS, binary=True, lowercase=False, dtype=np.float32)
    held = groups.fit_transform(marked)
    spread = np.zeros(held.shape[1])
    row_of = {word: at for at, word in enumerate(words)}
    text_words = sp.csr_matrix(
        (
            np.ones(sum(map(len, said)), np.float32),
            np.array([row_of[word] for one in said for word in one], dtype=np.int32),
            np.cumsum([0, *map(len, said)]),
        ),
        shape=(len(said), len(words)),
    )
    spread = np.asarray(((text_words @ held[: len(words)]) > 0).sum(axis=0)).ravel()
    common = spread >= GROUP_LEAST
    letters = held[:, common].multiply(np.log((1 + texts) / (1 + spread[common]))[None, :]).tocsr()
    size = np.sqrt(np.asarray(letters.multiply(letters).sum(axis=1)).ravel())
    unseen = float(np.log(1 + texts))
    weight = np.array([*(rarity[word] for word in words), *([unseen / 2] * len(pieces))])
    letters = sp.diags(weight / np.maximum(size, 1e-6)) @ letters
    # A word said once teaches no more than its letters do; it only learns one note by heart.
    often: list[int] = np.flatnonzero(np.asarray((text_words > 0).sum(axis=0)).ravel() >= WORD_LEAST).tolist()
    own = sp.csr_matrix(
        (np.array([rarity[words[at]] for at in often], np.float32), (often, np.arange(len(often)))),
        shape=(len(words) + len(pieces), len(often)),
    )
    stacked = sp.hstack([own, letters]).tocsr().astype(np.float32)
    unknown = sp.csr_matrix(np.zeros((1, int(stacked.shape[1])), np.float32))
    return sp.csr_matrix(sp.vstack([unknown, stacked]))
