"""The numbers of a run as tables and sentences: the same for the page in `docs/` and for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.training.comparing import Compared
from models.training.evaluating import Results
from models.training.measuring import Grouping
from models.training.targets import Target, targets

NOTHING: Final = "–"
WEAKEST: Final = 3

HEAD: Final = """# How well Kring understands Dutch notes

Written by `kring evaluate`; do not edit. Encoder `{model}`, seed {seed}. {notes}

*Plain* notes are as typed into a form; *hard* ones are in telegram style, spoken Dutch or formal intake prose. Notes
from *elsewhere* were written apart from the corpus by who had not read it, and nothing was trained or tuned on them.
"""
COUNTS: Final = (
    "The corpus has {topics} topics; {training} notes to train on, {development} to calibrate on, {test} to test on,"
    " {elsewhere} from elsewhere; {hidden} topics are held out for the twin that never saw them."
)
OTHER_CORPUS: Final = (
    "**The weights were not made from the training notes of this corpus, so some notes below may have been trained on:"
    " run `kring train` first.**"
)
NO_ELSEWHERE: Final = "There are no notes from elsewhere in this corpus, so what would be measured on them is left out."
QUICK: Final = "Measured with `--quick`: what has to be trained first is left out."

ABOUT_TARGETS: Final = (
    """What has to be reached, on notes from elsewhere where not said otherwise, and what this run measured."""
)
ABOUT_READINGS: Final = """\
The topic of a note among all topics: suggested first / among the first three, with the perspective of who asks and
without. Calibration is the expected calibration error over 15 bins of the first suggestion, with the perspective
(Guo et al. 2017): 0.05 means that "70%" may as well be 65% or 75%. The last columns: notes of no topic that are
answered with "none", and notes with a topic that wrongly are."""
ABOUT_COMPARED: Final = """\
Topic first / in three (from the text alone) / AMI, on the same texts in the same run. AMI is the adjusted mutual
information between the topics and Ward clustering into as many clusters: on notes from elsewhere all together, on
test notes the mean over pools of 50 topics that have at least two such notes. *Unseen*: AMI on all notes of the
held-out topics, Kring by a twin trained without those, and how many times LSA's AMI that is; a method that would have
to be trained once more for it shows –. LSA and TF-IDF are fitted on the texts they cluster and name no topics;
methods with vectors only take the topic with the nearest mean of training notes. How long the two small networks were
trained stands behind their names. BERTopic chooses its own number of topics, and its outliers count as one more."""
ABOUT_GROUPINGS: Final = """\
The whole engine with its default bounds on text and perspective alone, each set as one pool. Pairs: of all pairs of
people in one group, those that share the topic. Placed: of all people, the notes of no topic included. Could be:
people with enough others of their own topic and perspective in the pool for the smallest circle. None apart: notes
of no topic that stay in no group. Mixed: themes in which not all ask from the same side. Topics never seen: all
notes of the held-out topics and of no topic, by the twin; it may have been trained on some of the latter."""
ABOUT_SIDES: Final = """\
Siblings are topics that the taxonomy calls related, such as the same condition from another side. Of the test notes
and those from elsewhere, by who asks: the right topic first, and a sibling first instead; from the text alone, and
with the perspective."""
ABOUT_MACHINE: Final = """\
The bundled encoder on two CPU cores, in a process of its own that encodes {notes:,} notes; the best of three
rounds. Loading is counted after imports. These numbers differ from run to run."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table with what it is about; every row as wide as the header."""

    title: str
    about: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(results: Results) -> list[Table]:
    """Everything measured, in the order of the page."""
    made = [
        _targets(results),
        _readings(results),
        _compared(results),
        _groupings(results),
        _sides(results),
        _machine(results),
    ]
    return [table for table in made if table.rows]


def preamble(results: Results) -> list[str]:
    """What to know before reading a number."""
    said = [COUNTS.format(**results.counts, hidden=results.counts["topics held out"])]
    said += [] if results.taught_on_these else [OTHER_CORPUS]
    said += [] if results.counts["elsewhere"] else [NO_ELSEWHERE]
    return said + ([QUICK] if results.quick else [])


def shortcomings(results: Results) -> list[str]:
    """What falls short, from the numbers alone; never empty, because no encoder is without mistakes."""
    said = [
        f"{target.what}: {target.said} where {target.wanted} was wanted."
        for target in targets(results)
        if target.reached is False
    ]
    said += [f"{target.what}: not measured in this run." for target in targets(results) if target.reached is None]
    weakest = list(results.domains.items())[:WEAKEST]
    if weakest:
        listed = ", ".join(f"{label} ({percent(share)} of {count})" for label, (share, count) in weakest)
        said.append(f"Domains whose topic is least often suggested first: {listed}.")
    for one in results.readings:
        if one.name in {"test, all", "elsewhere, plain", "elsewhere, hard"}:
            said.append(
                f"{one.name}: of 100 notes with a topic, {100 * (1 - one.known.three):.0f} do not have it among the"
                f" three suggestions, and {100 * one.none_wrong:.0f} are answered with none."
            )
    said += [
        f"{one.name}: {100 * (1 - one.pairs.right):.0f} of 100 pairs in a group do not share a topic."
        for one in results.groupings
        if one.pairs.right is not None
    ]
    said.append(
        "All notes are made up for this purpose. How it reads real ones is not known before it is measured on those."
    )
    return said


