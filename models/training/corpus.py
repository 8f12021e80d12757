"""The corpus: Dutch notes written for Kring, the words that go with each topic, and how they are split.

Splits are computed, not stored, so that a note can be added without renumbering: within each topic the notes are put in
the order of a hash of their id, and the first shares go to the tests. A fifth of the topics is held out whole: what an
encoder makes of themes it never saw can only be measured on topics it never saw.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from models.errors import BadInput
from models.need import Perspective
from models.taxonomy import Taxonomy, TopicId

CORPUS: Final = Path(__file__).parents[1] / "corpus"
WORDS_FILE: Final = "words.jsonl"
ELSEWHERE_FILE: Final = "elsewhere.jsonl"
"""Notes written apart from the rest, without knowing it: never trained on, never tuned on."""
REHEARSAL_FILE: Final = "rehearsal.jsonl"
"""Notes written in the same way about other topics: never trained on; the recipe was chosen and calibrated on them."""
TEST_SHARE: Final = 0.10
DEVELOPMENT_SHARE: Final = 0.08
HELD_OUT_SHARE: Final = 0.20


class Register(StrEnum):
    """How a note is written."""

    FORM = "form"
    TELEGRAM = "telegram"
    SPOKEN = "spoken"
    INTAKE = "intake"


class Split(StrEnum):
    """What a note is used for."""

    TRAIN = "train"
    DEVELOPMENT = "development"
    TEST = "test"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Note:
    """One note of the corpus; no topics: it fits none."""

    id: str
    text: str
    topics: tuple[TopicId, ...]
    perspective: Perspective
    register: Register

    @property
    def topic(self) -> TopicId | None:
        """What the note is mainly about."""
        return self.topics[0] if self.topics else None


@dataclass(frozen=True, slots=True)
class Line:
    """Where a row stands, for who has to repair it."""

    file: str
    number: int
    row: Mapping[str, object]


def lines(folder: Path = CORPUS) -> list[Line]:
    """Every row of every file of notes, as read. Raises BadInput with file and line for what is no JSON object."""
    found: list[Line] = []
    for path in sorted(folder.glob("*.jsonl")):
        if path.name == WORDS_FILE:
            continue
        for number, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
            try:
                row = json.loads(text)
            except json.JSONDecodeError as error:
                raise BadInput("corpus_row_unreadable", file=path.name, line=number, because=error.msg) from error
            if not isinstance(row, dict):
                raise BadInput("corpus_row_unreadable", file=path.name, line=number, because="not an object")
            found.append(Line(path.name, number, row))
    return found


def note_of(line: Line) -> Note:
    """The note in a row. Raises BadInput with file, line and what is wrong."""
    row = line.row
    try:
        return Note(
            id=_text(row, "id"),
            text=_text(row, "text"),
            topics=tuple(TopicId(topic) for topic in _list(row, "topics")),
            perspective=Perspective(_text(row, "perspective")),
            register=Register(_text(row, "register")),
        )
    except (KeyError, ValueError) as error:
        raise BadInput("corpus_row_unreadable", file=line.file, line=line.number, because=str(error)) from error


def _text(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} is no text")
    return value


def _list(row: Mapping[str, object], key: str) -> list[str]:
    value = row.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key} is no list of ids")
    return value


@lru_cache(maxsize=2)
def notes(folder: Path = CORPUS) -> dict[Split, list[Note]]:
    """Every note by what it is used for."""
    ours: list[Note] = []
    apart: dict[str, list[Note]] = {ELSEWHERE_FILE: [], REHEARSAL_FILE: []}
    for line in lines(folder):
        apart.get(line.file, ours).append(note_of(line))
    parts = split(ours)
    parts[Split.DEVELOPMENT] += apart[REHEARSAL_FILE]
    parts[Split.ELSEWHERE] = apart[ELSEWHERE_FILE]
    return parts


def words(folder: Path = CORPUS) -> dict[TopicId, tuple[str, ...]]:
    """Words and short phrases that go with each topic, from the same writers."""
    found: dict[TopicId, tuple[str, ...]] = {}
    for text in (folder / WORDS_FILE).read_text("utf-8").splitlines():
        row = json.loads(text)
        found[TopicId(row["topic"])] = tuple(row["words"])
    return found


def split(ours: Iterable[Note]) -> dict[Split, list[Note]]:
    """Notes by what they are used for, each topic (and the notes of none) shared out in the same proportions."""
    by_topic: dict[TopicId | None, list[Note]] = defaultdict(list)
    for note in ours:
        by_topic[note.topic].append(note)
    parts: dict[Split, list[Note]] = {Split.TRAIN: [], Split.DEVELOPMENT: [], Split.TEST: []}
    for of_topic in by_topic.values():
        ordered = sorted(of_topic, key=lambda note: _hash(note.id))
        test = round(TEST_SHARE * len(ordered))
        development = test + round(DEVELOPMENT_SHARE * len(ordered))
        parts[Split.TEST] += ordered[:test]
        parts[Split.DEVELOPMENT] += ordered[test:development]
        parts[Split.TRAIN] += ordered[development:]
    return parts


def fingerprint(some: Iterable[Note]) -> str:
    """Names these notes, whatever their order: weights say with it which notes they were made from."""
    digest = sha256()
    for note in sorted(some, key=lambda note: note.id):
        digest.update(json.dumps([note.id, note.text, *note.topics], ensure_ascii=False).encode())
    return digest.hexdigest()[:12]


def held_out(taxonomy: Taxonomy) -> frozenset[TopicId]:
    """A fifth of the topics, a fifth of each domain as far as that goes."""
    chosen: set[TopicId] = set()
    for domain in taxonomy.domains:
        topics: Sequence[TopicId] = sorted((topic.id for topic in taxonomy.of_domain(domain)), key=_hash)
        chosen.update(topics[: round(HELD_OUT_SHARE * len(topics))])
    return frozenset(chosen)


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()
