"""The numbers to reach (docs/sources.md, "Understanding Dutch notes" and "Groups"), beside those measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.training.evaluating import Results
from models.training.metrics import Pairs

FIRST: Final = {"plain": 0.92, "hard": 0.60}
THREE: Final = {"plain": 0.98, "hard": 0.85}
AMI: Final = {"plain": 0.75, "hard": 0.45}
PAIRS_RIGHT: Final = {"plain": 0.90, "hard": 0.60}
PLACED: Final = {"plain": 0.60, "hard": 0.35}
NONE_APART: Final = 0.80
TIMES_LSA: Final = 1.5
NOTES_A_SECOND: Final = 5_000
FOLDER_MB: Final = 40.0
LOAD_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Target:
    """`reached` is None when this run did not measure it."""

    what: str
    wanted: str
    said: str
    reached: bool | None


def targets(results: Results) -> list[Target]:
    """Every target, in a fixed order, whether measured or not."""
    made: list[Target] = []
    for kind in ("plain", "hard"):
        made += _topics(results, kind)
        made += _groups(results, kind)
    used = results.footprint
    return [
        *made,
        *(_unseen(results, kind) for kind in ("plain", "hard")),
        least("notes encoded a second", NOTES_A_SECOND, used.notes_a_second, "{:,.0f}"),
        most("size of the folder, MB", FOLDER_MB, used.folder_mb, "{:.1f}"),
        most("loading after imports, seconds", LOAD_SECONDS, used.load_seconds, "{:.2f}"),
    ]


def _topics(results: Results, kind: str) -> list[Target]:
    reading = next((one for one in results.readings if one.name == f"elsewhere, {kind}"), None)
    score = results.seen[0].scores.get(f"elsewhere {kind}") if results.seen else None
    return [
        least(f"{kind} notes: topic first", FIRST[kind], reading.known.first if reading else None, "{:.1%}"),
        least(f"{kind} notes: topic in first three", THREE[kind], reading.known.three if reading else None, "{:.1%}"),
        least(f"{kind} notes: AMI of themes", AMI[kind], score.ami if score else None, "{:.2f}"),
    ]


def _groups(results: Results, kind: str) -> list[Target]:
    found: Pairs | None = next((one.pairs for one in results.groupings if one.name == f"elsewhere, {kind}"), None)
    return [
        least(
            f"{kind} notes: pairs in a group that share the topic",
            PAIRS_RIGHT[kind],
            found.right if found else None,
            "{:.1%}",
        ),
        least(f"{kind} notes: people placed", PLACED[kind], found.placed if found else None, "{:.1%}"),
        least(
            f"{kind} notes: people of no topic that stay apart",
            NONE_APART,
            found.none_apart if found else None,
            "{:.1%}",
        ),
    ]


def _unseen(results: Results, kind: str) -> Target:
    scores = {one.name: one.scores.get(kind) for one in results.unseen}
    mine, theirs = scores.get("Kring"), scores.get("LSA")
    times = mine.ami / theirs.ami if mine and theirs and mine.ami is not None and theirs.ami else None
    return least(f"topics never seen, {kind} notes: times LSA's AMI", TIMES_LSA, times, "{:.2f}")


def least(what: str, wanted: float, measured: float | None, form: str) -> Target:
    """A target that is reached at `wanted` or above; `form` writes a number."""
    said = "not measured" if measured is None else form.format(measured)
    return Target(what, f"≥ {_plain(form, wanted)}", said, None if measured is None else measured >= wanted)


def most(what: str, wanted: float, measured: float, form: str) -> Target:
    """A target that is reached at `wanted` or below; `form` writes a number."""
    return Target(what, f"≤ {_plain(form, wanted)}", form.format(measured), measured <= wanted)


def _plain(form: str, wanted: float) -> str:
    return form.replace(".1%", ".0%").format(wanted)
