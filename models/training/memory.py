"""How much memory a measurement took."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

STATUS: Final = Path("/proc/self/status")


def peak_mb() -> float | None:
    """Most resident memory of this process so far, in MB; None where the system does not tell (Linux does).

    Not `ru_maxrss`: that starts at what the process that started this one held.
    """
    if not STATUS.is_file():
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text("ascii"))
    return int(found[1]) * 1024 / 1e6 if found else None
