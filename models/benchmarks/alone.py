"""One method on one pool, in a process of its own, within a limit of time and of memory.

`python -m models.benchmarks.alone METHOD FOLDER SECONDS` works on what `handed.py` left in the folder. Memory is that
of the whole process. A method that passes a limit is stopped, and that is its result.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.benchmarks.handed import Answer, Handed, Made, pickled, unpickled
from models.benchmarks.machine import memory
from models.benchmarks.methods import METHODS, Method
from models.benchmarks.tables import mib as in_mib
from models.benchmarks.tables import seconds as in_seconds

ROUNDS: Final = 3
AGAIN_UNDER: Final = 10.0
"""Seconds: work that is done sooner is done again, and the best time counts, as with `models.training.footprint`."""
LOOK_EVERY: Final = 0.05
"""Seconds between two looks at the memory of a process."""
HANDED: Final = "handed.pickle"
ANSWER: Final = "answer.pickle"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a method may take: seconds of work, and MiB of its process."""

    seconds: float = 300.0
    mib: float = 8192.0


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Stopped:
    """No result, and why."""

    because: str


def alone(method: Method, handed: Handed, limits: Limits) -> Answer | Stopped:
    """Let a fresh process do it. Whatever ends this call ends that process."""
    (handed.folder / ANSWER).unlink(missing_ok=True)
    pickled(handed, handed.folder / HANDED)
    command = [sys.executable, "-m", __name__, method.name, str(handed.folder), str(limits.seconds)]
    with (handed.folder / "errors.txt").open("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
        )
        try:
            over = _watched(process, limits.mib)
        finally:
            process.kill()
            process.wait()
        if over:
            return Stopped(f"over {in_mib(limits.mib)}")
        if process.returncode == -signal.SIGALRM:
            return Stopped(f"over {in_seconds(limits.seconds)}")
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().strip().splitlines() or [f"ended with {process.returncode}"]
            return Stopped(f"failed: {said[-1]}")
    answer: Answer = unpickled(handed.folder / ANSWER)
    return answer


def _watched(process: subprocess.Popen[bytes], mib: float) -> bool:
    """Wait for the process to end; True when it first took more memory than it may."""
    while True:
        try:
            process.wait(LOOK_EVERY)
        except subprocess.TimeoutExpired:
            taken = memory(process.pid)
            if taken is not None and taken.now > mib:
                return True
        else:
            return False


def _answered(method: Method, handed: Handed, seconds: float) -> Answer:
    work = method.prepare(handed)
    before = memory()
    rounds: list[float] = []
    made: Made = []
    while not rounds or (len(rounds) < ROUNDS and sum(rounds) < AGAIN_UNDER):
        # The clock runs for the work alone, and in the kernel: no library has to let go of the interpreter for it.
        signal.setitimer(signal.ITIMER_REAL, seconds)
        started = time.perf_counter()
        made = work()
        rounds.append(time.perf_counter() - started)
        signal.setitimer(signal.ITIMER_REAL, 0)
    after = memory()
    return Answer(min(rounds), before.now if before else None, after.peak if after else None, made)


def main(arguments: list[str]) -> None:
    """Work, and leave the answer in the folder."""
    method, folder, seconds = arguments
    handed: Handed = unpickled(Path(folder) / HANDED)
    pickled(_answered(METHODS[method], handed, float(seconds)), Path(folder) / ANSWER)


if __name__ == "__main__":
    main(sys.argv[1:])
