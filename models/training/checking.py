"""Holds every row of the corpus to the rules it was written by: `python -m models.training.checking`, in `make check`.

Each complaint names file, line and reason. What is checked: the row can be read; its topics and perspective are in the
taxonomy; no id twice; no identifying detail (the same gate a need goes through); no near-duplicate anywhere, so none
in two splits either; enough notes in every topic and register; and half of each topic's notes without its own words.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from models.deidentify import find_identifying
from models.errors import BadInput
from models.normalise import plain
from models.taxonomy import Taxonomy, taxonomy
from models.training.corpus import CORPUS, ELSEWHERE_FILE, REHEARSAL_FILE, Line, Note, Register, lines, note_of

NOTES_LEAST: Final = 40
REGISTER_LEAST: Final = 6
NONE_LEAST: Final = 1_000
WITHOUT_OWN_WORDS: Final = 0.5
SHARED_RUN: Final = 5
"""Words in a run; two notes that share many runs of five are one note written twice."""
SHARED_MOST: Final = 0.25
"""Largest share of the shorter note's runs that another may hold."""
APART: Final = {ELSEWHERE_FILE, REHEARSAL_FILE}
"""Files whose writers did not know the taxonomy: their perspectives are as they saw them."""
KEYS: Final = {"id", "text", "topics", "perspective", "register"}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, and where; a complaint about a whole topic names its first row."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class _Read:
    line: Line
    note: Note


def complaints(folder: Path = CORPUS, *, balance: bool = True) -> Iterator[Complaint]:
    """Everything wrong in a folder of notes. `balance` False leaves out what only a whole corpus can be asked."""
    known = taxonomy()
    read: list[_Read] = []
    try:
        rows = lines(folder)
    except BadInput as error:
        yield Complaint(str(error.params["file"]), int(error.params["line"]), f"is no row: {error.params['because']}")
        return
    seen: dict[str, Line] = {}
    for line in rows:
        try:
            note = note_of(line)
        except BadInput as error:
            yield Complaint(line.file, line.number, str(error.params["because"]))
            continue
        for reason in _of_row(line, note, known):
            yield Complaint(line.file, line.number, reason)
        if note.id in seen:
            yield Complaint(line.file, line.number, f"id {note.id} is also {_place(seen[note.id])}")
        seen[note.id] = line
        read.append(_Read(line, note))
    yield from _near_duplicates(read)
    if balance:
        yield from _balance([one for one in read if one.line.file not in APART], known)


def _of_row(line: Line, note: Note, known: Taxonomy) -> Iterator[str]:
    if line.row.keys() != KEYS:
        yield f"fields are {sorted(line.row)}, not {sorted(KEYS)}"
    for topic in note.topics:
        if topic not in known.topics:
            yield f"topic {topic} is not in the taxonomy"
    if len(set(note.topics)) != len(note.topics):
        yield "names a topic twice"
    strange = note.topic in known.topics and note.perspective not in known.topic(str(note.topic)).perspectives
    if strange and line.file not in APART:
        yield f"perspective {note.perspective.value} does not occur in {note.topic}"
    yield from (
        f"holds an identifying detail ({span.label.value} at {span.start + 1})" for span in find_identifying(note.text)
    )


def _near_duplicates(read: Sequence[_Read]) -> Iterator[Complaint]:
    """Pairs that share too many runs of words: exact counts, by a sparse product over the runs."""
    if not read:
        return
    runs = CountVectorizer(
        preprocessor=plain,
        token_pattern=r"\w+",  # noqa: S106 - no secret, a word
        ngram_range=(SHARED_RUN, SHARED_RUN),
        binary=True,
        dtype=np.int32,
    )
    try:
        held = runs.fit_transform([one.note.text for one in read])
    except ValueError:  # no note is long enough to hold a run
        return
    shared = (held @ held.T).tocoo()
    size = np.maximum(np.asarray(held.sum(axis=1)).ravel(), 1)
    for one, other, count in zip(shared.row, shared.col, shared.data, strict=True):
        if one > other and count > SHARED_MOST * min(size[one], size[other]):
            where = read[one].line
            yield Complaint(where.file, where.number, f"says the same as {_place(read[other].line)}")


def _balance(read: Sequence[_Read], known: Taxonomy) -> Iterator[Complaint]:
    by_topic: dict[str | None, list[_Read]] = defaultdict(list)
    for one in read:
        by_topic[one.note.topic].append(one)
    for topic in known.topics.values():
        notes = by_topic[topic.id]
        if len(notes) < NOTES_LEAST:
            yield _about(notes, f"{topic.id} has {len(notes)} notes, at least {NOTES_LEAST} are needed")
            continue
        counted = Counter(one.note.register for one in notes)
        for register in Register:
            if counted[register] < REGISTER_LEAST:
                yield _about(notes, f"{topic.id} has {counted[register]} {register.value} notes")
        missing = set(topic.perspectives) - {one.note.perspective for one in notes}
        if missing:
            yield _about(notes, f"{topic.id} has no note of {', '.join(sorted(asks.value for asks in missing))}")
        without = sum(not _names(one.note.text, topic.words) for one in notes)
        if without < WITHOUT_OWN_WORDS * len(notes):
            yield _about(notes, f"{topic.id}: only {without} of {len(notes)} notes do without its own words")
    if len(by_topic[None]) < NONE_LEAST:
        yield _about(by_topic[None], f"{len(by_topic[None])} notes of no topic, at least {NONE_LEAST} are needed")


def _names(text: str, stems: Iterable[str]) -> bool:
    written = plain(text)
    return any(stem in written for stem in stems)


def _about(notes: Sequence[_Read], reason: str) -> Complaint:
    return Complaint(notes[0].line.file, notes[0].line.number, reason) if notes else Complaint("corpus", 0, reason)


def _place(line: Line) -> str:
    return f"{line.file}:{line.number}"


def main() -> None:
    """Print every complaint; exit status 1 when there is one."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    found = list(complaints(folder))
    for complaint in found:
        print(complaint)
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()
