"""Grouping the people of a run, shared by all workers there are.

Whoever has the run puts its blocks down as rows, does one after another, and so does every other worker that is woken;
a row is done by one at a time, under a lease. What comes out depends on the blocks alone: results are put together in
the order of the rows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from models.bounds import Pool
from models.encoder import Encoder
from models.errors import ModelError
from models.match import Block, Group, MatchSettings, Prepared, Rejected, group_block
from models.pool import pool_of
from service import matching, run_blocks
from service.db import transaction
from service.domain import MunicipalityId, NeedId, RunId
from service.queries import run_blocks as rows
from service.queries.runs import Run
from service.resources import Resources

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1  # between two looks at whether the others are done

Told = Callable[[int, int], None]


async def grouped(
    kring: Resources,
    municipality: MunicipalityId,
    run: Run,
    prepared: Prepared,
    bounds: MatchSettings,
    rejected: tuple[Rejected, ...],
    told: Told,
) -> tuple[list[Group], list[ModelError]]:
    """The groups of all blocks, and what went wrong in single ones. `told`, which may raise, hears how far it is."""
    tasks = run_blocks.parts(prepared.blocks, {theme.id: theme for theme in prepared.themes})
    if len(tasks) < 2:  # nothing to share
        results = [await asyncio.to_thread(_done, task, prepared.pool, bounds, rejected) for task in tasks]
        return run_blocks.groups_of(results)
    async with transaction(kring.pool, municipality) as conn:
        await rows.put(conn, municipality, run.id, run.attempt, tasks)
    while True:
        async with transaction(kring.pool, municipality) as conn:
            claimed = await rows.claim(conn, run.id, kring.settings.lease_seconds)
            left = await rows.left(conn, run.id)
        told(len(tasks) - left, len(tasks))
        if claimed is not None:
            # woken again for each part, as one worker may have taken all wakes that came before
            await kring.queue.wake("blocks", municipality, run.id)
            result = await asyncio.to_thread(_done, claimed.task, prepared.pool, bounds, rejected)
            async with transaction(kring.pool, municipality) as conn:
                await rows.finish(conn, run.id, claimed.number, run.attempt, result)
        elif left:
            await asyncio.sleep(LOOK_SECONDS)
        else:
            break
    async with transaction(kring.pool, municipality) as conn:
        results = await rows.results(conn, run.id)
        await rows.clear(conn, run.id)
    return run_blocks.groups_of(results)


class BlockWorker:
    """Helps with the blocks of a run that another worker has."""

    def __init__(
        self,
        kring: Resources,
        encoder: Callable[[], Awaitable[Encoder]],
        bounds: MatchSettings,
        stopping: asyncio.Event,
    ) -> None:
        self._kring = kring
        self._encoder = encoder
        self._bounds = bounds
        self._stopping = stopping

    async def help(self, key: tuple[MunicipalityId, RunId]) -> bool:
        """Do one part, if there is one nobody is at; whether there may be more."""
        municipality, run_id = key
        encoder = await self._encoder()
        async with transaction(self._kring.pool, municipality) as conn:
            claimed = await rows.claim(conn, run_id, self._kring.settings.lease_seconds)
            if claimed is None:
                return False
            members = [NeedId(one) for one in run_blocks.members_of(claimed.task)]
            needs, vectors = await matching.pool(conn, as_of=claimed.started_at, only=members)
            rejected = await matching.rejected(conn)
        pool = await asyncio.to_thread(pool_of, needs, encoder, vectors)
        result = await asyncio.to_thread(_done, claimed.task, pool, self._bounds, rejected)
        async with transaction(self._kring.pool, municipality) as conn:
            await rows.finish(conn, run_id, claimed.number, claimed.attempt, result)
        log.info("part", run=str(run_id), part=claimed.number)
        return not self._stopping.is_set()


def _done(task: dict[str, Any], pool: Pool, bounds: MatchSettings, rejected: tuple[Rejected, ...]) -> dict[str, Any]:
    """In a thread of its own. A block that goes wrong is told, and holds up no other."""
    groups: list[Group] = []
    failed: list[ModelError] = []
    for theme, block in run_blocks.blocks_of(task):
        try:
            groups += group_block(_there(block, pool), theme, pool, bounds, rejected=rejected)
        except ModelError as error:
            failed.append(error)
    return run_blocks.found(groups, failed)


def _there(block: Block, pool: Pool) -> Block:
    """Without who withdrew since the blocks were made."""
    return Block(block.theme_id, tuple(member for member in block.members if member in pool.row))
