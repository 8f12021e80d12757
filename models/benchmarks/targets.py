"""The numbers to reach (docs/sources.md, "Groups"), beside those measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.benchmarks.benchmark import Results, Run, growth
from models.benchmarks.methods import KRING
from models.benchmarks.tables import mib, seconds

SECONDS: Final[Mapping[int, float]] = {1_000: 2.0, 10_000: 20.0, 100_000: 240.0}
"""On two cores, after encoding."""
MIB: Final = 2048.0
GROWTH: Final = 1.3
"""From the smallest of those sizes on: what takes milliseconds says nothing about growth."""
UNKNOWN: Final = "not measured"


@dataclass(frozen=True, slots=True)
class Target:
    """`reached` is None when this run did not measure it."""

    what: str
    wanted: str
    said: str
    reached: bool | None


def targets(results: Results) -> list[Target]:
    """Every target, in a fixed order, whether measured or not."""
    runs = results.of(KRING)
    exponent = growth([run for run in runs if run.size >= min(SECONDS)])
    qualities = [run.quality for run in runs if run.quality is not None]
    return [
        *(
            _most(f"time, {size:,} needs", _at(runs, size), most, lambda run: run.seconds, seconds)
            for size, most in SECONDS.items()
        ),
        *(_most(f"memory, {size:,} needs", _at(runs, size), MIB, lambda run: run.peak_mib, mib) for size in SECONDS),
        Target(
            "growth exponent of time",
            f"≤ {GROWTH}",
            UNKNOWN if exponent is None else f"{exponent:.2f}",
            None if exponent is None else exponent <= GROWTH,
        ),
        _none("groups that break a bound", [quality.broken for quality in qualities]),
        _none("people in two groups", [quality.twice for quality in qualities]),
    ]


def _at(runs: Sequence[Run], size: int) -> Run | None:
    return next((run for run in runs if run.size == size), None)


def _most(
    what: str, run: Run | None, most: float, of: Callable[[Run], float | None], say: Callable[[float], str]
) -> Target:
    """At most this; a run that was stopped missed it."""
    value = of(run) if run else None
    if run is not None and run.remark:
        return Target(what, f"≤ {say(most)}", run.remark, reached=False)
    return Target(
        what, f"≤ {say(most)}", UNKNOWN if value is None else say(value), None if value is None else value <= most
    )


def _none(what: str, counts: Sequence[int]) -> Target:
    """None at all, in any of the pools."""
    return Target(what, "0", f"{sum(counts):,}" if counts else UNKNOWN, sum(counts) == 0 if counts else None)
