"""Withdrawing: nothing is left, and whatever else happens at that moment, the withdrawal wins."""

from typing import Any

import asyncpg
import pytest

from service import consents, invitations, matching, proposals
from service.db import transaction
from service.domain import Answer, Purpose, ResidentId, Staff
from service.errors import LinkUnknown, MembersChanged
from service.queries import residents
from service.resources import Resources
from tests import factories
from tests.database import together, waiting
from tests.factories import Submitted

Owner = asyncpg.Connection

LEFT_BEHIND = """
    select
        (select count(*) from kring.consent c where resident_id = $1 and not exists
         (select from kring.consent_withdrawal w where w.consent_id = c.id))::int as consents,
        (select count(*) from kring.need where resident_id = $1 and text is not null)::int as words,
        (select count(*) from vault.contact where resident_id = $1)::int as addresses,
        (select count(*) from kring.proposal_member where resident_id = $1 and live)::int as seats,
        (select count(*) from kring.invitation
         where resident_id = $1 and state in ('pending', 'sent', 'accepted'))::int as invitations,
        (select count(*) from kring.outbox
         where resident_id = $1 and state in ('due', 'sending', 'manual', 'failed'))::int as messages,
        (select count(*) from kring.link where resident_id = $1 and revoked_at is null)::int as links,
        (select count(*) from kring.membership where resident_id = $1 and left_at is null)::int as memberships
"""


async def _left_behind(owner: Owner, one: Submitted) -> dict[str, int]:
    """What still stands of somebody; empty when nothing does."""
    found = await owner.fetchrow(LEFT_BEHIND, one.resident)
    assert found is not None
    return {name: count for name, count in found.items() if count}


async def _withdraw(kring: Resources, staff: Staff, resident: ResidentId, how: Any = "link") -> None:
    by = staff.id if how == "caseworker" else None
    async with transaction(kring.pool, staff.municipality) as conn:
        await consents.withdraw_everything(conn, staff.municipality, resident, how, by)


async def _approve(kring: Resources, staff: Staff, seated: factories.Seated) -> int:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await proposals.approve(conn, staff, seated.proposal, link_days=30)


