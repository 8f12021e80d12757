"""Runs of the matching: one at a time, under a lease, and what happened since the pool was read."""

import asyncio
import uuid

import asyncpg
import pytest

from models.need import AgeBand
from models.plan import Code, Plan, Reason, Ungrouped
from service import consents, matching, proposals
from service.db import transaction
from service.domain import Staff
from service.errors import LeaseLost, RunInProgress
from service.queries import needs as need_rows
from service.queries import residents, runs
from service.resources import Resources
from tests import factories
from tests.database import run as execute
from tests.database import together, waiting
from tests.factories import Submitted, plan_of

Owner = asyncpg.Connection


async def _store(kring: Resources, staff: Staff, run: runs.Run, plan: Plan) -> int:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await matching.store(conn, staff.municipality, run, plan, pooled=0)


async def _seated(owner: Owner) -> set[uuid.UUID]:
    records = await owner.fetch("select resident_id from kring.proposal_member where live")
    return {record["resident_id"] for record in records}


async def _pool(kring: Resources, staff: Staff) -> set[uuid.UUID]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {row.resident_id for row in await need_rows.pool(conn)}


def _residents(*people: Submitted) -> set[uuid.UUID]:
    return {one.resident for one in people}


async def test_one_run_at_a_time(kring: Resources, coordinator: Staff) -> None:
    async def ask() -> None:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await matching.request_run(conn, coordinator)

    outcomes = await together(ask(), ask(), ask())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "RunInProgress", "RunInProgress"]


async def test_a_run_that_is_over_makes_room_for_the_next(kring: Resources, coordinator: Staff) -> None:
    await factories.store_plan(kring, coordinator, plan_of())
    assert (await factories.claimed_run(kring, coordinator)).attempt == 1


async def test_a_night_with_a_run_under_way_starts_none(kring: Resources, coordinator: Staff) -> None:
    await factories.claimed_run(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await matching.nightly_run(conn, coordinator.municipality) is None
        with pytest.raises(RunInProgress):
            await matching.request_run(conn, coordinator)


async def test_each_municipality_has_its_own_run(
    kring: Resources, coordinator: Staff, other_coordinator: Staff
) -> None:
    await factories.claimed_run(kring, coordinator)
    assert (await factories.claimed_run(kring, other_coordinator)).attempt == 1


# --- who is in the pool ---------------------------------------------------------------------------------------------


async def test_the_pool_is_of_one_municipality(kring: Resources, caseworker: Staff, other_caseworker: Staff) -> None:
    ours = await factories.submit(kring, caseworker)
    await factories.submit(kring, other_caseworker)
    assert await _pool(kring, caseworker) == _residents(ours)


async def test_a_withdrawn_need_is_in_no_group(kring: Resources, coordinator: Staff) -> None:
    staying, leaving = await factories.some_people(kring, coordinator, 2)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, leaving.resident, "link")
    assert await _pool(kring, coordinator) == _residents(staying)


