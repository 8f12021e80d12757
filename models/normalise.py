"""Reads a Dutch note the way a person in social care does: abbreviations written out, field words recognised.

What it knows is data (`dutch_words.toml`); here is only how a pattern is matched. Negation is read one word back, no
further: "geen ASS" takes autism away, a longer denial does not. That is a limit of this reader, not a choice.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

GAP = "~"
"""In a phrase: at most MAX_GAP words may stand here."""
MAX_GAP = 4

BACKGROUND = 0.4
"""What is left of the weight of a concept named outside the sentence that asks, when that sentence names one itself."""

_WORD = re.compile(r"[a-z0-9]+")
_SENTENCE_END = re.compile(r"[.!?;:]+(?=\s|$|\")|->|\n")


@dataclass(frozen=True, slots=True)
class Concept:
    """Something a note can be about; `weight` from 0 (says nothing) to 1 (is what the note is about)."""

    id: str
    weight: float
    also: tuple[str, ...]
    divides: bool

    @property
    def is_subject(self) -> bool:
        """True when a note can be about this, and nothing else."""
        return self.weight == 1.0 and not self.divides


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A pattern of two or more parts; the first is never a gap."""

    parts: tuple[re.Pattern[str] | None, ...]
    concept: str


@dataclass(frozen=True, slots=True)
class DutchWords:
    """The data file, ready for matching."""

    abbreviations: Mapping[str, tuple[str, ...]]
    capitals: Mapping[str, str]
    stop: frozenset[str]
    negations: frozenset[str]
    negating_phrases: frozenset[tuple[str, ...]]
    asking: frozenset[str]
    concepts: Mapping[str, Concept]
    words: tuple[tuple[re.Pattern[str], str], ...]
    phrases: tuple[_Phrase, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A note as the first encoder sees it: its telling words in order, and the concepts with their weight."""

    words: tuple[str, ...]
    concepts: Mapping[str, float]


def plain(text: str) -> str:
    """Lower case without accents: "Cliënt" and "client" are one word."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()


def _pattern(part: str) -> re.Pattern[str]:
    return re.compile(re.escape(part).replace(r"\*", ".*"))


@lru_cache(maxsize=1)
def dutch_words() -> DutchWords:
    """Load the data file that ships with the package; read once, it never changes while running."""
    data = tomllib.loads(files("models").joinpath("dutch_words.toml").read_text("utf-8"))
    concepts: dict[str, Concept] = {}
    words: list[tuple[re.Pattern[str], str]] = []
    phrases: list[_Phrase] = []
    for row in data["concept"]:
        concept = Concept(
            row["id"], float(row.get("weight", 1.0)), tuple(row.get("also", ())), bool(row.get("divides"))
        )
        concepts[concept.id] = concept
        for pattern in row["patterns"]:
            parts = plain(pattern).split()
            if len(parts) == 1:
                words.append((_pattern(parts[0]), concept.id))
            else:
                compiled = tuple(None if part == GAP else _pattern(part) for part in parts)
                phrases.append(_Phrase(compiled, concept.id))
    return DutchWords(
        abbreviations={short: tuple(plain(full).split()) for short, full in data["abbreviations"].items()},
        capitals=data["capitals"],
        stop=frozenset(plain(data["stop"]["words"]).split()),
        negations=frozenset(data["negation"]["words"]),
        negating_phrases=frozenset(tuple(phrase.split()) for phrase in data["negation"]["phrases"]),
        asking=frozenset(plain(data["asking"]["words"]).split()),
        concepts=concepts,
        words=tuple(words),
        phrases=tuple(phrases),
    )


def read(text: str) -> Reading:
    """Read one note. Words keep their order; a concept counts once however often it is named."""
    known = dutch_words()
    sentences = _sentences(text, known)
    tokens = [token for sentence in sentences for token in sentence]
    asked = {
        concept
        for sentence in sentences
        if not known.asking.isdisjoint(sentence)
        for concept in _concepts_in(sentence, known)
    }
    # Only a subject in the asking sentence pushes the rest back; a circumstance there ("at school") does not.
    pushed_back = any(known.concepts[concept].is_subject for concept in asked)
    found: dict[str, float] = {}
    named = {*_concepts_in(tokens, known)} | asked
    has_subject = any(known.concepts[concept].is_subject for concept in named)
    for concept_id in named:
        concept = known.concepts[concept_id]
        if concept.divides and not has_subject:
            continue
        share = BACKGROUND if pushed_back and concept_id not in asked and not concept.divides else 1.0
        for one in (concept, *(known.concepts[broader] for broader in concept.also)):
            found[one.id] = max(found.get(one.id, 0.0), one.weight * share)
    words = tuple(token for token in tokens if token not in known.stop and len(token) > 1 and not token.isdigit())
    return Reading(words, dict(sorted(found.items())))


def _sentences(text: str, known: DutchWords) -> list[list[str]]:
    if not text.isupper():  # in a note typed with caps lock on, capitals mean nothing
        for capitals, meaning in known.capitals.items():
            text = re.sub(rf"\b{capitals}\b", meaning, text)
    sentences = []
    for sentence in _SENTENCE_END.split(text):
        tokens: list[str] = []
        for token in _WORD.findall(plain(sentence)):
            tokens.extend(known.abbreviations.get(token, (token,)))
        if tokens:
            sentences.append(tokens)
    return sentences


def _concepts_in(tokens: list[str], known: DutchWords) -> Iterator[str]:
    for at, token in enumerate(tokens):
        words, starts = _looked_up(token)
        if not words and not starts:
            continue
        before = tuple(tokens[max(at - 2, 0) : at])
        if before[-1:] and (before[-1] in known.negations or before in known.negating_phrases):
            words = ()
        yield from words
        for index in starts:
            phrase = known.phrases[index]
            if _follows(phrase.parts[1:], tokens, at + 1):
                yield phrase.concept


@lru_cache(maxsize=200_000)
def _looked_up(token: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Concepts this word names, and the phrases it may start; notes share most words, so this is asked once a word."""
    known = dutch_words()
    words = tuple(concept for pattern, concept in known.words if pattern.fullmatch(token))
    first = [phrase.parts[0] for phrase in known.phrases]
    return words, tuple(index for index, part in enumerate(first) if part is not None and part.fullmatch(token))


def _follows(parts: tuple[re.Pattern[str] | None, ...], tokens: list[str], at: int) -> bool:
    """True when the rest of a phrase stands at this place."""
    if not parts:
        return True
    head, rest = parts[0], parts[1:]
    if head is None:
        return any(_follows(rest, tokens, at + skipped) for skipped in range(MAX_GAP + 1))
    return at < len(tokens) and head.fullmatch(tokens[at]) is not None and _follows(rest, tokens, at + 1)
