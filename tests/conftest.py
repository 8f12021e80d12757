"""Real parts for every test: PostgreSQL and Redis from wheels, a database of its own, and the application itself.

Each pytest-xdist worker starts its own servers once (about a second). A template database is migrated once and holds
two municipalities with areas and staff; each test gets a clone of it and an emptied Redis.
"""

import asyncio
import base64
import contextlib
import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import redis
from pydantic import SecretStr

from service.db import connect, transaction
from service.domain import Role, Staff
from service.embedded import EmbeddedServers
from service.migrate import add_municipality, migrate
from service.queries import municipalities
from service.queries.municipalities import Municipality
from service.resources import Resources, open_resources
from service.settings import Settings
from tests.app import App, running

MEMORY = Path("/dev/shm")
MEMORY_LEAST = 2**30  # bytes; containers often have 64 MiB, which is not enough
TEMPLATE = "kring_template"
AREAS = (("BU01", "Binnenstad", 52.1, 5.1), ("BU02", "Havenkwartier", 52.11, 5.12))
VAULT_KEYS = "first:" + base64.b64encode(bytes(range(32))).decode()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-browser",
        action="store_true",
        default=os.environ.get("KRING_REQUIRE_BROWSER") == "1",
        help="a browser test that cannot run is a failure (also KRING_REQUIRE_BROWSER=1)",
    )
    parser.addoption("--pictures", default=None, help="keep the screenshots of the end-to-end test in this folder")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.get_closest_marker("browser") and item.config.getoption("--require-browser"):
        report.outcome = "failed"
        report.longrepr = f"a browser test that cannot run: {call.excinfo.value if call.excinfo else 'skipped'}"
    return report


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser: Debian's package `chromium`, or what KRING_CHROMIUM names."""
    found = os.environ.get("KRING_CHROMIUM") or shutil.which("chromium")
    if not found or not Path(found).exists():
        pytest.skip("no Chromium: install Debian's package chromium, or set KRING_CHROMIUM")
    return Path(found)


