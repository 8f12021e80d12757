"""A worker that is killed, and servers that go and come back: everything owed is done, and hardly anything twice."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from service.db import transaction
from service.demo.settings import environment
from service.domain import RunId, Staff
from service.embedded import EmbeddedServers
from service.queries import runs
from service.resources import Resources
from service.settings import Settings
from tests import factories
from tests.conftest import make_template
from tests.workers.conftest import (
    Mails,
    MailServer,
    Owner,
    addresses,
    asked,
    eventually,
    held,
    killed,
    outbox_states,
    running_worker,
    waits_for_a_lock,
    worker_process,
)

GROUPS, OF = 3, 10
ALL = GROUPS * OF


@pytest.fixture(scope="module")
def shared_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    """Servers of this module alone: its tests stop them."""
    with EmbeddedServers(tmp_path_factory.mktemp("stoppable"), durable=False) as running:
        yield running


@pytest.fixture(scope="module")
def template(shared_servers: EmbeddedServers) -> str:
    return make_template(shared_servers)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sweep_seconds": 1})


@pytest.fixture
def short(settings: Settings) -> Settings:
    """What a dead worker held is found soon; half of it is still long enough to send one message on a busy machine."""
    return settings.model_copy(update={"lease_seconds": 6})


@pytest.fixture(autouse=True)
def _servers_run(shared_servers: EmbeddedServers) -> Iterator[None]:
    """The next test finds them running, whatever this one did."""
    yield
    shared_servers.postgres.start()
    shared_servers.redis.start()


async def owe_messages(kring: Resources, coordinator: Staff) -> None:
    for _ in range(GROUPS):
        await factories.approved(kring, coordinator, OF)


async def sent(kring: Resources, staff: Staff) -> int:
    async with transaction(kring.pool, staff.municipality) as conn:
        count: int = await conn.fetchval("select count(*) from kring.outbox where state = 'sent'")
        return count


async def state(kring: Resources, staff: Staff, run: RunId) -> str:
    async with transaction(kring.pool, staff.municipality) as conn:
        row = await runs.run(conn, run)
    assert row is not None
    return row.state


async def all_sent(kring: Resources, staff: Staff) -> bool:
    return await sent(kring, staff) == ALL


async def holding(mails: Mails) -> bool:
    return mails.holding.is_set()


# --- a worker that is killed or stopped -----------------------------------------------------------------------------


async def test_a_worker_killed_while_sending_repeats_at_most_the_message_in_flight(
    short: Settings, kring: Resources, coordinator: Staff, mails: Mails, owner: Owner, tmp_path: Path
) -> None:
    await owe_messages(kring, coordinator)
    mails.hold_after = 10
    with worker_process(short, tmp_path / "first.log") as first:
        await eventually(lambda: holding(mails))
        killed(first)
    in_flight = mails.ids[-1]
    mails.hold_after = None
    mails.release.set()
    with worker_process(short, tmp_path / "second.log"):
        await eventually(lambda: all_sent(kring, coordinator))
    assert sorted(set(mails.recipients)) == sorted((await addresses(kring, owner)).values())
    assert {number for number, count in Counter(mails.ids).items() if count > 1} <= {in_flight}


async def test_a_run_whose_worker_is_killed_while_storing_is_done_by_the_next(
    short: Settings, kring: Resources, coordinator: Staff, owner: Owner, second_owner: Owner, tmp_path: Path
) -> None:
    await factories.some_people(kring, coordinator, 10)
    run = await asked(kring, coordinator)
    async with held(second_owner, "kring.theme"):
        with worker_process(short, tmp_path / "first.log") as first:
            await eventually(lambda: waits_for_a_lock(owner))
            killed(first)
    with worker_process(short, tmp_path / "second.log"):
        await eventually(lambda: _is_done(kring, coordinator, run))
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") > 0


async def test_a_worker_that_is_asked_to_stop_finishes_the_message_in_flight(
    settings: Settings, kring: Resources, coordinator: Staff, mails: Mails, owner: Owner, tmp_path: Path
) -> None:
    await factories.approved(kring, coordinator)
    mails.hold_after = 0
    with worker_process(settings, tmp_path / "log") as process:
        await eventually(lambda: holding(mails))
        process.send_signal(signal.SIGTERM)
        mails.release.set()
        ended = await asyncio.to_thread(process.wait, 30)
    assert (ended, await outbox_states(owner)) == (0, {"sent": 1, "due": 4})


async def test_the_log_of_a_worker_says_nothing_about_anybody(
    settings: Settings, kring: Resources, coordinator: Staff, mails: Mails, owner: Owner, tmp_path: Path
) -> None:
    invited = await factories.approved(kring, coordinator)
    await factories.some_people(kring, coordinator, 10)
    run = await asked(kring, coordinator)
    known = await addresses(kring, owner)
    for number, person in enumerate(invited.people[:2]):
        address = known[str(person.resident)]
        mails.refusals[address] = f"{450 + 100 * number} 4.2.0 <{address}> not taken"
    with worker_process(settings, tmp_path / "log"):
        await eventually(lambda: _is_done(kring, coordinator, run))
        await eventually(lambda: _sent_is(kring, coordinator, 3))
    said = (tmp_path / "log").read_text()
    assert '"state": "done"' in said
    assert not [word for word in [*known.values(), "voorbeeld.test", "moeder", "/u/", "Bericht van"] if word in said]


def test_a_worker_without_settings_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "worker"],
        env={"PYTHONPATH": ":".join(sys.path), "KRING_BASE_URL": "https://kring.test"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "KRING_DATABASE_URL is missing" in done.stderr
    assert "Traceback" not in done.stderr


async def test_arq_can_tell_whether_a_worker_is_alive(settings: Settings, shared_servers: EmbeddedServers) -> None:
    command = [sys.executable, "-m", "arq", "--check", "workers.main.WorkerSettings"]
    environ = environment(settings) | {"PYTHONPATH": ":".join(sys.path)}

    async def check() -> int:
        done = await asyncio.to_thread(subprocess.run, command, env=environ, capture_output=True, check=False)
        return done.returncode

    async with running_worker(settings):
        await eventually(lambda: _has_key(settings, "kring:queue:health-check"))
        alive = await check()
    assert (alive, await check()) == (0, 1)


# --- servers that go and come back ----------------------------------------------------------------------------------


async def test_messages_go_on_while_redis_is_away(
    settings: Settings, kring: Resources, coordinator: Staff, mails: Mails, shared_servers: EmbeddedServers
) -> None:
    await owe_messages(kring, coordinator)
    mails.hold_after = 5
    async with running_worker(settings):
        await eventually(lambda: holding(mails))
        shared_servers.redis.stop()
        mails.release.set()
        await eventually(lambda: all_sent(kring, coordinator))
    assert len(mails.taken) == ALL


async def test_a_worker_works_again_when_redis_is_back(
    settings: Settings, kring: Resources, coordinator: Staff, mails: Mails, shared_servers: EmbeddedServers
) -> None:
    async with running_worker(settings):
        await eventually(lambda: _has_key(settings, "kring:queue:health-check"))
        shared_servers.redis.stop()
        await owe_messages(kring, coordinator)
        shared_servers.redis.start()
        await eventually(lambda: all_sent(kring, coordinator))
    assert len(mails.taken) == ALL


async def test_redis_emptied_while_sending_loses_nothing(
    settings: Settings, kring: Resources, coordinator: Staff, mails: Mails
) -> None:
    await owe_messages(kring, coordinator)
    mails.hold_after = 5
    async with running_worker(settings):
        await eventually(lambda: holding(mails))
        with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
            client.flushall()
        mails.release.set()
        await factories.approved(kring, coordinator, 1 + OF)
        await eventually(lambda: _sent_is(kring, coordinator, ALL + 1 + OF))
    assert len(mails.taken) == ALL + 1 + OF


async def test_a_run_asked_for_while_redis_is_away_is_done(
    settings: Settings, kring: Resources, coordinator: Staff, shared_servers: EmbeddedServers
) -> None:
    async with running_worker(settings):
        await eventually(lambda: _has_key(settings, "kring:queue:health-check"))
        shared_servers.redis.stop()
        run = await asked(kring, coordinator)
        assert not await kring.queue.wake("match", coordinator.municipality, run)
        shared_servers.redis.start()
        await eventually(lambda: _is_done(kring, coordinator, run))


async def test_postgres_restarted_while_sending_repeats_nothing(
    settings: Settings, kring: Resources, coordinator: Staff, mails: Mails, shared_servers: EmbeddedServers
) -> None:
    await owe_messages(kring, coordinator)
    mails.hold_after = 5
    with capture_logs() as said:
        async with running_worker(settings):
            await eventually(lambda: holding(mails))
            await asyncio.to_thread(shared_servers.postgres.stop)
            mails.release.set()
            await eventually(lambda: _contains(said, "not_noted"))
            shared_servers.postgres.start()
            await eventually(lambda: all_sent(kring, coordinator))
    assert len(mails.taken) == ALL


async def test_a_run_that_postgres_interrupted_is_done_when_it_is_back(
    short: Settings,
    kring: Resources,
    coordinator: Staff,
    owner: Owner,
    second_owner: Owner,
    shared_servers: EmbeddedServers,
) -> None:
    await factories.some_people(kring, coordinator, 10)
    run = await asked(kring, coordinator)
    async with running_worker(short):
        lock = second_owner.transaction()
        await lock.start()
        await second_owner.execute("lock table kring.theme in access exclusive mode")
        await eventually(lambda: waits_for_a_lock(owner))
        await asyncio.to_thread(shared_servers.postgres.stop)
        shared_servers.postgres.start()
        await eventually(lambda: _is_done(kring, coordinator, run))


async def test_a_worker_waits_for_postgres_and_redis_that_are_not_there_yet(
    settings: Settings, kring: Resources, coordinator: Staff, shared_servers: EmbeddedServers, tmp_path: Path
) -> None:
    await owe_messages(kring, coordinator)
    await asyncio.to_thread(shared_servers.postgres.stop)
    shared_servers.redis.stop()
    with worker_process(settings, tmp_path / "log"):
        await eventually(lambda: _says(tmp_path / "log", "database_unreachable"))
        shared_servers.postgres.start()
        await eventually(lambda: _says(tmp_path / "log", "queue_unreachable"))
        shared_servers.redis.start()
        await eventually(lambda: all_sent(kring, coordinator))


async def test_what_a_mail_server_missed_goes_when_it_is_back(
    settings: Settings, kring: Resources, coordinator: Staff, mail_server: MailServer
) -> None:
    await owe_messages(kring, coordinator)
    mail_server.stop()
    async with running_worker(settings):
        await eventually(lambda: _tried(kring, coordinator))
        mail_server.start()
        await eventually(lambda: all_sent(kring, coordinator))
    assert len(mail_server.mails.taken) == ALL


async def _is_done(kring: Resources, staff: Staff, run: RunId) -> bool:
    return await state(kring, staff, run) == "done"


async def _sent_is(kring: Resources, staff: Staff, count: int) -> bool:
    return await sent(kring, staff) == count


async def _tried(kring: Resources, staff: Staff) -> bool:
    async with transaction(kring.pool, staff.municipality) as conn:
        return bool(await conn.fetchval("select sum(attempts) > 1 from kring.outbox"))


async def _has_key(settings: Settings, key: str) -> bool:
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        return bool(client.exists(key))


async def _contains(said: Sequence[Mapping[str, Any]], state: str) -> bool:
    return any(line.get("state") == state for line in said)


async def _says(log: Path, event: str) -> bool:
    return event in log.read_text()  # noqa: ASYNC240  a small local file
