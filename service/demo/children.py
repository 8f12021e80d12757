"""The worker and the web process as children: the same commands as in production, gone when their parent is gone."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.demo.settings import environment
from service.processes import dies_with_parent, end
from service.settings import Settings

STOP_SECONDS = 15.0

Child = subprocess.Popen[bytes]


@contextmanager
def child(settings: Settings, folder: Path, command: str) -> Iterator[Child]:
    """Run `kring COMMAND` with these settings until the `with` block ends; its log is COMMAND.log in the folder."""
    with (folder / f"{command}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", command],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is the parent's: it asks its children in order, and the servers last
            preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only makes two system calls
        )
    try:
        yield process
    finally:
        end(process, signal.SIGTERM, STOP_SECONDS)