# --- servers and databases ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where there is room: a clone is some 300 files, made and removed in half the time there."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_LEAST):
        yield tmp_path_factory.mktemp("servers")
        return
    for left in MEMORY.glob("kring-tests-*"):  # by tests that were killed
        with contextlib.suppress(OSError), (left / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="kring-tests-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def shared_servers(servers_folder: Path) -> Iterator[EmbeddedServers]:
    """For all tests of this worker. A test that stops or kills a server starts its own."""
    with EmbeddedServers(servers_folder, durable=False) as running_servers:
        yield running_servers


def database_url(servers: EmbeddedServers, database: str, credentials: str | None = None) -> str:
    """The URL of one database, as the superuser or as `user:password`."""
    parts = urlsplit(servers.postgres.url)
    who = credentials or parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{who}@{parts.hostname}:{parts.port}", path=f"/{database}"))


def settings_for(servers: EmbeddedServers, database: str) -> Settings:
    """Demo settings on loopback, for one database; `model_copy(update=…)` changes them."""
    return Settings(
        database_url=SecretStr(database_url(servers, database, "kring_web:not-a-secret")),
        migrate_url=SecretStr(database_url(servers, database)),
        redis_url=SecretStr(servers.redis.url),
        secret=SecretStr("a secret of at least 32 characters"),
        vault_keys=SecretStr(VAULT_KEYS),
        base_url="http://127.0.0.1:8000",
        smtp_host="127.0.0.1",
        smtp_tls="none",
        demo=True,
    )


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def template(shared_servers: EmbeddedServers) -> str:
    return make_template(shared_servers)


def make_template(servers: EmbeddedServers) -> str:
    """Migrate and fill the database that each test gets a clone of."""
    asyncio.run(_execute(servers.postgres.url, f"create database {TEMPLATE}"))
    settings = settings_for(servers, TEMPLATE)
    migrate(settings)
    asyncio.run(_populate(settings))
    return TEMPLATE


async def _populate(settings: Settings) -> None:
    assert settings.migrate_url is not None
    pool = await connect(settings.database_url.get_secret_value())
    for slug, name in (("waterdam", "Waterdam"), ("zandhoek", "Zandhoek")):
        municipality = await add_municipality(settings.migrate_url.get_secret_value(), slug, name)
        async with transaction(pool, municipality) as conn:
            for code, area, lat, lon in AREAS:
                await municipalities.put_area(conn, municipality, code=code, name=area, lat=lat, lon=lon)
            for role in Role:
                await municipalities.put_staff(conn, municipality, subject=role, name=f"{role} {name}", roles=[role])
    await pool.close()


@pytest.fixture
async def settings(shared_servers: EmbeddedServers, template: str) -> AsyncIterator[Settings]:
    """Settings for a database of this test alone, and an empty Redis."""
    database = f"test_{uuid.uuid4().hex}"
    admin = shared_servers.postgres.url
    # Copying files goes past the write-ahead log, which would fill the memory; on a disk it is the slower way
    strategy = "file_copy" if shared_servers.folder.is_relative_to(MEMORY) else "wal_log"
    await _execute(admin, f"create database {database} template {template} strategy {strategy}")
    with redis.Redis.from_url(shared_servers.redis.url) as client:
        client.flushall()
    yield settings_for(shared_servers, database)
    await _execute(admin, f"drop database {database} with (force)")


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection as the owner, whom no row-level security binds: to look at everything, and to shift times."""
    assert settings.migrate_url is not None
    connection = await asyncpg.connect(settings.migrate_url.get_secret_value())
    yield connection
    await connection.close()


@pytest.fixture
async def kring(settings: Settings) -> AsyncIterator[Resources]:
    """What a process has: the pool as the application's own role, the queue on Redis, the vault."""
    async with open_resources(settings) as resources:
        yield resources


# --- who and where --------------------------------------------------------------------------------------------------


async def _municipality(kring: Resources, slug: str) -> Municipality:
    async with kring.pool.acquire() as connection:
        found = await municipalities.municipality_by_slug(connection, slug)
    assert found is not None
    return found


@pytest.fixture
async def municipality(kring: Resources) -> Municipality:
    return await _municipality(kring, "waterdam")


@pytest.fixture
async def other_municipality(kring: Resources) -> Municipality:
    return await _municipality(kring, "zandhoek")


async def _staff(kring: Resources, municipality: Municipality, role: Role) -> Staff:
    async with transaction(kring.pool, municipality.id) as conn:
        found = await municipalities.staff_by_subject(conn, role)
    assert found is not None
    return found


@pytest.fixture
async def caseworker(kring: Resources, municipality: Municipality) -> Staff:
    return await _staff(kring, municipality, Role.CASEWORKER)


@pytest.fixture
async def coordinator(kring: Resources, municipality: Municipality) -> Staff:
    return await _staff(kring, municipality, Role.COORDINATOR)


@pytest.fixture
async def manager(kring: Resources, municipality: Municipality) -> Staff:
    return await _staff(kring, municipality, Role.MANAGER)


@pytest.fixture
async def other_caseworker(kring: Resources, other_municipality: Municipality) -> Staff:
    """A caseworker of the other municipality."""
    return await _staff(kring, other_municipality, Role.CASEWORKER)


@pytest.fixture
async def other_coordinator(kring: Resources, other_municipality: Municipality) -> Staff:
    """A coordinator of the other municipality."""
    return await _staff(kring, other_municipality, Role.COORDINATOR)


@pytest.fixture
async def caseworkers(kring: Resources, coordinator: Staff) -> list[Staff]:
    """Three of one municipality: as many as a cell needs."""
    async with transaction(kring.pool, coordinator.municipality) as conn:
        for number in range(3):
            await municipalities.put_staff(
                conn,
                coordinator.municipality,
                subject=f"c{number}",
                name=f"Consulent {number}",
                roles=[Role.CASEWORKER],
            )
        found = [await municipalities.staff_by_subject(conn, f"c{number}") for number in range(3)]
    return [staff for staff in found if staff is not None]


# --- the application ------------------------------------------------------------------------------------------------


@pytest.fixture
async def app(kring: Resources) -> AsyncIterator[App]:
    """The whole application, started; `app.visitor()` and `await app.signed_in(staff)` give clients of it."""
    async with running(kring) as started:
        yield started
