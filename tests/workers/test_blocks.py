"""Any number of workers share the blocks of one run, and what comes out does not depend on how many."""

import asyncio
from typing import Any

import pytest

from models.bundled import bundled
from models.errors import ModelError
from models.match import Group, MatchSettings, Prepared, match, prepare
from models.pool import pool_of
from service import matching, run_blocks
from service.db import transaction
from service.domain import Staff
from service.queries import run_blocks as rows
from service.queries import runs
from service.resources import Resources
from tests import factories
from tests.workers.conftest import Owner, asked
from workers import blocks
from workers.blocks import BlockWorker, grouped
from workers.main import Jobs

BOUNDS = MatchSettings()
QUESTIONS = (
    "Zit in de schuldsanering en leeft van weekgeld, de deurwaarder belt aan.",
    "Weduwe sinds dit voorjaar, haar man is overleden en de avonden zijn lang.",
    "Mevrouw is opgebrand en zit met een burn-out ziek thuis van haar werk.",
    "Meneer kan nauwelijks lezen en schrijven en vraagt zijn dochter om hulp met brieven.",
)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block is a part, so that a few people make some."""
    monkeypatch.setattr(run_blocks, "PART_PEOPLE", 1)


async def people(kring: Resources, staff: Staff) -> None:
    for question in QUESTIONS:
        for _ in range(7):
            await factories.submit(kring, staff, text=question)


async def prepared(kring: Resources, staff: Staff, run: runs.Run) -> Prepared:
    async with transaction(kring.pool, staff.municipality) as conn:
        needs, _ = await matching.pool(conn, as_of=run.started_at)
    return prepare(needs, encoder=bundled(), seed=run.seed)


async def whole(kring: Resources, staff: Staff, run: runs.Run) -> tuple[Group, ...]:
    """What the engine finds by itself."""
    async with transaction(kring.pool, staff.municipality) as conn:
        needs, _ = await matching.pool(conn, as_of=run.started_at)
    return match(needs, encoder=bundled(), seed=run.seed).groups


def nothing(_done: int, _total: int) -> None: ...


async def encoder() -> Any:
    return bundled()


@pytest.mark.parametrize("workers", [1, 2, 4])
async def test_the_groups_are_the_same_whatever_the_number_of_workers(
    kring: Resources, coordinator: Staff, workers: int
) -> None:
    await people(kring, coordinator)
    run = await factories.claimed_run(kring, coordinator)
    pool = await prepared(kring, coordinator, run)
    assert len(pool.blocks) >= 4
    here = coordinator.municipality
    stopping = asyncio.Event()
    helped = 0

    async def help_along() -> None:
        nonlocal helped
        helper = BlockWorker(kring, encoder, BOUNDS, stopping)
        while await helper.help((here, run.id)):
            helped += 1

    async def lead() -> list[Group]:
        found, failed = await grouped(kring, here, run, pool, BOUNDS, (), nothing)
        assert failed == []
        return found

    if workers == 1:
        groups = await lead()
    else:
        # the others do everything there is before the one who has the run looks again
        async with transaction(kring.pool, here) as conn:
            tasks = run_blocks.parts(pool.blocks, {theme.id: theme for theme in pool.themes})
            await rows.put(conn, here, run.id, run.attempt, tasks)
        await asyncio.gather(*(help_along() for _ in range(workers - 1)))
        assert helped == len(tasks)
        async with transaction(kring.pool, here) as conn:
            groups, _ = run_blocks.groups_of(await rows.results(conn, run.id))
    assert tuple(groups) == await whole(kring, coordinator, run)
    assert len(groups) >= 4


async def test_a_part_that_a_silent_worker_took_is_done_by_another(kring: Resources, coordinator: Staff) -> None:
    await people(kring, coordinator)
    run = await factories.claimed_run(kring, coordinator)
    pool = await prepared(kring, coordinator, run)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await rows.put(conn, here, run.id, run.attempt, run_blocks.parts(pool.blocks, {t.id: t for t in pool.themes}))
        assert (await rows.claim(conn, run.id, lease_seconds=0)) is not None
    helper = BlockWorker(kring, encoder, BOUNDS, asyncio.Event())
    while await helper.help((here, run.id)):
        pass
    async with transaction(kring.pool, here) as conn:
        assert await rows.left(conn, run.id) == 0


async def test_a_part_is_done_by_one_worker_at_a_time(kring: Resources, coordinator: Staff) -> None:
    await people(kring, coordinator)
    run = await factories.claimed_run(kring, coordinator)
    pool = await prepared(kring, coordinator, run)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await rows.put(conn, here, run.id, run.attempt, run_blocks.parts(pool.blocks, {t.id: t for t in pool.themes}))

    async def claim() -> int | None:
        async with transaction(kring.pool, here) as conn:
            found = await rows.claim(conn, run.id, lease_seconds=60)
            await asyncio.sleep(0.05)  # the others come while this one is not committed yet
            return found.number if found else None

    claimed = await asyncio.gather(*(claim() for _ in range(len(pool.blocks) + 2)))
    numbers = sorted(number for number in claimed if number is not None)
    assert numbers == list(range(len(pool.blocks)))


async def test_parts_of_an_attempt_that_is_over_are_nobodys_work(kring: Resources, coordinator: Staff) -> None:
    await people(kring, coordinator)
    run = await factories.claimed_run(kring, coordinator)
    pool = await prepared(kring, coordinator, run)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        tasks = run_blocks.parts(pool.blocks, {t.id: t for t in pool.themes})
        await rows.put(conn, here, run.id, run.attempt - 1, tasks)
        assert await rows.claim(conn, run.id, lease_seconds=60) is None


async def test_a_block_that_goes_wrong_holds_up_no_other_and_the_run_says_so(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(kring, coordinator)
    real = blocks.group_block

    def breaks(block: Any, theme: Any, *rest: Any, **more: Any) -> Any:
        if theme.id == "t1":
            raise ModelError("a_test_breaks_this", theme=theme.id)
        return real(block, theme, *rest, **more)

    monkeypatch.setattr(blocks, "group_block", breaks)
    run = await asked(kring, coordinator)
    await jobs.match({}, str(coordinator.municipality), str(run))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        done = await runs.run(conn, run)
    assert done is not None
    assert (done.state, done.error_code) == ("done", "a_test_breaks_this")
    assert await owner.fetchval("select count(*) from kring.proposal") >= 3
    assert await owner.fetchval("select count(*) from kring.run_block") == 0


async def test_who_withdrew_since_the_blocks_were_made_is_in_no_group(kring: Resources, coordinator: Staff) -> None:
    await people(kring, coordinator)
    run = await factories.claimed_run(kring, coordinator)
    pool = await prepared(kring, coordinator, run)
    gone = pool.blocks[0].members[0]
    without = pool_of([need for need in pool.pool.needs if need.id != gone], bundled())
    task = run_blocks.parts(pool.blocks[:1], {theme.id: theme for theme in pool.themes})[0]
    groups, failed = run_blocks.groups_of([blocks._done(task, without, BOUNDS, ())])
    assert failed == []
    assert gone not in {member for group in groups for member in group.members}
