"""What the encoder asks of a machine: measured in a process of its own, where nothing else is loaded.

`python -m models.training.footprint FOLDER TEXTS.json` prints one JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from models.bundled import BundledEncoder
from models.training.memory import peak_mb

ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of the best of a few rounds. `peak_mb` is None where the system does not tell (it does on Linux)."""

    load_seconds: float
    notes: int
    notes_a_second: float
    peak_mb: float | None
    folder_mb: float


def footprint(folder: Path, texts: Sequence[str]) -> Footprint:
    """Load the encoder in `folder` and encode the texts, in a fresh process. CalledProcessError when it fails."""
    with tempfile.TemporaryDirectory() as held:
        file = Path(held) / "texts.json"
        file.write_text(json.dumps(list(texts)), "utf-8")
        command = [sys.executable, "-m", "models.training.footprint", str(folder.resolve()), str(file)]
        answered = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    return Footprint(**json.loads(answered.stdout))


def _measured(folder: Path, texts: Sequence[str]) -> Footprint:
    started = time.perf_counter()
    encoder = BundledEncoder(folder)
    loaded = time.perf_counter() - started
    rounds: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        encoder.encode(texts)
        rounds.append(time.perf_counter() - started)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Footprint(loaded, len(texts), len(texts) / min(rounds), peak_mb(), size / 1e6)


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8"))))))
