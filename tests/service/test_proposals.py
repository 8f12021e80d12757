"""Reviewing proposals: what a coordinator may change, what is refused, and two of them at one moment."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from service import proposals, regrouping
from service.db import transaction
from service.domain import ProposalId, ProposalState, Purpose, Staff
from service.errors import (
    FieldErrors,
    MeetingInPast,
    MeetingMissing,
    NotFound,
    ProposalDecided,
    ProposalTooSmall,
    ReasonMissing,
)
from service.queries import needs as need_rows
from service.queries import proposals as proposal_rows
from service.resources import Resources
from tests import factories
from tests.database import together

Owner = asyncpg.Connection


async def _approve(kring: Resources, staff: Staff, proposal: ProposalId) -> int:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await proposals.approve(conn, staff, proposal, link_days=30)


async def _reject(kring: Resources, staff: Staff, proposal: ProposalId, reason: str = "Te ver uit elkaar.") -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await proposals.reject(conn, staff, proposal, reason)


async def _pooled(kring: Resources, staff: Staff) -> set[object]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {row.resident_id for row in await need_rows.pool(conn)}


async def test_a_name_is_kept_without_needless_spaces(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.rename(conn, seated.proposal, "  Samen   koken ", by=coordinator.id)
        found = await proposal_rows.proposal(conn, seated.proposal)
    assert found is not None
    assert found.title == "Samen koken"


async def test_a_name_that_is_empty_or_too_long_is_refused(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    for title in ("  ", "x" * 81):
        with pytest.raises(FieldErrors):
            async with transaction(kring.pool, coordinator.municipality) as conn:
                await proposals.rename(conn, seated.proposal, title, by=coordinator.id)


async def test_a_meeting_in_the_past_is_refused(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    with pytest.raises(MeetingInPast):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await proposals.plan_meeting(
                conn, seated.proposal, "Buurthuis", datetime.now(UTC) - timedelta(hours=1), by=coordinator.id
            )


async def test_nothing_is_approved_without_a_meeting(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    with pytest.raises(MeetingMissing):
        await _approve(kring, coordinator, seated.proposal)


async def test_nothing_is_approved_for_a_meeting_that_has_passed(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, meeting=True)
    await owner.execute("update kring.proposal set meeting_at = now() - interval '1 minute'")
    with pytest.raises(MeetingInPast):
        await _approve(kring, coordinator, seated.proposal)


async def test_a_group_that_became_too_small_is_not_approved(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator, 5, meeting=True)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await regrouping.drop(conn, coordinator, seated.proposal, seated.people[0].resident)
    with pytest.raises(ProposalTooSmall):
        await _approve(kring, coordinator, seated.proposal)


async def test_an_approval_owes_one_message_to_each_member(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    seated = await factories.draft(kring, coordinator, 6, meeting=True)
    invited = await _approve(kring, coordinator, seated.proposal)
    owed = await owner.fetchval(
        """
        select count(*) from kring.outbox o join kring.invitation i on i.id = o.subject_id
        where o.kind = 'invitation' and o.state = 'due' and i.resident_id = o.resident_id
        """
    )
    assert (invited, owed) == (6, 6)


async def test_who_may_not_be_invited_is_left_free_for_another_group(kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    silent = await factories.submit(kring, coordinator, consents=frozenset({Purpose.MATCHING}), contact=None)
    seated = await factories.draft(kring, coordinator, people=(*people, silent), meeting=True)
    assert await _approve(kring, coordinator, seated.proposal) == 5
    assert await _pooled(kring, coordinator) == {silent.resident}


async def test_a_rejection_needs_a_reason(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    with pytest.raises(ReasonMissing):
        await _reject(kring, coordinator, seated.proposal, "  ")


async def test_people_of_a_rejected_proposal_can_be_grouped_again(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator, meeting=True)
    assert await _pooled(kring, coordinator) == set()
    await _reject(kring, coordinator, seated.proposal)
    assert await _pooled(kring, coordinator) == {one.resident for one in seated.people}


async def test_of_two_coordinators_who_decide_at_once_one_wins(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, meeting=True)
    outcomes = await together(
        _approve(kring, coordinator, seated.proposal), _reject(kring, coordinator, seated.proposal)
    )
    assert sum(isinstance(outcome, ProposalDecided) for outcome in outcomes) == 1
    state = await owner.fetchval("select state from kring.proposal")
    invitations = await owner.fetchval("select count(*) from kring.invitation")
    assert (state, invitations) in {("approved", 5), ("rejected", 0)}


async def test_two_approvals_at_once_invite_once(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    seated = await factories.draft(kring, coordinator, meeting=True)
    outcomes = await together(*[_approve(kring, coordinator, seated.proposal) for _ in range(3)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ProposalDecided", "ProposalDecided", "int"]
    assert await owner.fetchval("select count(*) from kring.outbox") == 5


async def test_a_decided_proposal_is_not_edited(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    with pytest.raises(ProposalDecided):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await regrouping.drop(conn, coordinator, invited.proposal, invited.people[0].resident)


async def test_a_proposal_of_another_municipality_does_not_exist(
    kring: Resources, coordinator: Staff, other_coordinator: Staff
) -> None:
    seated = await factories.draft(kring, coordinator, meeting=True)
    with pytest.raises(NotFound):
        await _approve(kring, other_coordinator, seated.proposal)


async def test_a_proposal_lists_who_decided(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        (found,) = await proposal_rows.proposals(conn, ProposalState.APPROVED)
    assert (found.id, found.decided_by_name) == (invited.proposal, coordinator.name)
