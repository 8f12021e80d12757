"""Reviewing proposals: a person names, plans, approves or rejects; nothing is sent before that.

Who is in a group is changed in `service.regrouping`. Each use-case first takes the proposal's row, so that two
coordinators take turns and the second one hears what changed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from models import effects
from models.plan import Reason
from service import invitations, joining
from service.db import Connection
from service.domain import BOUNDS, PLACE_MOST, TITLE_MOST, ProposalId, ProposalState, Purpose, Staff, StaffId
from service.drafting import SETTINGS, lay_out, told_reasons
from service.errors import (
    FieldErrors,
    MeetingInPast,
    MeetingMissing,
    NotFound,
    ProposalDecided,
    ProposalTooSmall,
    ReasonMissing,
)
from service.queries import proposal_changes, proposals, residents
from service.queries.proposals import Proposal
from service.typed import one_line, several_lines


async def _draft(conn: Connection, proposal_id: ProposalId) -> None:
    """Hold the proposal and see that it is still a draft."""
    state = await proposals.lock_proposal(conn, proposal_id)
    if state is None:
        raise NotFound
    if state is not ProposalState.DRAFT:
        raise ProposalDecided


async def rename(conn: Connection, proposal_id: ProposalId, title: str, *, by: StaffId) -> None:
    """Give the group a name."""
    title = one_line(title)
    if not 1 <= len(title) <= TITLE_MOST:
        raise FieldErrors({"title": f"Geef het voorstel een naam van hoogstens {TITLE_MOST} tekens."})
    await _draft(conn, proposal_id)
    await proposal_changes.insert_change(conn, "rename", proposal_id, by=by)
    await proposals.rename(conn, proposal_id, title)


async def plan_meeting(conn: Connection, proposal_id: ProposalId, place: str, at: datetime, *, by: StaffId) -> None:
    """Say where and when the group meets first."""
    place = one_line(place)
    if not 1 <= len(place) <= PLACE_MOST:
        raise FieldErrors({"place": "Vul in waar de eerste bijeenkomst is."})
    if at <= datetime.now(UTC):
        raise MeetingInPast
    await _draft(conn, proposal_id)
    await proposal_changes.insert_change(conn, "meeting", proposal_id, by=by)
    await proposals.set_meeting(conn, proposal_id, place, at)


async def approve(conn: Connection, staff: Staff, proposal_id: ProposalId, *, link_days: int) -> int:
    """Approve, and owe an invitation to everybody who may be invited; how many that are.

    Approval, invitations and outbox are one transaction: either all of it happened or nothing did. Somebody who
    withdraws at this very moment ends it as MembersChanged (`service.errors.REFUSALS`).
    """
    await _draft(conn, proposal_id)
    found = await proposals.proposal(conn, proposal_id)
    if found is None:
        raise NotFound
    if found.platform_id is not None:
        return await joining.approve_joining(conn, staff, proposal_id, link_days=link_days)
    if found.meeting_place is None or found.meeting_at is None:
        raise MeetingMissing
    if found.meeting_at <= datetime.now(UTC):
        raise MeetingInPast
    seats = [seat for seat in await proposals.seats(conn, proposal_id) if seat.live]
    if len(seats) < BOUNDS[found.form].least:
        raise ProposalTooSmall
    invitable = [seat.resident_id for seat in seats if seat.can_be_invited]
    if len(invitable) < BOUNDS[found.form].start:
        raise ProposalTooSmall
    # all at once and in one order, as matching does: then two of these never wait for each other
    await residents.hold_consents(conn, invitable, Purpose.INVITATION)
    await _tell(conn, found)
    await proposals.decide(conn, proposal_id, ProposalState.APPROVED, staff.id, None)
    for resident in invitable:
        await invitations.invite(conn, staff.municipality, proposal_id, resident, link_days=link_days)
    for seat in seats:
        if not seat.can_be_invited:  # nobody will ask them for this group, so it must not keep them from another
            await proposals.free_seat(conn, proposal_id, seat.resident_id)
    return len(invitable)


async def _tell(conn: Connection, proposal: Proposal) -> None:
    """Write down why these people, as it is now: the group may be another one than the run composed."""
    drafts = await lay_out(conn, [proposal])
    now = drafts.standing(proposal.id)
    await proposals.tell(
        conn,
        proposal.id,
        daypart=now.terms.daypart,
        language=now.terms.language,
        meeting=now.terms.meeting,
        reasons=_rows(effects.reasons(now, told_reasons(proposal.reasons))),
        of_member={
            drafts.person[need].resident_id: _rows(effects.member_reasons(drafts.need(need), now, SETTINGS))
            for need in now.members
        },
    )


def _rows(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    return [{"code": reason.code, "params": dict(reason.params)} for reason in reasons]


async def reject(conn: Connection, staff: Staff, proposal_id: ProposalId, reason: str) -> None:
    """Reject with a reason; its people can be grouped again, but not the same group (see `service.matching`)."""
    reason = several_lines(reason)
    if not reason:
        raise ReasonMissing
    await _draft(conn, proposal_id)
    await proposals.decide(conn, proposal_id, ProposalState.REJECTED, staff.id, reason[:500])
    await proposals.free_seats(conn, proposal_id)
