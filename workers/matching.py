"""A run of the matching: take it, read the pool, let the engine compute in a thread, store what it found.

No transaction is open while the engine computes. A heartbeat keeps the lease and shows progress; a worker that lost the
lease, or is asked to stop, ends at the engine's next step and stores nothing.
"""

import asyncio
import time
from dataclasses import replace

import asyncpg
import numpy as np
import structlog

from models.encoder import Encoder, Vector, load_encoder
from models.errors import ModelError
from models.match import finish, prepare
from models.need import Need
from models.plan import Plan, Progress, Stage
from service import joining, matching
from service.db import AWAY, transaction
from service.domain import MunicipalityId, RunId
from service.errors import LeaseLost
from service.logs import where
from service.queries import municipalities, runs
from service.resources import Resources
from workers.blocks import grouped

log = structlog.get_logger(__name__)

CRASHES_MOST = 3  # attempts that end in an error of our own, before the run is given up
TAKEN_MOST = 10  # attempts of any kind: a run that took down this many workers will take down the next
STORE_MOST = 3  # times we start over because people withdrew or moved between reading and storing
PROGRESS_SECONDS = 1.0
ENCODED_AT_ONCE = 2_000  # notes; a slow encoder keeps what it has read when the worker stops
# Somebody withdrew, was seated or was declared apart while we computed; or two transactions were in each other's way.
CHANGED_MEANWHILE = (asyncpg.IntegrityConstraintViolationError, asyncpg.TransactionRollbackError)


class Stopped(Exception):
    """The worker was asked to stop: the run goes back, for the next worker."""


class Telling:
    """What the engine's thread tells and is told: how far it is, and whether to go on. Plain fields."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.phase, self.done, self.total = "loading", 0, 0
        self.lost = False
        self._stopping = stopping

    def tell(self, progress: Progress) -> None:
        """Called from the engine's thread; raises what ends it."""
        self.phase, self.done, self.total = progress.stage.value, progress.done, progress.total
        if self._stopping.is_set():
            raise Stopped
        if self.lost:
            raise LeaseLost


