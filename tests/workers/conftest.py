"""What the worker meets outside: a mail server that can refuse, wait, stop and come back, and worker processes."""

import asyncio
import contextlib
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from service import matching
from service.db import transaction
from service.demo.settings import environment
from service.domain import RunId, Staff
from service.processes import free_port
from service.resources import Resources, open_resources
from service.settings import Settings
from service.vault import Sealed
from workers.main import Jobs, work

if TYPE_CHECKING:  # asyncpg's classes take a parameter in its stubs only
    Owner = asyncpg.Connection[asyncpg.Record]
else:
    Owner = asyncpg.Connection

SECONDS = 60.0  # how long a test waits for what must happen; nothing waits this long when all is well


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = SECONDS) -> None:
    """Return as soon as it holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


@dataclass
class Mails:
    """The handler of the mail server: keeps what it took, and does what a test asks of it."""

    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)  # recipient → answer to RCPT
    hold_after: int | None = None  # from this many messages on, the answer to DATA waits for `release`
    holding: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    async def handle_RCPT(  # noqa: N802 - the names are aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.taken.append(mail)
        self.recipients.extend(envelope.rcpt_tos)
        if self.hold_after is not None and len(self.taken) > self.hold_after:
            self.holding.set()
            await asyncio.to_thread(self.release.wait)
        return "250 taken"

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.taken]


class MailServer:
    """On one port of loopback, with or without STARTTLS; can be stopped and started."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.mails = Mails()
        self._tls = tls
        self.port = free_port()
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self.mails, hostname="127.0.0.1", port=self.port, tls_context=self._tls)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self.mails.release.set()
            self._controller.stop()
        self._controller = None


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    server = MailServer(tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with serving() as server:
        yield server


@pytest.fixture
def mails(mail_server: MailServer) -> Mails:
    return mail_server.mails


@pytest.fixture
def settings(settings: Settings, mail_server: MailServer) -> Settings:
    """The settings of every test here: with the mail server, and with a lease that outlives a slow test."""
    return settings.model_copy(update={"smtp_port": mail_server.port})


@pytest.fixture
def jobs(kring: Resources, stopping: asyncio.Event) -> Jobs:
    """The jobs as arq calls them: `await jobs.deliver({}, str(municipality.id))`."""
    return Jobs(kring, stopping)


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


@contextlib.asynccontextmanager
async def running_worker(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """A whole worker in this process: arq, its cron and its supervision. Stops it in order at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(settings, stop))
    try:
        yield task
    finally:
        stop.set()
        await task


@contextlib.contextmanager
def worker_process(settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`kring worker`, as in production; killed at the end if it still runs."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "worker"],
            env=environment(settings) | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        print(f"{log.name}, exit status {process.poll()}:\n{log.read_text()}")  # pytest shows it when the test fails
        process.kill()
        process.wait()


def killed(process: subprocess.Popen[bytes]) -> None:
    """As the power cut or the OOM killer does it."""
    process.send_signal(signal.SIGKILL)
    process.wait()


async def outbox_states(owner: Owner) -> dict[str, int]:
    rows = await owner.fetch("select state, count(*)::int as n from kring.outbox group by state")
    return {row["state"]: row["n"] for row in rows}


async def addresses(kring: Resources, owner: Owner) -> dict[str, str]:
    """Resident → address, out of the vault, leaving no trace of the reading."""
    rows = await owner.fetch("select * from vault.contact")
    return {
        str(row["resident_id"]): kring.vault.open(
            row["resident_id"],
            Sealed(row["key_id"], row["nonce"], row["sealed"], row["key_check"]),
            row["municipality_id"],
        )
        for row in rows
    }


async def waits_for_a_lock(owner: Owner) -> bool:
    """Whether somebody in this database is waiting for a lock that a test holds."""
    return bool(
        await owner.fetchval(
            """
            select exists (select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock')
            """
        )
    )


@pytest.fixture
async def second_owner(settings: Settings) -> AsyncIterator[Owner]:
    """Another connection of the owner: to hold a lock on while `owner` looks."""
    assert settings.migrate_url is not None
    connection = await asyncpg.connect(settings.migrate_url.get_secret_value())
    yield connection
    await connection.close()


@pytest.fixture
async def impatient(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings.model_copy(update={"lease_seconds": 1, "pulse_days": 1})) as resources:
        yield resources


@pytest.fixture
async def hasty(second_owner: Owner) -> Owner:
    """A connection that looks for a deadlock at once, and so would be the one that PostgreSQL ends."""
    await second_owner.execute("set deadlock_timeout = '10ms'")
    return second_owner


async def asked(kring: Resources, staff: Staff) -> RunId:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await matching.request_run(conn, staff)


@contextlib.asynccontextmanager
async def held(second_owner: Owner, table: str, mode: str = "access exclusive") -> AsyncIterator[Owner]:
    """Nobody else reads or writes `table` until the block ends; what the block did with the connection is committed.

    In `share` mode others may still read.
    """
    async with second_owner.transaction():
        await second_owner.execute(f"lock table {table} in {mode} mode")
        yield second_owner
