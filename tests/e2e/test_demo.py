"""`kring demo` as a newcomer meets it: it says it is ready, it is, and Ctrl-C leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from service.processes import free_port

READY_SECONDS = 120.0
STOP_SECONDS = 30.0


@contextmanager
def demo(folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "service.cli", "demo", "--folder", str(folder), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def address(process: subprocess.Popen[str]) -> str:
    """Read what the demo says until it is ready; where it says to look."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if ready := re.search(r"Kring is ready: (\S+)", line):
            return ready[1]
    raise AssertionError(f"the demo ended before it was ready:\n{said}")


def left_behind(folder: Path) -> list[str]:
    """Processes that still work for the demo in `folder`: by where they are, what they read, or what they were told."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            where = str((process / "cwd").readlink())
        except OSError:
            continue
        if str(folder).encode() in told or where.startswith(str(folder)):
            found.append(f"{process.name} {told[:80]!r}")
    return found


def test_the_demo_gets_ready_stops_cleanly_and_starts_again(tmp_path: Path) -> None:
    folder = tmp_path / "kring"
    with demo(folder, "--port", str(free_port())) as process:
        url = address(process)
        people = httpx.get(f"{url}/aanmelden").text
        assert "Aanmelden als Bilal" in people
        assert "@elzermeer.example" in httpx.get(f"{url}/post").text
        token = {"authorization": f"Bearer {(folder / 'api-token').read_text()}"}
        assert len(httpx.get(f"{url}/api/v1/hulpvragen", headers=token).json()["hulpvragen"]) == 20
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_SECONDS) == 0
    assert left_behind(folder) == []
    with demo(folder, "--port", str(free_port())) as process:
        assert "@elzermeer.example" in httpx.get(f"{address(process)}/post").text


def test_a_killed_demo_takes_everything_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "kring"
    with demo(folder, "--port", str(free_port())) as process:
        assert process.stdout is not None
        while "Database" not in process.stdout.readline():
            pass
        process.kill()
    deadline = time.monotonic() + STOP_SECONDS
    while left_behind(folder):
        assert time.monotonic() < deadline, left_behind(folder)
        time.sleep(0.1)


def _worker(folder: Path) -> int:
    """The number of the worker's process, by the settings it was given."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes()
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(folder).encode() in told and b"worker" in words:
            return int(process.name)
    raise AssertionError("the worker does not run")


def test_what_dies_in_the_demo_is_started_again(tmp_path: Path) -> None:
    folder = tmp_path / "kring"
    with demo(folder, "--port", str(free_port())) as process:
        url = address(process)
        assert process.stdout is not None
        redis = int((folder / "redis" / "redis.pid").read_text())
        for name, running in {"worker": _worker(folder), "redis": redis}.items():
            os.kill(running, signal.SIGKILL)
            while f"{name} stopped; started again" not in process.stdout.readline():
                assert process.poll() is None
        assert httpx.get(f"{url}/aanmelden").status_code == 200


def test_two_demos_in_one_folder_is_one_clear_line(tmp_path: Path) -> None:
    folder = tmp_path / "kring"
    with demo(folder, "--port", str(free_port())) as first:
        assert first.stdout is not None
        while "PostgreSQL" not in first.stdout.readline():
            pass
        with demo(folder) as second:
            assert second.wait(READY_SECONDS) == 2
            assert second.stdout is not None
            assert "is in use by another Kring" in second.stdout.read()
