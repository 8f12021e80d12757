"""The numbers about the de-identification gate: measured, compared with the targets, and written into the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.deidentify import Label
from models.errors import BadInput
from models.training.comparing import NOT_INSTALLED, Tell
from models.training.corpus import CORPUS, Split, notes
from models.training.finders import OLD, Finder, Findings, findings
from models.training.gate import NOTES_FOLDER, Counted, Mark, Note, Score, held_out, score
from models.training.report import NOTHING, Table, compared, written
from models.training.targets import Target, least, most

TITLE: Final = "What the gate finds"
RECALL: Final = {
    Label.NAME: 0.97,
    Label.BSN: 1.0,
    Label.DATE: 0.98,
    Label.AGE: 0.98,
    Label.PHONE: 1.0,
    Label.EMAIL: 1.0,
    Label.IBAN: 1.0,
    Label.POSTCODE: 1.0,
    Label.ADDRESS: 0.98,
    Label.PLACE: 0.90,
    Label.ORGANISATION: 0.90,
    Label.PLATE: 1.0,
    Label.CASE_NUMBER: 1.0,
    Label.URL: 1.0,
    Label.HANDLE: 1.0,
}
"""Shares to reach: what is one of a kind in the country must all be found, names nearly all."""
FLAGGED: Final = 0.05
"""Of clean notes: a caseworker who is stopped for nothing learns to overrule."""
MS_A_NOTE: Final = 10.0
"""It runs at every keystroke."""

CALLED: Final = {Finder.KRING: "Kring's gate", Finder.DEDUCE: "deduce 3"}
ABOUT: Final = """\
Written by `kring evaluate --only gate`; do not edit. {identifying} notes with {details} identifying details and {clean}
clean ones full of traps, written apart for this (`models/corpus/identifying/`), and {corpus:,} notes of the corpus that
nothing was trained on, which hold no details either. The batch `held_out` was written before its writer saw anything of
the gate, `held_out_2` after seeing what an older gate missed in the first, but none of its rules. A detail is *found*
when every letter and digit of it is marked, under whatever label."""
ABOUT_LABELS: Final = """\
By its label: found under its own label. Precision: of what the gate marked with the label, the share that touches any
detail. The last columns are deduce's, on the same notes in the same run. It does not look for bank accounts, plates and
account names; its ages below {old} are not counted, and its places, addresses and postcodes, which it gives one name,
count as any of the three."""
ABOUT_METHODS: Final = """\
All details together. Whole: notes with details in which nothing is missed. Passed: notes with details in which nothing
at all is marked, so that nobody would look again. Flagged: clean notes, and notes of the corpus, with something marked.
The batches were written one after the other: where a later one does worse, the gate was made to fit the earlier.
Each method in a process of its own, start until its first answer; deduce's very first start on a machine takes minutes.
Times differ from run to run."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One method on the held-out notes, and how many notes of the corpus it marks something in."""

    score: Score
    batches: Mapping[str, Score]
    corpus: int
    corpus_flagged: int
    start_seconds: float
    ms_a_note: float
    peak_mb: float | None


def measure(corpus: Path = CORPUS, *, tell: Tell = lambda *_: None) -> dict[Finder, Measured]:
    """Measure every method that is installed, on the notes in `corpus`.

    Raises BadInput for rows that cannot be read and for a folder without held-out notes.
    """
    own = held_out(corpus)
    if not own:
        raise BadInput("no_held_out_notes", folder=str(corpus / NOTES_FOLDER))
    parts = notes(corpus)
    others = [note.text for split in (Split.TEST, Split.ELSEWHERE) for note in parts[split]]
    measured: dict[Finder, Measured] = {}
    for finder in Finder:
        if finder.installed:
            tell(f"Measuring {CALLED[finder]}", 0, 0)
            found = findings(finder, [*(note.text for note in own), *others], timed=len(own))
            measured[finder] = _measured(own, found)
    return measured


def targets(measured: Measured) -> list[Target]:
    """What has to be reached by the gate, beside what it measured."""
    found = measured.score
    return [
        *(least(f"{label} found", RECALL[label], found.by_label[label].recall, "{:.1%}") for label in Label),
        most("clean notes flagged", FLAGGED, found.flagged / found.clean if found.clean else 0.0, "{:.1%}"),
        most("milliseconds a note", MS_A_NOTE, measured.ms_a_note, "{:.1f}"),
    ]


