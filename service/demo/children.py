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


class Child:
    """`kring COMMAND` with these settings; its log is COMMAND.log in the folder."""

    def __init__(self, settings: Settings, folder: Path, command: str) -> None:
        self.name = command
        self._environment = environment(settings)
        self._log = folder / f"{command}.log"
        self.start()

    def start(self) -> None:
        """Also again, once it has ended."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", self.name],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the parent's: it asks its children in order, and the servers last
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only makes two system calls
            )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        end(self._process, signal.SIGTERM, STOP_SECONDS)


@contextmanager
def child(settings: Settings, folder: Path, command: str) -> Iterator[Child]:
    """Runs until the `with` block ends."""
    started = Child(settings, folder, command)
    try:
        yield started
    finally:
        started.stop()
