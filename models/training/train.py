"""The whole of `kring train`: corpus in, a folder with weights, facts and model card out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.bundled import WEIGHTS
from models.taxonomy import TopicId, taxonomy
from models.training import calibrating
from models.training.corpus import CORPUS, Split, fingerprint, notes, words
from models.training.fitting import Recipe, fit, save
from models.training.machine import steady

SEED: Final = 0
RECIPE: Final = Recipe()
KEPT: Final = ("README.md",)
"""What in the folder is not made by training."""
TAUGHT_FILE: Final = "taught.txt"
"""Fingerprint of the notes the weights were made from: a changed corpus may show them what they are measured on."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it, for who ran the command."""

    folder: Path
    notes: int
    topics: int
    megabytes: float


def train(
    folder: Path = WEIGHTS,
    *,
    corpus: Path = CORPUS,
    without: frozenset[TopicId] = frozenset(),
    seed: int = SEED,
    recipe: Recipe = RECIPE,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Trained:
    """Fit on the training notes, calibrate on the development notes, and put the result in `folder`, or change nothing.

    `without` leaves topics out altogether, to measure what the encoder makes of themes it never saw.
    """
    steady()
    known = taxonomy()
    parts = notes(corpus)
    taught = [note for note in parts[Split.TRAIN] if note.topic not in without]
    said = {topic: phrases for topic, phrases in words(corpus).items() if topic not in without}
    fitted = fit(taught, said, known, seed=seed, recipe=recipe, progress=progress)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".train-") as made:
        fresh = Path(made) / "weights"
        save(fitted, fresh)
        calibrating.write(calibrating.uncalibrated(fitted.columns[:-1], taught, known), fresh)
        calibrating.write(calibrating.calibrated(fresh, parts[Split.DEVELOPMENT]), fresh)
        (fresh / TAUGHT_FILE).write_text(fingerprint(taught) + "\n", "ascii")
        for name in KEPT:
            if (folder / name).is_file():
                shutil.copy2(folder / name, fresh / name)
        if folder.exists():
            shutil.rmtree(folder)
        fresh.replace(folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Trained(folder, len(taught), len(fitted.columns) - 1, size / 1e6)