async def test_the_ledger_keeps_the_hash_of_the_text_that_was_shown(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    await factories.submit(kring, caseworker)
    kept = {r["purpose"]: r["text_hash"] for r in await owner.fetch("select purpose, text_hash from kring.consent")}
    assert kept == {purpose: text.hash for purpose, text in consents.TEXTS.items()}


async def test_a_consent_expires_after_the_days_of_the_setting(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    one = await factories.submit(kring, caseworker)
    await owner.execute(
        """
        update kring.consent
        set given_at = given_at - interval '365 days', valid_until = valid_until - interval '365 days'
        """
    )
    async with transaction(kring.pool, caseworker.municipality) as conn:
        assert not await residents.has_consent(conn, one.resident, Purpose.MATCHING)


async def test_nothing_is_left_of_a_member_who_withdraws(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    _, invited = await factories.platform(kring, coordinator)
    one = invited.people[0]
    await factories.link(kring, coordinator, invited.invitations[0])
    await _withdraw(kring, coordinator, one.resident)
    assert await _left_behind(owner, one) == {}


async def test_a_withdrawal_touches_nobody_else(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    _, invited = await factories.platform(kring, coordinator)
    before = await _left_behind(owner, invited.people[1])
    await _withdraw(kring, coordinator, invited.people[0].resident)
    assert await _left_behind(owner, invited.people[1]) == before


async def test_withdrawing_twice_is_withdrawing_once(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    one = await factories.submit(kring, coordinator)
    outcomes = await together(
        *[_withdraw(kring, coordinator, one.resident, how) for how in ("link", "caseworker", "link")]
    )
    assert (outcomes, await _left_behind(owner, one)) == ([None] * 3, {})


# --- withdrawal and approval at one moment --------------------------------------------------------------------------


async def test_a_withdrawal_during_an_approval_undoes_its_invitation(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 6, meeting=True)
    one = seated.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.approve(conn, coordinator, seated.proposal, link_days=30)
        withdrawing = await waiting(owner, _withdraw(kring, coordinator, one.resident))
    await withdrawing
    assert await _left_behind(owner, one) == {}


async def test_an_approval_during_a_withdrawal_starts_over(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    seated = await factories.draft(kring, coordinator, 6, meeting=True)
    one = seated.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, one.resident, "link")
        approving = await waiting(owner, _approve(kring, coordinator, seated))
    with pytest.raises(MembersChanged):
        await approving
    assert await owner.fetchval("select count(*) from kring.invitation") == 0


async def test_after_a_withdrawal_the_others_can_be_approved(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 6, meeting=True)
    await _withdraw(kring, coordinator, seated.people[0].resident)
    assert await _approve(kring, coordinator, seated) == 5


async def test_withdrawals_and_an_approval_all_at_once_end_well(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 8, meeting=True)
    leaving = seated.people[:3]
    outcomes = await together(
        *[_withdraw(kring, coordinator, one.resident) for one in leaving[:2]],
        _approve(kring, coordinator, seated),
        _withdraw(kring, coordinator, leaving[2].resident),
    )
    assert [outcome for outcome in outcomes if not isinstance(outcome, int | MembersChanged | None)] == []
    assert [await _left_behind(owner, one) for one in leaving] == [{}, {}, {}]


# --- withdrawal and an answer at one moment -------------------------------------------------------------------------


@pytest.mark.parametrize("choice", list(Answer))
async def test_an_answer_during_a_withdrawal_finds_the_link_gone(
    kring: Resources, coordinator: Staff, owner: Owner, choice: Answer
) -> None:
    invited = await factories.approved(kring, coordinator)
    one = invited.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, one.resident, "caseworker", coordinator.id)
        answering = await waiting(owner, factories.answer(kring, coordinator, invited.invitations[0], choice))
    with pytest.raises(LinkUnknown):
        await answering
    assert await _left_behind(owner, one) == {}


@pytest.mark.parametrize("choice", list(Answer))
async def test_a_withdrawal_during_an_answer_wins(
    kring: Resources, coordinator: Staff, owner: Owner, choice: Answer
) -> None:
    invited = await factories.approved(kring, coordinator)
    for invitation in invited.invitations[1:]:
        await factories.answer(kring, coordinator, invitation)
    one = invited.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await invitations.answer(conn, coordinator.municipality, invited.invitations[0], choice, not_now_days=90)
        withdrawing = await waiting(owner, _withdraw(kring, coordinator, one.resident))
    await withdrawing
    assert await _left_behind(owner, one) == {}


async def test_the_last_yes_does_not_start_a_platform_with_somebody_who_is_withdrawing(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.one_yes_short(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, invited.people[0].resident, "link")
        answering = await waiting(owner, factories.answer(kring, coordinator, invited.invitations[4]))
    assert not (await answering).platform_started


async def test_who_withdraws_while_the_platform_starts_is_no_member_of_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.one_yes_short(kring, coordinator)
    one = invited.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        last = invited.invitations[4]
        await invitations.answer(conn, coordinator.municipality, last, Answer.ACCEPTED, not_now_days=90)
        withdrawing = await waiting(owner, _withdraw(kring, coordinator, one.resident))
    await withdrawing
    assert await _left_behind(owner, one) == {}


async def test_who_became_a_member_after_the_withdrawal_began_leaves_too(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.one_yes_short(kring, coordinator)
    one = invited.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await factories.answer(kring, coordinator, invited.invitations[4])
        await consents.withdraw_everything(conn, coordinator.municipality, one.resident, "link")
    assert await _left_behind(owner, one) == {}


# --- withdrawal and matching at one moment --------------------------------------------------------------------------


async def test_who_withdraws_while_matching_stores_has_no_seat(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 6)
    run = await factories.claimed_run(kring, coordinator)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await matching.store(conn, here, run, factories.plan_of(people), pooled=6)
        withdrawing = await waiting(owner, _withdraw(kring, coordinator, people[0].resident))
    await withdrawing
    assert await _left_behind(owner, people[0]) == {}


async def test_matching_that_stores_during_a_withdrawal_leaves_the_group_out(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    leaving = await factories.some_people(kring, coordinator, 5)
    staying = await factories.some_people(kring, coordinator, 5)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await consents.withdraw_everything(conn, here, leaving[0].resident, "link")
        storing = await waiting(owner, factories.store_plan(kring, coordinator, factories.plan_of(leaving, staying)))
    await storing
    seated = {row["resident_id"] for row in await owner.fetch("select resident_id from kring.proposal_member")}
    assert seated == {one.resident for one in staying}


async def test_a_withdrawal_that_has_only_just_begun_and_a_run_do_not_block_each_other(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await residents.take_consents(conn, seated.people[0].resident)
        storing = await waiting(owner, factories.store_plan(kring, coordinator, factories.plan_of(seated.people)))
        await consents.withdraw_everything(conn, here, seated.people[0].resident, "link")
    await storing
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") == 0


async def test_a_withdrawal_from_a_draft_that_a_run_replaces_leaves_the_others_grouped(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await consents.withdraw_everything(conn, here, seated.people[0].resident, "link")
        storing = await waiting(owner, factories.store_plan(kring, coordinator, factories.plan_of(seated.people[1:])))
    await storing
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") == 5