class Matcher:
    """Does runs; keeps the encoder, which is heavy, from one run to the next."""

    def __init__(self, kring: Resources, stopping: asyncio.Event) -> None:
        self._kring = kring
        self._stopping = stopping
        self._encoder: Encoder | None = None
        self._bounds = matching.bounds(kring.settings)

    async def run(self, key: tuple[MunicipalityId, RunId]) -> bool:
        """Do a run that is waiting, or was left by a silent worker; False, as there is no more. Twice does nothing."""
        municipality, run_id = key
        async with transaction(self._kring.pool, municipality) as conn:
            run = await runs.claim_run(conn, run_id, self._kring.settings.lease_seconds)
        if run is None:
            return False
        log.info("run", run=str(run.id), state="running", attempt=run.attempt)
        telling = Telling(self._stopping)
        beating = asyncio.create_task(self._beat(municipality, run, telling))
        try:
            await self._compute_and_store(municipality, run, telling)
        except Exception as error:
            await self._ended(municipality, run, error)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        return False

    async def _compute_and_store(self, municipality: MunicipalityId, run: runs.Run, telling: Telling) -> None:
        if run.attempt > TAKEN_MOST:
            raise ModelError("crashed")
        encoder = await self.loaded()
        for tries_left in reversed(range(STORE_MOST)):
            plan, pooled, failed = await self._planned(municipality, run, encoder, telling)
            try:
                async with transaction(self._kring.pool, municipality) as conn:
                    drafts = await matching.store(conn, municipality, run, plan, pooled=pooled, failed=failed)
            except CHANGED_MEANWHILE as error:
                if not tries_left:
                    raise
                log.info("run", run=str(run.id), state="again", error=type(error).__name__)
            else:
                log.info("run", run=str(run.id), state="done", count=drafts)
                return

    async def _planned(
        self, municipality: MunicipalityId, run: runs.Run, encoder: Encoder, telling: Telling
    ) -> tuple[Plan, int, list[ModelError]]:
        """What the engine makes of the pool as it is now, how many needs that are, and what went wrong in blocks."""
        async with transaction(self._kring.pool, municipality) as conn:
            needs, known = await matching.pool(conn, as_of=run.started_at)
            past = await matching.past_themes(conn)
            rejected = await matching.rejected(conn)
            platforms, known_members = await joining.open_platforms(conn)
            bounds = replace(self._bounds, neighbours=await municipalities.neighbours(conn, municipality))
        members = [member for platform in platforms for member in platform.members]
        vectors = await self._encoded(municipality, [*needs, *members], known | known_members, encoder, telling)
        prepared = await asyncio.to_thread(
            prepare,
            needs,
            encoder=encoder,
            vectors=vectors,
            settings=bounds,
            platforms=platforms,
            past=past,
            seed=run.seed,
            progress=telling.tell,
        )

        def told(done: int, total: int) -> None:
            telling.tell(Progress(Stage.GROUPS, done, total))

        groups, failed = await grouped(self._kring, municipality, run, prepared, bounds, rejected, told)
        return await asyncio.to_thread(finish, prepared, groups, bounds), len(needs), failed

    async def _encoded(
        self,
        municipality: MunicipalityId,
        needs: list[Need],
        known: dict[str, Vector],
        encoder: Encoder,
        telling: Telling,
    ) -> dict[str, Vector]:
        """Vectors of all needs by this encoder. What it had not read yet, or another one did, is read and kept."""
        ours = {
            need: vector
            for need, vector in known.items()
            # one that was damaged is made anew, and holds up nobody
            if vector.model_id == encoder.model_id and bool(np.isfinite(vector.values).all())
        }
        unread = [need for need in needs if need.id not in ours]
        for start in range(0, len(unread), ENCODED_AT_ONCE):
            telling.tell(Progress(Stage.ENCODING, start, len(unread)))
            part = unread[start : start + ENCODED_AT_ONCE]
            rows = await asyncio.to_thread(encoder.encode, [need.text for need in part])
            made = {need.id: Vector(encoder.model_id, row) for need, row in zip(part, rows, strict=True)}
            async with transaction(self._kring.pool, municipality) as conn:
                await matching.keep_vectors(conn, made)
            ours |= made
        return ours

    async def loaded(self) -> Encoder:
        """The encoder, read when it is first needed."""
        if self._encoder is None:
            self._encoder = await asyncio.to_thread(load_encoder, self._kring.settings.encoder)
        return self._encoder

    async def _beat(self, municipality: MunicipalityId, run: runs.Run, telling: Telling) -> None:
        """Keep the lease well within its time, and write progress down when there is some."""
        lease = self._kring.settings.lease_seconds
        written, at = (telling.phase, telling.done, telling.total), time.monotonic()
        while not telling.lost:
            await asyncio.sleep(min(PROGRESS_SECONDS, lease / 3))
            told = telling.phase, telling.done, telling.total
            if told == written and time.monotonic() - at < lease / 3:
                continue
            try:
                async with transaction(self._kring.pool, municipality) as conn:
                    ours = await runs.beat(conn, run.id, run.attempt, phase=told[0], done=told[1], total=told[2])
            except (*AWAY, asyncpg.PostgresError):
                continue  # the database is away: the lease may be lost, and storing will find out
            written, at = told, time.monotonic()
            telling.lost = not ours

    async def _ended(self, municipality: MunicipalityId, run: runs.Run, error: Exception) -> None:
        """The run ended without a result: given back, lost, failed with a reason, or left for the sweep to find."""
        state, code = "left", where(error)
        async with transaction(self._kring.pool, municipality) as conn:
            match error:
                case Stopped():
                    state = "queued"
                    await runs.release_run(conn, run.id, run.attempt)
                case LeaseLost():
                    state = "lost"
                case ModelError():
                    state, code = "failed", error.code
                    await runs.fail_run(conn, run.id, run.attempt, error.code, dict(error.params))
                case _ if run.attempt >= CRASHES_MOST and not isinstance(error, AWAY):
                    state = "failed"
                    await runs.fail_run(conn, run.id, run.attempt, "crashed", {})
                case _:
                    pass
        log.warning("run", run=str(run.id), state=state, attempt=run.attempt, error=type(error).__name__, code=code)
