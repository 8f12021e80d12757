"""A method in a process of its own: the same answer as here, and an end to it when it takes too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.benchmarks.alone import LIMITS, Limits, Stopped, alone
from models.benchmarks.benchmark import Prepared, benchmark
from models.benchmarks.handed import COMPARABLE, Answer
from models.benchmarks.machine import memory
from models.benchmarks.methods import KRING, METHODS
from tests.models.benchmarks.small import small_pool
from tests.models.training.small import write_corpus


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    return small_pool(tmp_path)


@pytest.mark.parametrize("name", ["greedy", KRING])
def test_a_process_of_its_own_makes_the_same_groups(prepared: Prepared, name: str) -> None:
    answer = alone(METHODS[name], prepared.handed, LIMITS)
    assert isinstance(answer, Answer)
    assert answer.made == METHODS[name].prepare(prepared.handed)()
    assert answer.seconds > 0


@pytest.mark.skipif(memory() is None, reason="this system does not tell how much memory a process holds")
def test_the_memory_is_that_of_the_process_and_not_of_this_one(prepared: Prepared) -> None:
    held = bytearray(500_000_000)
    held[::4096] = b"\1" * len(held[::4096])
    answer = alone(METHODS["greedy"], prepared.handed, LIMITS)
    assert isinstance(answer, Answer)
    assert answer.held_mib is not None
    assert answer.peak_mib is not None
    assert 10 < answer.held_mib <= answer.peak_mib < 400


def test_a_method_that_takes_too_long_is_stopped_and_says_so(prepared: Prepared) -> None:
    assert alone(METHODS[KRING], prepared.handed, Limits(seconds=0.001)) == Stopped("over 1.0 ms")


@pytest.mark.skipif(memory() is None, reason="this system does not tell how much memory a process holds")
def test_a_method_that_takes_too_much_memory_is_stopped_and_says_so(prepared: Prepared) -> None:
    assert alone(METHODS[KRING], prepared.handed, Limits(mib=1)) == Stopped("over 1 MiB")


def test_a_method_that_fails_says_why(prepared: Prepared) -> None:
    (prepared.handed.folder / COMPARABLE).unlink()
    stopped = alone(METHODS["greedy"], prepared.handed, LIMITS)
    assert isinstance(stopped, Stopped)
    assert stopped.because.startswith("failed: FileNotFoundError")


def test_who_was_stopped_is_not_tried_on_a_larger_pool_and_others_are(tmp_path: Path) -> None:
    told: list[str] = []
    results = benchmark(
        [60, 30],
        [KRING, "greedy"],
        limits=Limits(seconds=0.002),
        corpus=write_corpus(tmp_path / "corpus"),
        tell=lambda what, done, total: told.append(f"{done}/{total} {what}"),
    )
    assert [(run.size, run.remark) for run in results.of(KRING)] == [
        (30, "over 2.0 ms"),
        (60, "not tried: over 2.0 ms"),
    ]
    assert [pool.size for pool in results.pools] == [30, 60]
    assert len(results.of("greedy")) == 2
    assert told[-1] == "4/4 Done"
