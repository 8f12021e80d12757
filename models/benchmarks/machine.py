"""What the numbers were measured on, and how much memory a process holds."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
MIB: Final = 1024.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, in MiB: what is resident now, and the most that ever was."""

    now: float
    peak: float


@dataclass(frozen=True, slots=True)
class Machine:
    """`cores` are those this process may use; `memory_gib` is None where the system does not tell."""

    cpu: str
    cores: int
    memory_gib: float | None
    versions: dict[str, str]


def memory(process: int | None = None) -> Memory | None:
    """Memory of a process, of this one when None; None when it is gone, or where the system does not tell.

    Linux tells. Not `ru_maxrss`: that starts at what the process that started this one held.
    """
    try:
        status = (PROC / str(process or "self") / "status").read_text("utf-8")
    except OSError:
        return None
    now, peak = (re.search(rf"{field}:\s+(\d+) kB", status) for field in ("VmRSS", "VmHWM"))
    return Memory(int(now[1]) / MIB, int(peak[1]) / MIB) if now and peak else None


def machine(packages: Sequence[str]) -> Machine:
    """This machine, and the versions of Python and of these packages as far as they are installed."""
    versions = {"Python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return Machine(_cpu(), _cores(), _gib(), versions)


def _cpu() -> str:
    try:
        named = re.search(r"^model name\s*:\s*(.+)$", (PROC / "cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        named = None
    return named[1].strip() if named else platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gib() -> float | None:
    try:
        total = re.search(r"MemTotal:\s+(\d+) kB", (PROC / "meminfo").read_text("utf-8"))
    except OSError:
        return None
    return int(total[1]) / MIB / MIB if total else None
