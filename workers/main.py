"""The worker process: arq's worker with the jobs there are, kept running until it is asked to stop.

arq's worker ends when its connection with Redis drops. What it had under way goes on here, because the rows it works
on are in PostgreSQL; only picking up new jobs waits for Redis. PostgreSQL that is away fails a job and nothing more:
the sweep, a cron every few seconds, finds again what is owed.
"""

import asyncio
import logging
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog
from arq.connections import ArqRedis
from arq.cron import cron
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func
from redis.exceptions import RedisError

from service import enqueue, logs, matching
from service.domain import Channel, MunicipalityId, RunId
from service.resources import Resources, open_resources
from service.settings import Settings
from workers import upkeep
from workers.blocks import BlockWorker
from workers.channels.smtp import SmtpSender
from workers.delivery import Postman
from workers.matching import Matcher
from workers.turns import Turns

log = structlog.get_logger(__name__)

FOREVER = timedelta(days=1)  # a job's own time limit: leases and time-outs inside the jobs are what counts
STOP_SECONDS = 20.0  # a message in flight, or one step of the engine
HEALTH_SECONDS = 15
BACKOFF_FIRST, BACKOFF_MOST = 0.25, 5.0


class Jobs:
    """The jobs by the names they are enqueued under; arq passes a context dict first, which none of them needs."""

    def __init__(self, kring: Resources, stopping: asyncio.Event) -> None:
        self._kring = kring
        postman = Postman(kring, {Channel.EMAIL: SmtpSender(kring.settings)}, stopping)
        self._deliveries = Turns("deliver", postman.deliver_one, stopping)
        matcher = Matcher(kring, stopping)
        helper = BlockWorker(kring, matcher.loaded, matching.bounds(kring.settings), stopping)
        self._runs = Turns("match", matcher.run, stopping)
        self._blocks = Turns("blocks", helper.help, stopping)

    async def match(self, _: dict[Any, Any], municipality: str, run: str) -> None:
        await self._runs.ask((MunicipalityId(UUID(municipality)), RunId(UUID(run))))

    async def blocks(self, _: dict[Any, Any], municipality: str, run: str) -> None:
        """Help with a run that another worker has; whoever has one itself does its own parts."""
        if not self._runs.busy:
            await self._blocks.ask((MunicipalityId(UUID(municipality)), RunId(UUID(run))))

    async def deliver(self, _: dict[Any, Any], municipality: str) -> None:
        await self._deliveries.ask(MunicipalityId(UUID(municipality)))

    async def sweep(self, _: dict[Any, Any]) -> None:
        try:
            await upkeep.sweep(self._kring)
        except Exception as error:  # PostgreSQL is away; the next sweep comes in seconds
            log.warning("sweep_failed", error=type(error).__name__)


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Raises SettingsError when a key of the vault is wrong."""
    logs.configure(settings.log_level)
    logging.getLogger("arq").setLevel(logging.WARNING)  # its lines repeat ours
    asyncio.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopping.set)
    await work(settings, stopping)


async def work(settings: Settings, stopping: asyncio.Event) -> None:
    """Keep a worker running until `stopping`; then finish the message in flight and give back the run under way."""
    async with _resources(settings, stopping) as kring:
        if kring is None:
            return
        jobs = Jobs(kring, stopping)
        under_way: set[asyncio.Task[Any]] = set()
        log.info("worker", state="started")
        waits = Waits()
        while not stopping.is_set():
            try:
                await _life(settings, jobs, stopping, under_way)
            except (RedisError, OSError) as error:
                waits.log("queue_unreachable", error)
            else:
                waits = Waits()
            await waits.wait(stopping)
        await _finish(under_way)
    log.info("worker", state="stopped")


def _worker(redis: ArqRedis, jobs: Jobs, *, sweep_seconds: int) -> Worker:
    # cast: arq types a job as a function with a name of its own, and ours are methods
    sweep = cast("WorkerCoroutine", jobs.sweep)
    seconds = set(range(0, 60, sweep_seconds))
    return Worker(
        # Nothing is kept in Redis: results stand in PostgreSQL, and a kept result refuses the same id again
        [
            func(cast("WorkerCoroutine", job), name=name, timeout=FOREVER, keep_result=0)
            for name, job in (("match", jobs.match), ("blocks", jobs.blocks), ("deliver", jobs.deliver))
        ],
        cron_jobs=[cron(sweep, name="sweep", second=seconds, run_at_startup=True, timeout=FOREVER)],
        redis_pool=redis,
        queue_name=enqueue.QUEUE,
        handle_signals=False,
        keep_result=0,
        health_check_interval=HEALTH_SECONDS,
        job_serializer=enqueue.serialize,
        job_deserializer=enqueue.deserialize,
    )


async def _life(settings: Settings, jobs: Jobs, stopping: asyncio.Event, under_way: set[asyncio.Task[Any]]) -> None:
    """One arq worker, from its connection to the loss of it, or to `stopping`. Its tasks stay in `under_way`.

    Raises RedisError or OSError when Redis cannot be reached at all; returns when it was, and is lost.
    """
    redis = await enqueue.connect(settings.redis_url.get_secret_value())
    worker = _worker(redis, jobs, sweep_seconds=settings.sweep_seconds)
    log.info("queue", state="connected")
    main = asyncio.create_task(worker.async_run())
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({main, stop}, return_when=asyncio.FIRST_COMPLETED)
    worker.allow_pick_jobs = False
    for task in worker.tasks.values():
        under_way.add(task)
        task.add_done_callback(partial(_ended, under_way))
    if main.done():
        error = main.exception()
        log.warning("queue", state="lost", error=type(error).__name__)
    else:
        await _finish(under_way)
        with suppress(RedisError, OSError):
            await redis.delete(worker.health_check_key)  # so that nobody thinks we live
    for task in (main, stop):
        task.cancel()
    await asyncio.gather(main, stop, return_exceptions=True)
    await redis.aclose()


def _ended(under_way: set[asyncio.Task[Any]], task: asyncio.Task[Any]) -> None:
    """Telling Redis that the job is done fails when Redis is away; that the work is done stands in PostgreSQL."""
    under_way.discard(task)
    if not task.cancelled():
        task.exception()


async def _finish(under_way: set[asyncio.Task[Any]]) -> None:
    """Wait for what was under way, which has seen `stopping`; then stop waiting. Leases keep what is left safe."""
    if not under_way:
        return
    _, late = await asyncio.wait(under_way, timeout=STOP_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


class Waits:
    """Waits longer each time something is away, and says so only the first time."""

    def __init__(self) -> None:
        self._seconds = BACKOFF_FIRST
        self._said = False

    def log(self, event: str, error: Exception) -> None:
        if not self._said:
            log.warning(event, error=type(error).__name__)
        self._said = True

    async def wait(self, stopping: asyncio.Event) -> None:
        """Until the time has passed, or `stopping`."""
        seconds = self._seconds * random.uniform(0.5, 1)  # noqa: S311  spreading load, not a secret
        self._seconds = min(BACKOFF_MOST, self._seconds * 2)
        try:
            await asyncio.wait_for(stopping.wait(), seconds)
        except TimeoutError:
            return


@asynccontextmanager
async def _resources(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Resources | None]:
    """Open them, waiting for PostgreSQL as long as it takes; None when asked to stop before it came."""
    waits = Waits()
    kring = None
    async with AsyncExitStack() as stack:
        while kring is None and not stopping.is_set():
            try:
                kring = await stack.enter_async_context(open_resources(settings))
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                waits.log("database_unreachable", error)
                await waits.wait(stopping)
        yield kring


def __getattr__(name: str) -> Any:
    """`arq --check workers.main.WorkerSettings` asks whether a worker is alive; made when it asks."""
    if name != "WorkerSettings":
        raise AttributeError(name)
    settings = Settings()
    redis_settings = enqueue.redis_settings(settings.redis_url.get_secret_value())
    return {"redis_settings": redis_settings, "queue_name": enqueue.QUEUE}
