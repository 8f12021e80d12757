"""A withdrawal wins from whatever goes on at that moment: a run that computes or stores, a wave that is half sent."""

import asyncio

import pytest

from service import consents, platforms, proposals
from service.db import Connection, transaction
from service.domain import Purpose, Staff
from service.resources import Resources
from tests import factories
from tests.workers.conftest import (
    Mails,
    Owner,
    addresses,
    asked,
    eventually,
    held,
    outbox_states,
    waits_for_a_lock,
)
from workers.main import Jobs

WAVE = 30  # people asked at once
SENT_FIRST = 10  # messages that are through when the withdrawals come; the next one is in flight


async def withdraw(kring: Resources, staff: Staff, person: factories.Submitted, purpose: Purpose | None) -> None:
    """One purpose, or everything."""
    async with transaction(kring.pool, staff.municipality) as conn:
        await withdraw_on(conn, staff, person, purpose)


async def withdraw_on(conn: Connection, staff: Staff, person: factories.Submitted, purpose: Purpose | None) -> None:
    if purpose is None:
        await consents.withdraw_everything(conn, staff.municipality, person.resident, "link")
    else:
        await consents.withdraw(conn, staff.municipality, person.resident, purpose, "link")


async def _is(value: bool) -> bool:
    return value


async def _seats(owner: Owner, people: list[factories.Submitted]) -> int:
    found: int = await owner.fetchval(
        "select count(*) from kring.proposal_member where live and resident_id = any($1)",
        [person.resident for person in people],
    )
    return found


# --- a run ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [None, Purpose.MATCHING])
async def test_who_withdraws_while_a_run_computes_is_not_in_what_it_stores(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner, second_owner: Owner, purpose: Purpose | None
) -> None:
    people = await factories.some_people(kring, coordinator, 12)
    leaving = list(people[:3])
    run = await asked(kring, coordinator)
    async with held(second_owner, "kring.need", "share") as conn:
        # The pool was read with all twelve in it, their notes were encoded, and the groups are still to be made
        job = asyncio.create_task(jobs.match({}, str(coordinator.municipality), str(run)))
        await eventually(lambda: waits_for_a_lock(owner))
        for person in leaving:
            await withdraw_on(conn, coordinator, person, purpose)
    await job
    state = await owner.fetchval("select state from kring.match_run where id = $1", run)
    vectors = await owner.fetchval(
        "select count(vector) from kring.need where id = any($1)", [person.need for person in leaving]
    )
    assert (await _seats(owner, leaving), vectors, state) == (0, 0, "done")
    again = await asked(kring, coordinator)
    await jobs.match({}, str(coordinator.municipality), str(again))
    assert (await _seats(owner, leaving), await _seats(owner, list(people[3:])) > 0) == (0, True)


@pytest.mark.parametrize("purpose", [None, Purpose.MATCHING])
async def test_a_run_that_read_somebody_who_then_withdrew_looks_at_the_ledger_again(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner, second_owner: Owner, purpose: Purpose | None
) -> None:
    people = await factories.some_people(kring, coordinator, 12)
    run = await asked(kring, coordinator)
    async with held(second_owner, "kring.consent") as conn:
        # between reading and storing: the run waits for the ledger, and the withdrawal is committed first
        job = asyncio.create_task(jobs.match({}, str(coordinator.municipality), str(run)))
        await eventually(lambda: waits_for_a_lock(owner))
        await withdraw_on(conn, coordinator, people[0], purpose)
    await job
    assert await _seats(owner, [people[0]]) == 0
    assert await _seats(owner, list(people[1:])) > 0


async def test_an_approval_and_withdrawals_at_once_leave_no_open_invitation_of_who_left(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 10, meeting=True)

    async def approve() -> int:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            return await proposals.approve(conn, coordinator, seated.proposal, link_days=30)

    leaving = list(seated.people[:4])
    outcomes = await asyncio.gather(
        approve(),
        *[withdraw(kring, coordinator, person, Purpose.INVITATION) for person in leaving],
        return_exceptions=True,
    )
    assert [outcome for outcome in outcomes[1:] if outcome is not None] == []
    assert (
        await owner.fetchval(
            "select count(*) from kring.invitation where resident_id = any($1) and state in ('pending', 'sent')",
            [person.resident for person in leaving],
        )
        == 0
    )


# --- a wave ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [None, Purpose.INVITATION, Purpose.MATCHING])
async def test_who_withdraws_while_a_wave_is_half_sent_gets_no_message_after_it(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner, purpose: Purpose | None
) -> None:
    """Everybody withdraws while the eleventh message is in flight: that one arrives, and nothing after it."""
    invited = [await factories.approved(kring, coordinator, 10) for _ in range(WAVE // 10)]
    everybody = [person for group in invited for person in group.people]
    mails.hold_after = SENT_FIRST
    sending = asyncio.create_task(jobs.deliver({}, str(coordinator.municipality)))
    await eventually(lambda: _is(mails.holding.is_set()))
    for person in everybody:
        await withdraw(kring, coordinator, person, purpose)
    through = len(mails.taken)
    mails.release.set()
    await sending
    await jobs.deliver({}, str(coordinator.municipality))
    assert (through, len(mails.taken)) == (SENT_FIRST + 1, SENT_FIRST + 1)
    states = await owner.fetch("select distinct state from kring.invitation")
    assert [row["state"] for row in states] == ["withdrawn"]
    assert (await outbox_states(owner)).keys() <= {"sent", "cancelled"}


@pytest.mark.parametrize("purpose", [None, Purpose.INVITATION])
async def test_the_others_of_a_wave_get_theirs(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner, purpose: Purpose | None
) -> None:
    invited = await factories.approved(kring, coordinator, 12)
    whose = await addresses(kring, owner)
    leaving = {str(person.resident) for person in invited.people[6:9]}
    mails.hold_after = 0
    sending = asyncio.create_task(jobs.deliver({}, str(coordinator.municipality)))
    await eventually(lambda: _is(mails.holding.is_set()))
    in_flight = set(mails.recipients)
    for person in invited.people:
        if str(person.resident) in leaving:
            await withdraw(kring, coordinator, person, purpose)
    mails.release.set()
    await sending
    expected = {address for resident, address in whose.items() if resident not in leaving}
    assert set(mails.recipients) == expected | in_flight


async def test_who_withdraws_follow_up_while_pulses_go_out_gets_none(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    before = len(mails.taken)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.ask_pulse(conn, coordinator.municipality, platform)
    mails.holding.clear()
    mails.hold_after = before
    sending = asyncio.create_task(jobs.deliver({}, str(coordinator.municipality)))
    await eventually(lambda: _is(mails.holding.is_set()))
    for person in invited.people:
        await withdraw(kring, coordinator, person, Purpose.FOLLOW_UP)
    mails.release.set()
    await sending
    assert len(mails.taken) == before + 1