def tables(measured: dict[Finder, Measured]) -> list[Table]:
    """In the order of the section."""
    kring = measured[Finder.KRING]
    about = ABOUT.format(
        identifying=kring.score.identifying,
        details=kring.score.all.details,
        clean=kring.score.clean,
        corpus=kring.corpus,
    )
    return [compared(TITLE, about, targets(kring)), _labels(measured), _methods(measured)]


def section(measured: dict[Finder, Measured]) -> str:
    """The section of the page."""
    first, *rest = tables(measured)
    return "\n".join([f"## {TITLE}\n\n{written(first)}", *(f"### {one.title}\n\n{written(one)}" for one in rest)])


def with_section(page: str, own: str) -> str:
    """`page` with the section about the gate replaced, or put at its end when it has none; the rest as it was."""
    there = _there(page)
    if there is None:
        return f"{page.rstrip()}\n\n{own}" if page.strip() else own
    after = page[there.end() :]
    return page[: there.start()] + own + ("\n" + after if after else "")


def section_of(page: str) -> str | None:
    """The section about the gate as it stands in `page`."""
    there = _there(page)
    return there[0].rstrip() + "\n" if there else None


def _there(page: str) -> re.Match[str] | None:
    return re.search(rf"^## {TITLE}\n.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)


def _measured(own: Sequence[Note], found: Findings) -> Measured:
    others = found.marks[len(own) :]
    pairs = list(zip(own, found.marks, strict=False))
    return Measured(
        score=_score(pairs),
        batches={
            batch: _score([pair for pair in pairs if pair[0].batch == batch])
            for batch in dict.fromkeys(one.batch for one in own)
        },
        corpus=len(others),
        corpus_flagged=sum(map(bool, others)),
        start_seconds=found.start_seconds,
        ms_a_note=found.ms_a_text,
        peak_mb=found.peak_mb,
    )


def _score(pairs: Sequence[tuple[Note, Sequence[Mark]]]) -> Score:
    return score([note for note, _ in pairs], [marks for _, marks in pairs])


def _labels(measured: dict[Finder, Measured]) -> Table:
    kring = measured[Finder.KRING].score.by_label
    deduce = measured[Finder.DEDUCE].score.by_label if Finder.DEDUCE in measured else {}

    def row(label: Label) -> tuple[str, ...]:
        ours, theirs = kring[label], deduce.get(label, Counted())
        return (
            label.value,
            str(ours.details),
            *(_share(part) for part in (ours.recall, ours.right, ours.precision)),
            *(_share(part) for part in (theirs.recall, theirs.right)),
        )

    return Table(
        "By label",
        ABOUT_LABELS.format(old=OLD),
        ("label", "details", "found", "by its label", "precision", "deduce: found", "deduce: by its label"),
        tuple(row(label) for label in Label),
    )


def _methods(measured: dict[Finder, Measured]) -> Table:
    def whole(finder: Finder) -> tuple[str, ...]:
        if finder not in measured:
            return (CALLED[finder], *[NOTHING] * 9, NOT_INSTALLED)
        one = measured[finder]
        return (
            CALLED[finder],
            *_counts(one.score),
            f"{one.corpus_flagged:,} of {one.corpus:,}",
            f"{one.start_seconds:.1f} s",
            f"{one.ms_a_note:.1f}",
            NOTHING if one.peak_mb is None else f"{one.peak_mb:,.0f} MB",
            "",
        )

    def of_batch(finder: Finder, batch: str, own: Score) -> tuple[str, ...]:
        return (f"{CALLED[finder]}, {batch}", *_counts(own), *[NOTHING] * 4, "")

    return Table(
        "Beside deduce",
        ABOUT_METHODS,
        (
            "method",
            "found",
            "precision",
            "whole",
            "passed",
            "clean flagged",
            "corpus flagged",
            "start",
            "ms a note",
            "peak memory",
            "remark",
        ),
        tuple(
            row
            for finder in Finder
            for row in (
                whole(finder),
                *(of_batch(finder, *own) for own in (measured[finder].batches.items() if finder in measured else ())),
            )
        ),
    )


def _counts(found: Score) -> tuple[str, ...]:
    return (
        _share(found.all.recall),
        _share(found.all.precision),
        f"{found.whole} of {found.identifying}",
        f"{found.passed} of {found.identifying}",
        f"{found.flagged} of {found.clean}",
    )


def _share(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.1%}"
