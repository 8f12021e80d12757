"""The servers that `make demo` and the tests start: they keep their data, and nothing of them outlives its parent."""

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from service.embedded import EmbeddedServers, FolderInUse, ServerFailed

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")

HOLDER = """
import sys
from pathlib import Path
from service.embedded import EmbeddedServers

with EmbeddedServers(Path(sys.argv[1]), durable=False) as servers:
    print(servers.postgres.pid, servers.redis.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kring"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    with EmbeddedServers(tmp_path_factory.mktemp("shared"), durable=False) as running:
        yield running


@pytest.fixture
def servers(shared: EmbeddedServers) -> EmbeddedServers:
    """One pair for all tests, running again whatever the test before did to it."""
    shared.postgres.start()
    shared.redis.start()
    return shared


@pytest.fixture
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Another process that holds the folder, and the process ids of its servers."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, [int(pid) for pid in process.stdout.readline().split()]
        process.kill()


async def _note(servers: EmbeddedServers) -> None:
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        await connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")
    finally:
        await connection.close()


async def _noted(servers: EmbeddedServers) -> object:
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        return await connection.fetchval("SELECT text FROM note")
    finally:
        await connection.close()


def _redis(servers: EmbeddedServers) -> redis.Redis:
    return redis.Redis.from_url(servers.redis.url, decode_responses=True)


def _ends(pid: int, seconds: float = 20) -> bool:
    """Wait until a process that need not be a child of ours has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


async def test_postgres_keeps_its_data_from_one_start_to_the_next(folder: Path) -> None:
    with EmbeddedServers(folder, durable=False) as first:
        await _note(first)
    with EmbeddedServers(folder, durable=False) as second:
        assert await _noted(second) == "kept"


def test_redis_keeps_its_data_from_one_start_to_the_next(folder: Path) -> None:
    with EmbeddedServers(folder, durable=False) as first, _redis(first) as client:
        client.set("note", "kept")
    with EmbeddedServers(folder, durable=False) as second, _redis(second) as client:
        assert client.get("note") == "kept"


async def test_a_killed_postgres_comes_back_on_its_port_with_what_was_committed(servers: EmbeddedServers) -> None:
    url = servers.postgres.url
    await _note(servers)
    servers.postgres.kill()
    servers.postgres.start()
    assert (servers.postgres.url, await _noted(servers)) == (url, "kept")


def test_a_killed_redis_comes_back_on_its_port_with_what_was_written(servers: EmbeddedServers) -> None:
    url = servers.redis.url
    with _redis(servers) as client:
        client.set("note", "kept")
    servers.redis.kill()
    servers.redis.start()
    with _redis(servers) as client:
        assert (servers.redis.url, client.get("note")) == (url, "kept")


async def test_postgres_is_unicode_and_has_pgvector(servers: EmbeddedServers) -> None:
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        await connection.execute("CREATE EXTENSION vector")
        row = await connection.fetchrow("SELECT upper('é') AS upper, '[0,3]'::vector <-> '[4,0]' AS distance")
    finally:
        await connection.close()
    assert row is not None
    assert tuple(row) == ("É", 5.0)


async def test_postgres_refuses_a_wrong_password(servers: EmbeddedServers) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(servers.postgres.url, password="guess")


def test_redis_refuses_a_guest(servers: EmbeddedServers) -> None:
    with redis.Redis(port=servers.redis.port) as guest, pytest.raises(redis.AuthenticationError):
        guest.ping()


@only_linux
def test_no_password_is_in_the_process_list(servers: EmbeddedServers) -> None:
    passwords = {(servers.folder / name / "password").read_text() for name in ("postgres", "redis")}
    shown = "".join(Path(f"/proc/{server.pid}/cmdline").read_text() for server in (servers.postgres, servers.redis))
    assert not [password for password in passwords if password in shown]


def test_only_the_owner_can_read_a_password(servers: EmbeddedServers) -> None:
    secret = [
        servers.folder / "postgres/password",
        servers.folder / "redis/password",
        servers.folder / "redis/redis.conf",
    ]
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}


async def test_the_log_does_not_repeat_a_refused_row(servers: EmbeddedServers) -> None:
    connection = await asyncpg.connect(servers.postgres.url)
    try:
        await connection.execute("CREATE TABLE short (text text CHECK (length(text) < 3))")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO short VALUES ($1)", "a private thing")
    finally:
        await connection.close()
    assert "a private thing" not in (servers.folder / "postgres/log").read_text()


def test_a_folder_in_use_is_refused_and_named(servers: EmbeddedServers) -> None:
    with pytest.raises(FolderInUse, match=str(servers.folder)), EmbeddedServers(servers.folder):
        pass


def test_a_server_that_cannot_start_shows_the_end_of_its_log(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        servers = EmbeddedServers(folder, durable=False)
        servers.redis.port = taken.getsockname()[1]
        with pytest.raises(ServerFailed, match="Address already in use"), servers:
            pass


def test_a_failed_start_leaves_the_folder_free(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        servers = EmbeddedServers(folder, durable=False)
        servers.redis.port = taken.getsockname()[1]
        with pytest.raises(ServerFailed), servers:
            pass
    with EmbeddedServers(folder, durable=False) as again:
        assert again.postgres.running


async def test_a_first_start_that_was_cut_off_is_done_over(folder: Path) -> None:
    (folder / "postgres/data.new").mkdir(parents=True)
    (folder / "postgres/data.new/PG_VERSION").write_text("1")
    with EmbeddedServers(folder, durable=False) as servers:
        assert servers.postgres.running


@only_linux
def test_a_pid_file_that_names_a_stranger_is_no_obstacle(folder: Path) -> None:
    with EmbeddedServers(folder, durable=False):
        pid_file = folder / "postgres/data/postmaster.pid"
        text = pid_file.read_text().split("\n", 1)[1]
    pid_file.write_text(f"{os.getpid()}\n{text}")
    with EmbeddedServers(folder, durable=False) as servers:
        assert servers.postgres.running


@only_linux
def test_nothing_is_left_when_the_parent_is_killed(holder: tuple[subprocess.Popen[str], list[int]]) -> None:
    parent, pids = holder
    family = [*pids, *(int(pid) for pid in Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split())]
    parent.kill()
    assert [pid for pid in family if not _ends(pid)] == []


@only_linux
def test_a_folder_whose_holder_was_killed_starts_at_once(
    holder: tuple[subprocess.Popen[str], list[int]], folder: Path
) -> None:
    holder[0].kill()
    holder[0].wait()
    with EmbeddedServers(folder, durable=False) as servers:
        assert servers.postgres.running


def test_ctrl_c_does_not_reach_the_servers_before_kring(servers: EmbeddedServers) -> None:
    assert servers.postgres.pid is not None
    assert servers.redis.pid is not None
    assert os.getpgid(0) not in {os.getpgid(servers.postgres.pid), os.getpgid(servers.redis.pid)}


def test_stopping_twice_is_harmless(servers: EmbeddedServers) -> None:
    servers.postgres.stop()
    servers.postgres.stop()
    assert not servers.postgres.running


def test_a_thread_that_ends_early_may_not_start_servers(servers: EmbeddedServers) -> None:
    servers.redis.stop()
    refused: list[BaseException] = []

    def start() -> None:
        try:
            servers.redis.start()
        except RuntimeError as error:
            refused.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert refused


def test_a_stop_is_clean(servers: EmbeddedServers) -> None:
    servers.postgres.stop()
    assert "database system is shut down" in (servers.folder / "postgres/log").read_text()
