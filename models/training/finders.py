"""Kring's gate and deduce on the same texts, each in a process of its own, so that neither pays for the other.

`python -m models.training.finders NAME TEXTS.json` prints one JSON object. deduce 3 (Menger and others 2018,
https://doi.org/10.1016/j.tele.2017.08.002) de-identifies Dutch medical notes with rules and large lists; nothing needs
it but this comparison.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from models.deidentify import Label, find_identifying
from models.training.gate import Mark
from models.training.memory import peak_mb

DEDUCE_LABELS: Final[Mapping[str, frozenset[Label]]] = {
    "persoon": frozenset({Label.NAME}),
    "patient": frozenset({Label.NAME}),
    "locatie": frozenset({Label.PLACE, Label.ADDRESS, Label.POSTCODE}),
    "ziekenhuis": frozenset({Label.ORGANISATION}),
    "zorginstelling": frozenset({Label.ORGANISATION}),
    "datum": frozenset({Label.DATE}),
    "leeftijd": frozenset({Label.AGE}),
    "bsn": frozenset({Label.BSN}),
    "id": frozenset({Label.CASE_NUMBER}),
    "telefoonnummer": frozenset({Label.PHONE}),
    "emailadres": frozenset({Label.EMAIL}),
    "url": frozenset({Label.URL}),
}
"""What deduce calls things. It has no word for bank accounts, plates and account names."""
OLD: Final = 90
"""deduce marks every age; Kring wants those from here on, so the others are not held against it."""

Find = Callable[[str], list[Mark]]


class Finder(StrEnum):
    """A method that can be measured."""

    KRING = "kring"
    DEDUCE = "deduce"

    @property
    def installed(self) -> bool:
        """Whether it is there; Kring's own gate always is."""
        return self is Finder.KRING or find_spec("deduce") is not None


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one method on some texts. `peak_mb` is None where the system does not tell (it does on Linux)."""

    marks: list[list[Mark]]
    """For each text, in the order of the texts."""
    start_seconds: float
    """From starting the process to its first answer."""
    ms_a_text: float
    peak_mb: float | None


def findings(finder: Finder, texts: Sequence[str], *, timed: int) -> Findings:
    """Read the texts in a fresh process; the first `timed` of them count for the speed.

    Raises ValueError without texts to time, CalledProcessError when the process fails.
    """
    if not 0 < timed <= len(texts):
        raise ValueError(f"{timed} of {len(texts)} texts cannot be timed")
    with tempfile.TemporaryDirectory() as held:
        file = Path(held) / "texts.json"
        file.write_text(json.dumps({"timed": timed, "texts": list(texts)}), "utf-8")
        command = [sys.executable, "-m", "models.training.finders", finder.value, str(file)]
        started = time.time()  # the clock that both processes share
        answered = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    told = json.loads(answered.stdout)
    return Findings(
        marks=[[_mark(*one) for one in of_text] for of_text in told["marks"]],
        start_seconds=told["ready"] - started,
        ms_a_text=told["ms_a_text"],
        peak_mb=told["peak_mb"],
    )


def of_deduce(tag: str, text: str) -> frozenset[Label]:
    """The labels for what deduce calls `text`; none for what it marks and Kring does not look for."""
    if tag == "leeftijd" and not any(int(number) >= OLD for number in re.findall(r"[0-9]{2,3}", text)):
        return frozenset()
    return DEDUCE_LABELS.get(tag, frozenset())


def _mark(start: int, end: int, labels: list[str]) -> Mark:
    return Mark(start, end, frozenset(map(Label, labels)))


def _kring() -> Find:
    return lambda text: [Mark(span.start, span.end, frozenset({span.label})) for span in find_identifying(text)]


def _deduce() -> Find:
    # deduce makes the root logger write everything to standard output, unless it has a handler already
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    from deduce import Deduce  # noqa: PLC0415 - optional, group "evaluate"

    engine = Deduce()

    def find(text: str) -> list[Mark]:
        named = [
            (one.start_char, one.end_char, of_deduce(one.tag, one.text)) for one in engine.deidentify(text).annotations
        ]
        return sorted((Mark(*one) for one in named if one[2]), key=lambda mark: mark.start)

    return find


def _measured(finder: Finder, texts: Sequence[str], timed: int) -> dict[str, object]:
    find = {Finder.KRING: _kring, Finder.DEDUCE: _deduce}[finder]()
    find(texts[0])
    ready = time.time()
    started = time.perf_counter()
    marks = [find(text) for text in texts[:timed]]
    seconds = time.perf_counter() - started
    marks += [find(text) for text in texts[timed:]]
    return {
        "marks": [[(one.start, one.end, sorted(one.labels)) for one in of_text] for of_text in marks],
        "ready": ready,
        "ms_a_text": 1000 * seconds / timed,
        "peak_mb": peak_mb(),
    }


def main() -> None:
    """Answer `findings`, in the process that it started."""
    asked = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    print(json.dumps(_measured(Finder(sys.argv[1]), asked["texts"], asked["timed"])))


if __name__ == "__main__":
    main()