def markdown(results: Results) -> str:
    """The whole page."""
    parts = [HEAD.format(model=results.model_id, seed=results.seed, notes="\n\n".join(preamble(results)))]
    parts += [f"## {table.title}\n\n{written(table)}" for table in tables(results)]
    listed = "\n".join(f"- {one}" for one in shortcomings(results))
    parts.append(f"## What it cannot do, and where it falls short\n\n{listed}\n")
    return "\n".join(parts)


def written(table: Table) -> str:
    """A table in Markdown under what it is about, without its title."""
    lines = [_line(table.header), _line(["---"] * len(table.header)), *(_line(row) for row in table.rows)]
    return f"{table.about}\n\n" + "\n".join(lines) + "\n"


def compared(title: str, about: str, wanted: Sequence[Target]) -> Table:
    """What was wanted beside what was measured."""
    words = {True: "yes", False: "**no**", None: NOTHING}
    return Table(
        title,
        about,
        ("what", "wanted", "measured", "reached"),
        tuple((one.what, one.wanted, one.said, words[one.reached]) for one in wanted),
    )


def percent(share: float | None) -> str:
    """A share as a whole percentage."""
    return NOTHING if share is None else f"{100 * share:.0f}%"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _targets(results: Results) -> Table:
    return compared("Targets", ABOUT_TARGETS, targets(results))


def _readings(results: Results) -> Table:
    return Table(
        "Topics",
        ABOUT_READINGS,
        ("notes", "number", "first / three", "text alone", "calibration", "none found", "none wrongly"),
        tuple(
            (
                one.name,
                str(one.notes),
                f"{percent(one.known.first)} / {percent(one.known.three)}",
                f"{percent(one.alone.first)} / {percent(one.alone.three)}",
                f"{one.calibration:.3f}",
                f"{percent(one.none_right)} of {one.none_notes}" if one.none_notes else NOTHING,
                percent(one.none_wrong),
            )
            for one in results.readings
        ),
    )


def _compared(results: Results) -> Table:
    sets = list(results.seen[0].scores) if results.seen else []
    unseen = {one.name: one for one in results.unseen}
    hidden = list(results.unseen[0].scores) if results.unseen else []
    lsa = unseen.get("LSA")

    def row(one: Compared) -> tuple[str, ...]:
        there = unseen.get(one.name)
        remarks = list(dict.fromkeys(part.remark for part in (one, there) if part and part.remark))
        return (
            one.name,
            *(_score(one, name) for name in sets),
            *(_against(there, lsa, name) for name in hidden),
            NOTHING if one.notes_a_second is None else _rounded(one.notes_a_second),
            "; ".join(remarks),
        )

    return Table(
        "Compared with other methods",
        ABOUT_COMPARED,
        ("method", *(f"{name}" for name in sets), *(f"unseen {name}" for name in hidden), "notes a second", "remark"),
        tuple(row(one) for one in results.seen),
    )


def _score(one: Compared, name: str) -> str:
    score = one.scores.get(name)
    if score is None:
        return NOTHING
    topics = f"{percent(score.found.first)} / {percent(score.found.three)}" if score.found else NOTHING
    return f"{topics} / {_number(score.ami)}"


def _against(one: Compared | None, lsa: Compared | None, name: str) -> str:
    mine = one.scores.get(name) if one else None
    theirs = lsa.scores.get(name) if lsa else None
    if mine is None or mine.ami is None:
        return NOTHING
    times = f" ({mine.ami / theirs.ami:.2f} ×)" if theirs and theirs.ami and theirs.ami > 0 else ""
    return f"{mine.ami:.2f}{times}"


def _groupings(results: Results) -> Table:
    def row(one: Grouping) -> tuple[str, ...]:
        return (
            one.name,
            str(one.pairs.people),
            str(one.pairs.groups),
            percent(one.pairs.right),
            percent(one.pairs.placed),
            percent(one.pairs.placeable),
            percent(one.pairs.none_apart),
            f"{one.mixed} of {one.themes}",
        )

    return Table(
        "Groups",
        ABOUT_GROUPINGS,
        ("pool", "people", "groups", "pairs right", "placed", "could be", "none apart", "mixed"),
        tuple(row(one) for one in results.groupings),
    )


def _sides(results: Results) -> Table:
    return Table(
        "Siblings: who has it, partner of, parent of",
        ABOUT_SIDES,
        (
            "who asks",
            "notes",
            "right, text alone",
            "right, with perspective",
            "sibling, text alone",
            "sibling, with perspective",
        ),
        tuple(
            (
                one.perspective.value,
                str(one.notes),
                percent(one.first_alone),
                percent(one.first_known),
                percent(one.sibling_alone),
                percent(one.sibling_known),
            )
            for one in results.sides
        ),
    )


def _machine(results: Results) -> Table:
    used = results.footprint
    return Table(
        "Speed and size",
        ABOUT_MACHINE.format(notes=used.notes),
        ("notes a second", "loading", "peak memory", "folder"),
        (
            (
                _rounded(used.notes_a_second),
                f"{used.load_seconds:.2f} s",
                NOTHING if used.peak_mb is None else f"{used.peak_mb:.0f} MB",
                f"{used.folder_mb:.1f} MB",
            ),
        ),
    )


def _rounded(speed: float) -> str:
    """Two significant digits: a machine that is busy with something else changes the rest."""
    digits = len(str(int(speed)))
    return f"{round(speed, 2 - digits):,.0f}"
