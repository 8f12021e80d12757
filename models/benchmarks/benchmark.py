"""The whole of `kring bench`: every method on every pool, one at a time, each in a process of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np

from models.benchmarks.alone import LIMITS, Limits, Stopped, alone
from models.benchmarks.handed import Handed, hand_over
from models.benchmarks.judging import Quality, judged
from models.benchmarks.machine import Machine, machine
from models.benchmarks.methods import METHODS
from models.benchmarks.pool import MadePool, make_pool, unseen
from models.bounds import Pool
from models.bundled import WEIGHTS, BundledEncoder
from models.encoder import Vector
from models.plan import MatchSettings
from models.pool import pool_of
from models.training.corpus import CORPUS, Note, Register, notes
from models.training.metrics import pairs

Tell = Callable[[str, int, int], None]
"""What is going on, and how far: runs done of all."""

SIZES: Final = (1_000, 10_000, 100_000)
QUICK_SIZES: Final = (200, 1_000)
PACKAGES: Final = ("numpy", "scipy", "scikit-learn", "k-means-constrained")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pool, ready to be matched; `encoding_seconds` is what its notes took."""

    made: MadePool
    pool: Pool
    handed: Handed
    encoding_seconds: float


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What a pool is made of."""

    size: int
    areas: int
    topics: int
    none: int
    hard: float
    """Share of the notes that are not as typed into a form."""
    placeable: float
    """Share of the people with enough others of their topic and perspective for the smallest circle."""
    as_written: float
    different: float
    """Share of the notes that are left when each is counted once."""
    encoding_seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """One method on one pool; `remark` says why there are no numbers."""

    method: str
    size: int
    seconds: float | None = None
    held_mib: float | None = None
    peak_mib: float | None = None
    quality: Quality | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """All numbers of one run, pools from small to large and methods in the order asked for."""

    model_id: str
    seed: int
    limits: Limits
    methods: tuple[str, ...]
    pools: tuple[PoolFacts, ...]
    runs: tuple[Run, ...]
    machine: Machine

    def of(self, method: str) -> list[Run]:
        """The runs of a method, from small to large."""
        return [run for run in self.runs if run.method == method]


def benchmark(
    sizes: Sequence[int] = SIZES,
    methods: Sequence[str] = tuple(METHODS),
    *,
    seed: int = 0,
    limits: Limits = LIMITS,
    weights: Path = WEIGHTS,
    corpus: Path = CORPUS,
    tell: Tell = lambda *_: None,
) -> Results:
    """Measure these methods on pools of these sizes.

    Raises EncoderUnavailable and BadInput for weights and corpus that cannot be read, KeyError for an unknown method.
    """
    encoder = BundledEncoder(weights)
    known = unseen(notes(corpus))
    pools: list[PoolFacts] = []
    runs: list[Run] = []
    ordered = sorted(set(sizes))
    total = len(ordered) * len(methods)
    for size in ordered:
        tell(f"Making a pool of {size:,} needs", len(runs), total)
        with tempfile.TemporaryDirectory(prefix="kring-") as folder:
            prepared = prepare(size, known, encoder, Handed(Path(folder), weights.resolve(), seed))
            pools.append(_facts(prepared))
            for method in methods:
                tell(f"{METHODS[method].title} on {size:,} needs", len(runs), total)
                stopped = next((run for run in runs if run.method == method and run.remark), None)
                runs.append(_given_up(stopped, size) if stopped else _run(method, prepared, limits))
    tell("Done", total, total)
    return Results(
        model_id=encoder.model_id,
        seed=seed,
        limits=limits,
        methods=tuple(methods),
        pools=tuple(pools),
        runs=tuple(runs),
        machine=machine(PACKAGES),
    )


def growth(runs: Sequence[Run]) -> float | None:
    """Slope of the logarithm of time on that of size, by least squares: 1 is in proportion, 2 is quadratic.

    None when fewer than two sizes were measured.
    """
    measured = [(run.size, run.seconds) for run in runs if run.seconds]
    if len(measured) < 2:
        return None
    size, seconds = np.log(np.array(measured, dtype=np.float64)).T
    return float(np.polyfit(size, seconds, 1)[0])


def prepare(size: int, known: Sequence[Note], encoder: BundledEncoder, empty: Handed) -> Prepared:
    """Make a pool, encode its notes and hand it over in the folder of `empty`, whose weights are the encoder's."""
    made = make_pool(size, known, seed=empty.seed)
    started = time.perf_counter()
    encoded = encoder.encode([need.text for need in made.needs])
    seconds = time.perf_counter() - started
    vectors = {need.id: Vector(encoder.model_id, row) for need, row in zip(made.needs, encoded, strict=True)}
    pool = pool_of(made.needs, encoder, vectors)
    return Prepared(made, pool, hand_over(empty, made.needs, encoded, pool), seconds)


def _facts(prepared: Prepared) -> PoolFacts:
    topics = [note.topic for note in prepared.made.notes.values()]
    return PoolFacts(
        size=len(topics),
        areas=prepared.made.areas,
        topics=len({topic for topic in topics if topic is not None}),
        none=topics.count(None),
        hard=fmean(note.register is not Register.FORM for note in prepared.made.notes.values()),
        placeable=pairs([], prepared.made.notes, smallest=MatchSettings().circle_min).placeable or 0.0,
        as_written=prepared.made.as_written,
        different=len({need.text for need in prepared.made.needs}) / len(topics),
        encoding_seconds=prepared.encoding_seconds,
    )


def _run(method: str, prepared: Prepared, limits: Limits) -> Run:
    size = len(prepared.pool.needs)
    answer = alone(METHODS[method], prepared.handed, limits)
    if isinstance(answer, Stopped):
        return Run(method, size, remark=answer.because)
    quality = judged(answer.made, prepared.pool, prepared.made.notes, MatchSettings())
    return Run(method, size, answer.seconds, answer.held_mib, answer.peak_mib, quality)


def _given_up(stopped: Run, size: int) -> Run:
    """Who took too much for a smaller pool is not let loose on a larger one."""
    return Run(stopped.method, size, remark=f"not tried: {stopped.remark.removeprefix('not tried: ')}")
