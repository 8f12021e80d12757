"""What we ask of the operating system for a process we start: a free port, a private file, an end when ours ends."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Loaded here: between fork and exec nothing may be imported or looked up. Other systems have no such signal.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def dies_with_parent(how: signal.Signals) -> Callable[[], None]:
    """For the child, between fork and exec: be sent `how` when the parent ends, even by SIGKILL."""
    parent = os.getpid()

    def arrange() -> None:
        if _PRCTL is None:
            return
        _PRCTL(PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the call above
            os._exit(1)

    return arrange


def end(process: subprocess.Popen[bytes], how: signal.Signals, seconds: float) -> None:
    """Ask with `how`; kill what has not ended after `seconds`."""
    process.send_signal(how)  # does nothing to a process that has ended
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port of loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_private(path: Path, text: str) -> None:
    """A new file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
