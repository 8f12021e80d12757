"""How well the de-identification gate finds what identifies: recall and precision by label, on notes written for it.

The notes (`models/corpus/identifying/`) were written by who had not read the gate's rules; the gate's own golden cases
are elsewhere and are not counted here. A detail counts as found when every letter and digit of it lies under some
finding, because what is left standing is what identifies. Which label the finding has matters less to a resident than
that it is there, so it is counted apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.deidentify import Label
from models.errors import BadInput
from models.training.corpus import CORPUS

NOTES_FOLDER: Final = "identifying"
"""Inside the folder of the corpus; each file is a batch, a row is what `kring deidentify` writes without `redacted`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text, in code points: a detail of a held-out note, or what a method found.

    A detail has one label. A finding may leave open which of a few it is.
    """

    start: int
    end: int
    labels: frozenset[Label]


@dataclass(frozen=True, slots=True)
class Note:
    """A note and the details in it, in order and without overlap; a clean note has none."""

    batch: str
    id: str
    text: str
    details: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """Details of one label, or of all. Findings that may be of several labels count for each of those."""

    details: int = 0
    found: int = 0
    rightly: int = 0
    """Found, by findings of its own label alone."""
    findings: int = 0
    true: int = 0
    """Findings that touch a detail, whichever label that has."""

    @property
    def recall(self) -> float | None:
        """Share of the details that is found; None without details."""
        return self.found / self.details if self.details else None

    @property
    def right(self) -> float | None:
        """Share of the details that is found and called what it is; None without details."""
        return self.rightly / self.details if self.details else None

    @property
    def precision(self) -> float | None:
        """Share of the findings that touch a detail; None without findings."""
        return self.true / self.findings if self.findings else None


@dataclass(frozen=True, slots=True)
class Score:
    """What a method makes of the held-out notes."""

    by_label: Mapping[Label, Counted]
    all: Counted
    identifying: int
    """Notes with details."""
    whole: int
    """Of those, the notes in which every detail is found."""
    passed: int
    """Of those, the notes in which nothing at all is found."""
    clean: int
    """Notes without details."""
    flagged: int
    """Of those, the notes in which something is found."""


def held_out(folder: Path = CORPUS) -> list[Note]:
    """The held-out notes in a folder of notes, batch after batch; none when the folder has none.

    Raises BadInput with file and line for a row that is no such note.
    """
    found: list[Note] = []
    for file in sorted((folder / NOTES_FOLDER).glob("*.jsonl")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            try:
                found.append(_note(file.stem, json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise BadInput("corpus_row_unreadable", file=file.name, line=number, because=str(error)) from error
    return found


def score(notes: Sequence[Note], found: Sequence[Sequence[Mark]]) -> Score:
    """Count what was found in each note, in the order of the notes. Raises ValueError when the lengths differ."""
    pairs = list(zip(notes, found, strict=True))
    wanted = [(note, len(_missed(note, marks)) == 0, bool(marks)) for note, marks in pairs if note.details]
    clean = [bool(marks) for note, marks in pairs if not note.details]
    return Score(
        by_label={label: _counted(pairs, frozenset({label})) for label in Label},
        all=_counted(pairs, frozenset(Label)),
        identifying=len(wanted),
        whole=sum(whole for _, whole, _ in wanted),
        passed=sum(not any_found for _, _, any_found in wanted),
        clean=len(clean),
        flagged=sum(clean),
    )


def _note(batch: str, row: Mapping[str, object]) -> Note:
    text, spans = row["text"], row["spans"]
    if not isinstance(text, str) or not isinstance(spans, list):
        raise TypeError("text is no string or spans is no list")
    details = tuple(Mark(one["start"], one["end"], frozenset({Label(one["label"])})) for one in spans)
    ends = [0, *(mark.end for mark in details)]
    for end, mark in zip(ends, details, strict=False):
        if not end <= mark.start < mark.end <= len(text):
            raise ValueError(f"span {mark.start}–{mark.end} overlaps, is empty or lies outside the text")
    return Note(batch, str(row["id"]), text, details)


def _counted(pairs: Sequence[tuple[Note, Sequence[Mark]]], labels: frozenset[Label]) -> Counted:
    details = found = rightly = findings = true = 0
    for note, marks in pairs:
        ours = [mark for mark in note.details if mark.labels & labels]
        details += len(ours)
        found += sum(_covers(note.text, detail, marks) for detail in ours)
        rightly += sum(
            _covers(note.text, detail, [mark for mark in marks if mark.labels & detail.labels]) for detail in ours
        )
        named = [mark for mark in marks if mark.labels & labels]
        findings += len(named)
        true += sum(any(_touch(mark, detail) for detail in note.details) for mark in named)
    return Counted(details, found, rightly, findings, true)


def _missed(note: Note, marks: Sequence[Mark]) -> list[Mark]:
    return [detail for detail in note.details if not _covers(note.text, detail, marks)]


def _covers(text: str, detail: Mark, marks: Sequence[Mark]) -> bool:
    """Whether each letter and digit of a detail is found; spaces, dots and hyphens between them tell nothing."""
    return all(
        any(mark.start <= at < mark.end for mark in marks)
        for at in range(detail.start, detail.end)
        if text[at].isalnum()
    )


def _touch(one: Mark, other: Mark) -> bool:
    return one.start < other.end and other.start < one.end
