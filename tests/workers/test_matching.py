"""A run ends once, with what is still true when it is stored; a worker that lost it stores nothing."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from models.bundled import bundled
from service import consents, matching
from service.db import transaction
from service.domain import RunId, Staff
from service.errors import LeaseLost
from service.queries import residents, runs
from service.resources import Resources
from tests import factories
from tests.models.encoders import saved_model
from tests.workers.conftest import Owner, asked, eventually, held, waits_for_a_lock
from workers.main import Jobs
from workers.matching import TAKEN_MOST


async def found(kring: Resources, staff: Staff, run: RunId) -> runs.Run:
    async with transaction(kring.pool, staff.municipality) as conn:
        row = await runs.run(conn, run)
    assert row is not None
    return row


async def seated(owner: Owner) -> int:
    count: int = await owner.fetchval("select count(*) from kring.proposal_member where live")
    return count


async def test_a_run_seats_people_with_one_need_in_drafts(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    await factories.some_people(kring, coordinator, 10)
    run = await asked(kring, coordinator)
    await jobs.match({}, str(coordinator.municipality), str(run))
    assert (await found(kring, coordinator, run)).grouped == await seated(owner) > 0


async def test_a_run_without_needs_is_done(kring: Resources, coordinator: Staff, jobs: Jobs) -> None:
    run = await asked(kring, coordinator)
    await jobs.match({}, str(coordinator.municipality), str(run))
    done = await found(kring, coordinator, run)
    assert (done.state, done.needs, done.grouped) == ("done", 0, 0)


async def test_a_run_that_is_done_is_not_done_again(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    await factories.some_people(kring, coordinator, 10)
    run = await asked(kring, coordinator)
    await jobs.match({}, str(coordinator.municipality), str(run))
    before = await found(kring, coordinator, run), await owner.fetch("select id, state from kring.proposal")
    await jobs.match({}, str(coordinator.municipality), str(run))
    assert (await found(kring, coordinator, run), await owner.fetch("select id, state from kring.proposal")) == before


async def test_who_withdraws_while_the_engine_computes_is_in_no_group(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner, second_owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 10)
    run = await asked(kring, coordinator)
    async with held(second_owner, "kring.consent") as conn:
        # The pool is read: its consents are looked at again, and held, before anything is stored
        job = asyncio.create_task(jobs.match({}, str(coordinator.municipality), str(run)))
        await eventually(lambda: waits_for_a_lock(owner))
        await consents.withdraw_everything(conn, coordinator.municipality, people[0].resident, "link")
    await job
    seats = await owner.fetchval(
        "select count(*) from kring.proposal_member where live and resident_id = $1", people[0].resident
    )
    assert (seats, (await found(kring, coordinator, run)).state) == (0, "done")


async def test_who_withdraws_while_a_run_is_stored_has_no_seat_after_it(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner, second_owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 10)
    run = await asked(kring, coordinator)
    async with held(second_owner, "kring.theme_in_run", "share"):
        job = asyncio.create_task(jobs.match({}, str(coordinator.municipality), str(run)))
        await eventually(lambda: waits_for_a_lock(owner))
        leaving = [asyncio.create_task(withdraw(kring, coordinator, person)) for person in people[:5]]
        await eventually(lambda: _waiting(owner, 6))
    await asyncio.gather(job, *leaving)
    gone = [person.resident for person in people[:5]]
    assert not await owner.fetchval(
        "select count(*) from kring.proposal_member where live and resident_id = any($1)", gone
    )


async def test_a_withdrawal_that_meets_a_run_is_never_the_one_to_fail(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner, hasty: Owner
) -> None:
    """Both want the seat in the old draft and the consent; whoever comes second waits, and PostgreSQL ends neither."""
    old = await factories.draft(kring, coordinator, 10)
    run = await asked(kring, coordinator)
    async with hasty.transaction():
        await residents.take_consents(hasty, old.people[0].resident)
        job = asyncio.create_task(jobs.match({}, str(coordinator.municipality), str(run)))
        await eventually(lambda: waits_for_a_lock(owner))
        await consents.withdraw_everything(hasty, coordinator.municipality, old.people[0].resident, "link")
    await job
    assert (await found(kring, coordinator, run)).attempt == 1


async def test_a_run_of_a_silent_worker_is_taken_over(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    run = await factories.claimed_run(kring, coordinator)
    await owner.execute("update kring.match_run set heartbeat_at = now() - interval '1 hour'")
    await jobs.match({}, str(coordinator.municipality), str(run.id))
    assert (await found(kring, coordinator, run.id)).state == "done"


async def test_a_run_of_a_worker_that_is_busy_is_left_alone(kring: Resources, coordinator: Staff, jobs: Jobs) -> None:
    run = await factories.claimed_run(kring, coordinator)
    await jobs.match({}, str(coordinator.municipality), str(run.id))
    assert (await found(kring, coordinator, run.id)).attempt == 1


async def test_a_worker_that_lost_its_run_stores_nothing(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    run = await factories.claimed_run(kring, coordinator)
    await owner.execute("update kring.match_run set attempt = attempt + 1")
    plan = factories.plan_of(people)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        with pytest.raises(LeaseLost):
            await matching.store(conn, coordinator.municipality, run, plan, pooled=5)
    assert await seated(owner) == 0


async def test_a_heartbeat_keeps_a_long_run_with_its_worker(
    kring: Resources, coordinator: Staff, impatient: Resources, owner: Owner, second_owner: Owner
) -> None:
    await factories.some_people(kring, coordinator, 6)
    run = await asked(kring, coordinator)
    jobs = Jobs(impatient, asyncio.Event())
    async with held(second_owner, "kring.need"):
        job = asyncio.create_task(jobs.match({}, str(coordinator.municipality), str(run)))
        await eventually(lambda: waits_for_a_lock(owner))
        waiting_since = await owner.fetchval("select clock_timestamp()")
        await eventually(lambda: _beaten_after(owner, waiting_since))
    await job
    assert (await found(kring, coordinator, run)).state == "done"


async def test_a_worker_that_stops_gives_its_run_back(
    kring: Resources, coordinator: Staff, jobs: Jobs, stopping: asyncio.Event, owner: Owner, second_owner: Owner
) -> None:
    await factories.some_people(kring, coordinator, 6)
    run = await asked(kring, coordinator)
    async with held(second_owner, "kring.need"):
        job = asyncio.create_task(jobs.match({}, str(coordinator.municipality), str(run)))
        await eventually(lambda: waits_for_a_lock(owner))
        stopping.set()
    await job
    assert (await found(kring, coordinator, run)).state == "queued"


async def test_a_run_that_ends_every_worker_is_given_up(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    run = await asked(kring, coordinator)
    await owner.execute("update kring.match_run set attempt = $1", TAKEN_MOST)
    await jobs.match({}, str(coordinator.municipality), str(run))
    failed = await found(kring, coordinator, run)
    assert (failed.state, failed.error_code) == ("failed", "crashed")


async def test_a_run_that_failed_lets_the_next_one_be_asked(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    run = await asked(kring, coordinator)
    await owner.execute("update kring.match_run set attempt = $1", TAKEN_MOST)
    await jobs.match({}, str(coordinator.municipality), str(run))
    assert await asked(kring, coordinator) != run


async def withdraw(kring: Resources, staff: Staff, person: factories.Submitted) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await consents.withdraw_everything(conn, staff.municipality, person.resident, "link")


async def _waiting(owner: Owner, count: int) -> bool:
    waiting: int = await owner.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    return waiting >= count


async def _beaten_after(owner: Owner, moment: object) -> bool:
    return bool(await owner.fetchval("select bool_or(heartbeat_at > $1) from kring.match_run", moment))


async def vectors_of(owner: Owner) -> dict[str, set[str]]:
    """Which encoders made the stored vectors, and of which needs."""
    made: dict[str, set[str]] = {}
    for row in await owner.fetch("select id, vector_model from kring.need where vector is not null"):
        made.setdefault(row["vector_model"], set()).add(str(row["id"]))
    return made


async def test_a_run_stores_what_the_encoder_made_of_each_note_and_reads_it_only_once(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 10)
    await jobs.match({}, str(coordinator.municipality), str(await asked(kring, coordinator)))
    assert {model: len(needs) for model, needs in (await vectors_of(owner)).items()} == {
        bundled().model_id: len(people)
    }
    before = await owner.fetch("select id, vector, xmin from kring.need order by id")
    await jobs.match({}, str(coordinator.municipality), str(await asked(kring, coordinator)))
    assert await owner.fetch("select id, vector, xmin from kring.need order by id") == before


async def test_with_another_encoder_every_vector_is_made_anew(
    kring: Resources,
    coordinator: Staff,
    jobs: Jobs,
    owner: Owner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    await factories.some_people(kring, coordinator, 10)
    await jobs.match({}, str(coordinator.municipality), str(await asked(kring, coordinator)))
    texts = [row["text"] for row in await owner.fetch("select text from kring.need")]
    folder = str(saved_model(tmp_path / "model", texts, seed=1))
    other = Jobs(replace(kring, settings=kring.settings.model_copy(update={"encoder": folder})), asyncio.Event())
    run = await asked(kring, coordinator)
    await other.match({}, str(coordinator.municipality), str(run))
    (model,) = await vectors_of(owner)
    assert model.startswith(f"{folder}:")
    done = await found(kring, coordinator, run)
    assert (done.state, done.encoder) == ("done", model)


async def test_a_withdrawn_need_keeps_no_vector(kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 10)
    await jobs.match({}, str(coordinator.municipality), str(await asked(kring, coordinator)))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, people[0].resident, "link")
    assert await owner.fetchval("select vector from kring.need where resident_id = $1", people[0].resident) is None
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(
            "update kring.need set vector = '\\x00000000', vector_model = 'm' where resident_id = $1",
            people[0].resident,
        )


async def test_a_damaged_vector_is_made_anew_and_holds_up_nobody(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    await factories.some_people(kring, coordinator, 6)
    await jobs.match({}, str(coordinator.municipality), str(await asked(kring, coordinator)))
    damaged = await owner.fetchval(
        "update kring.need set vector = decode(repeat('0000c07f', octet_length(vector) / 4), 'hex') "
        "where id = (select id from kring.need limit 1) returning id"
    )
    run = await asked(kring, coordinator)
    await jobs.match({}, str(coordinator.municipality), str(run))
    assert (await found(kring, coordinator, run)).state == "done"
    vector = await owner.fetchval("select vector from kring.need where id = $1", damaged)
    assert b"\x00\x00\xc0\x7f" not in vector