async def test_a_consent_that_ran_out_keeps_a_need_out(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    await factories.submit(kring, coordinator)
    await owner.execute(
        "update kring.consent set given_at = now() - interval '2 days', valid_until = now() where purpose = 'matching'"
    )
    assert await _pool(kring, coordinator) == set()


async def test_a_draft_that_nobody_touched_does_not_keep_its_people_out(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    assert await _pool(kring, coordinator) == _residents(*seated.people)


async def test_a_draft_that_somebody_worked_on_keeps_its_people(kring: Resources, coordinator: Staff) -> None:
    await factories.draft(kring, coordinator, meeting=True)
    assert await _pool(kring, coordinator) == set()


async def test_one_person_with_two_needs_is_apart_from_themselves(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    one = await factories.submit(kring, coordinator)
    other = await factories.submit(kring, coordinator)
    await owner.execute("update kring.need set resident_id = $1", one.resident)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        pool, _ = await matching.pool(conn)
    assert {need.id: need.apart for need in pool} == {
        str(one.need): {str(other.need)},
        str(other.need): {str(one.need)},
    }


# --- storing --------------------------------------------------------------------------------------------------------


async def test_a_later_run_replaces_drafts_that_nobody_touched(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    first = await factories.draft(kring, coordinator)
    await factories.draft(kring, coordinator, people=first.people)
    states = await owner.fetch("select state from kring.proposal order by created_at")
    assert [record["state"] for record in states] == ["superseded", "draft"]


async def test_a_later_run_leaves_drafts_alone_that_somebody_worked_on(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    await factories.draft(kring, coordinator, meeting=True)
    await factories.draft(kring, coordinator)
    states = await owner.fetch("select state from kring.proposal")
    assert [record["state"] for record in states] == ["draft", "draft"]


async def test_a_draft_edited_since_the_pool_was_read_keeps_its_people(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    run = await factories.claimed_run(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.rename(conn, seated.proposal, "Samen op pad", by=coordinator.id)
    assert await _store(kring, coordinator, run, plan_of(seated.people)) == 0
    assert await owner.fetchval("select count(*) from kring.proposal") == 1


async def test_an_edit_while_a_run_stores_hears_that_the_draft_is_gone(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    run = await factories.claimed_run(kring, coordinator)
    here = coordinator.municipality

    async def rename() -> None:
        async with transaction(kring.pool, here) as conn:
            await proposals.rename(conn, seated.proposal, "Samen op pad", by=coordinator.id)

    async with transaction(kring.pool, here) as conn:
        await matching.store(conn, here, run, plan_of(seated.people), pooled=5)
        renaming = await waiting(owner, rename())
    with pytest.raises(proposals.ProposalDecided):
        await renaming


async def test_a_group_with_somebody_who_withdrew_since_is_left_out_and_the_others_stay(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    gone = await factories.some_people(kring, coordinator, 5)
    there = await factories.some_people(kring, coordinator, 5)
    run = await factories.claimed_run(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, gone[0].resident, "link")
    assert await _store(kring, coordinator, run, plan_of(gone, there)) == 1
    assert await _seated(owner) == _residents(*there)


async def test_a_group_with_two_who_were_declared_apart_since_is_left_out(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    apart = await factories.some_people(kring, coordinator, 5)
    there = await factories.some_people(kring, coordinator, 5)
    run = await factories.claimed_run(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        here = coordinator.municipality
        await residents.insert_apart(conn, here, apart[0].resident, apart[1].resident, coordinator.id)
    assert await _store(kring, coordinator, run, plan_of(apart, there)) == 1
    assert await _seated(owner) == _residents(*there)


async def test_a_group_with_somebody_whose_age_was_corrected_since_is_left_out(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    run = await factories.claimed_run(kring, coordinator)
    change = "update kring.resident set age_band = $2 where id = $1"
    await execute(kring, coordinator.municipality, change, people[0].resident, AgeBand.AGE_16_17)
    assert await _store(kring, coordinator, run, plan_of(people)) == 0
    assert await _seated(owner) == set()


async def test_a_rejected_group_does_not_come_back(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.reject(conn, coordinator, seated.proposal, "Kennen elkaar al.")
    run = await factories.claimed_run(kring, coordinator)
    assert await _store(kring, coordinator, run, plan_of(seated.people)) == 0


async def test_people_of_a_group_that_is_left_out_hear_that_they_have_none(
    kring: Resources, coordinator: Staff
) -> None:
    seated = await factories.draft(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.reject(conn, coordinator, seated.proposal, "Kennen elkaar al.")
    await factories.store_plan(kring, coordinator, plan_of(seated.people))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        found = await need_rows.outcomes(conn, [one.need for one in seated.people])
    assert {one.ungrouped_code for one in found.values()} == {"no_fitting_group"}
    assert len(found) == len(seated.people)


async def test_people_of_a_rejected_group_meet_in_another_one(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.reject(conn, coordinator, seated.proposal, "Te ver uit elkaar.")
    others = await factories.some_people(kring, coordinator, 3)
    run = await factories.claimed_run(kring, coordinator)
    assert await _store(kring, coordinator, run, plan_of((*seated.people[:2], *others))) == 1


async def test_why_somebody_has_no_group_is_kept(kring: Resources, coordinator: Staff) -> None:
    one = await factories.submit(kring, coordinator)
    reason = Reason(Code.THEME_TOO_SMALL, {"found": 2, "needed": 5})
    await factories.store_plan(kring, coordinator, Plan((), (), (Ungrouped(str(one.need), reason),), "handmade", 1))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        found = (await need_rows.outcomes(conn, [one.need]))[one.need]
    assert (found.ungrouped_code, found.ungrouped_params) == ("theme_too_small", {"found": 2, "needed": 5})


# --- the lease ------------------------------------------------------------------------------------------------------


async def _silent(owner: Owner) -> None:
    await owner.execute("update kring.match_run set heartbeat_at = heartbeat_at - interval '61 seconds'")


async def _claim(kring: Resources, staff: Staff, run: runs.Run) -> runs.Run | None:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await runs.claim_run(conn, run.id, 60)


async def test_a_run_with_a_living_worker_is_not_taken_over(kring: Resources, coordinator: Staff) -> None:
    run = await factories.claimed_run(kring, coordinator)
    assert await _claim(kring, coordinator, run) is None


async def test_of_two_workers_one_takes_over_a_run(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    run = await factories.claimed_run(kring, coordinator)
    await _silent(owner)
    taken = await together(_claim(kring, coordinator, run), _claim(kring, coordinator, run))
    assert sorted(one.attempt if one else 0 for one in taken) == [0, 2]


async def test_a_worker_that_lost_its_run_stores_nothing(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    run = await factories.claimed_run(kring, coordinator)
    await _silent(owner)
    await _claim(kring, coordinator, run)
    with pytest.raises(LeaseLost):
        await _store(kring, coordinator, run, plan_of(people))
    assert await owner.fetchval("select count(*) from kring.proposal") == 0


async def test_a_worker_that_lost_its_run_waits_for_nobody(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    run = await factories.claimed_run(kring, coordinator)
    await _silent(owner)
    await _claim(kring, coordinator, run)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await residents.take_consents(conn, people[0].resident)
        async with asyncio.timeout(10):
            with pytest.raises(LeaseLost):
                await _store(kring, coordinator, run, plan_of(people))


async def test_two_workers_that_store_one_run_store_it_once(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    first = await factories.claimed_run(kring, coordinator)
    await _silent(owner)
    second = await _claim(kring, coordinator, first)
    assert second is not None
    outcomes = await together(
        _store(kring, coordinator, first, plan_of(people)),
        _store(kring, coordinator, second, plan_of(people)),
        _store(kring, coordinator, second, plan_of(people)),
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LeaseLost", "LeaseLost", "int"]
    assert await owner.fetchval("select count(*) from kring.proposal") == 1
