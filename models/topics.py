"""What a note may be about: topics of the taxonomy, with how sure the reader is, for a person to confirm or change.

The probabilities are calibrated: of the notes that get 0.7, about seven in ten are about that topic (temperature
scaling, Guo et al. 2017, on notes the encoder was not trained on). Below a confidence learnt on the same notes the
answer is "none of these", which on a page is an answer and not a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundled import BundledEncoder, bundled
from models.encoder import Vectors
from models.need import Need, Perspective
from models.taxonomy import TopicId, taxonomy

SUGGESTED: Final = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A topic, and the probability that the note is about it."""

    topic: TopicId
    score: float


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The likeliest topics, best first. Not `sure`: more likely than not none of them, so none should be offered."""

    best: tuple[Suggestion, ...]
    none: float
    sure: bool


class Suggester:
    """Suggests topics from the vectors of the bundled encoder."""

    def __init__(self, encoder: BundledEncoder) -> None:
        self._encoder = encoder
        facts = encoder.facts
        self._log_prior = {
            Perspective(asks): facts.perspective_weight * np.log(np.array([*shares, 1.0]))
            for asks, shares in facts.perspectives.items()
        }

    def suggest(
        self, texts: Sequence[str], perspectives: Sequence[Perspective | None] | None = None, *, top: int = SUGGESTED
    ) -> list[Suggestions]:
        """Suggestions for each text. A known perspective helps to tell the partner of from the one who has it."""
        return self.of_vectors(self._encoder.encode(texts), perspectives, top=top)

    def of_vectors(
        self, vectors: Vectors, perspectives: Sequence[Perspective | None] | None = None, *, top: int = SUGGESTED
    ) -> list[Suggestions]:
        """As `suggest`, from vectors that this encoder made."""
        facts = self._encoder.facts
        chances = self.probabilities(vectors, perspectives)
        order = np.argsort(-chances[:, :-1], axis=1, kind="stable")[:, :top]
        return [
            Suggestions(
                best=tuple(Suggestion(TopicId(facts.columns[at]), float(row[at])) for at in best),
                none=float(row[-1]),
                sure=bool(row[best[0]] >= facts.sure_from and row[best[0]] > row[-1]) if len(best) else False,
            )
            for row, best in zip(chances, order, strict=True)
        ]

    def probabilities(
        self, vectors: Vectors, perspectives: Sequence[Perspective | None] | None = None
    ) -> NDArray[np.float64]:
        """(n, topics + 1) calibrated probabilities; the last column is "none"."""
        logits = np.log(np.clip(self._encoder.posteriors(vectors), 1e-12, None)) / self._encoder.facts.temperature
        for row, asks in enumerate(perspectives or ()):
            if asks is not None:
                logits[row] += self._log_prior[asks]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def topics_of(needs: Sequence[Need]) -> list[TopicId | None]:
    """What each need is about, to name themes by: what a caseworker confirmed, else what the note surely says.

    Nothing is read as long as too few caseworkers are known for any name; a model in training has no notes of theirs.
    """
    known = taxonomy().topics
    confirmed = [next((TopicId(topic) for topic in need.topics if topic in known), None) for need in needs]
    unread = [at for at, need in enumerate(needs) if confirmed[at] is None and need.caseworker is not None]
    if unread:
        asked = [needs[at] for at in unread]
        suggester = load_suggester()
        found = suggester.suggest([need.text for need in asked], [need.perspective for need in asked], top=1)
        for at, one in zip(unread, found, strict=True):
            confirmed[at] = one.best[0].topic if one.sure else None
    return confirmed


def load_suggester() -> Suggester:
    """The suggester of the bundled encoder. Raises EncoderUnavailable when its weights cannot be read."""
    return Suggester(bundled())
