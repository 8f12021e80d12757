"""Reviewing proposals: a person edits, approves or rejects; nothing is sent before that.

Each use-case first takes the proposal's row, so that two coordinators take turns and the second one hears what changed.
"""

from datetime import UTC, datetime

from service import invitations
from service.db import Connection
from service.domain import BOUNDS, PLACE_MOST, TITLE_MOST, ProposalId, ProposalState, Purpose, ResidentId, Staff
from service.errors import (
    FieldErrors,
    MeetingInPast,
    MeetingMissing,
    NotFound,
    ProposalDecided,
    ProposalTooSmall,
    ReasonMissing,
)
from service.queries import proposals, residents
from service.typed import one_line, several_lines


async def _draft(conn: Connection, proposal_id: ProposalId) -> None:
    """Hold the proposal and see that it is still a draft."""
    state = await proposals.lock_proposal(conn, proposal_id)
    if state is None:
        raise NotFound
    if state is not ProposalState.DRAFT:
        raise ProposalDecided


async def rename(conn: Connection, proposal_id: ProposalId, title: str) -> None:
    title = one_line(title)
    if not 1 <= len(title) <= TITLE_MOST:
        raise FieldErrors({"title": f"Geef het voorstel een naam van hoogstens {TITLE_MOST} tekens."})
    await _draft(conn, proposal_id)
    await proposals.rename(conn, proposal_id, title)


async def plan_meeting(conn: Connection, proposal_id: ProposalId, place: str, at: datetime) -> None:
    place = one_line(place)
    if not 1 <= len(place) <= PLACE_MOST:
        raise FieldErrors({"place": "Vul in waar de eerste bijeenkomst is."})
    if at <= datetime.now(UTC):
        raise MeetingInPast
    await _draft(conn, proposal_id)
    await proposals.set_meeting(conn, proposal_id, place, at)


async def drop(conn: Connection, staff: Staff, proposal_id: ProposalId, resident: ResidentId) -> None:
    """Take a candidate out; who is dropped can be grouped again. Dropping twice is dropping once."""
    await _draft(conn, proposal_id)
    await proposals.drop_seat(conn, proposal_id, resident, staff.id)


async def restore(conn: Connection, proposal_id: ProposalId, resident: ResidentId) -> None:
    """Undo a drop. Ends as SeatRefused when consent, age, another group or who must not meet forbids it by now."""
    await _draft(conn, proposal_id)
    await proposals.restore_seat(conn, proposal_id, resident)


async def approve(conn: Connection, staff: Staff, proposal_id: ProposalId, *, link_days: int) -> int:
    """Approve, and owe an invitation to everybody who may be invited; how many that are.

    Approval, invitations and outbox are one transaction: either all of it happened or nothing did. Somebody who
    withdraws at this very moment ends it as MembersChanged (`service.errors.REFUSALS`).
    """
    await _draft(conn, proposal_id)
    found = await proposals.proposal(conn, proposal_id)
    if found is None:
        raise NotFound
    if found.meeting_place is None or found.meeting_at is None:
        raise MeetingMissing
    if found.meeting_at <= datetime.now(UTC):
        raise MeetingInPast
    seats = [seat for seat in await proposals.seats(conn, proposal_id) if seat.live]
    invitable = [seat.resident_id for seat in seats if seat.can_be_invited]
    if len(invitable) < BOUNDS[found.form].start:
        raise ProposalTooSmall
    # all at once and in one order, as matching does: then two of these never wait for each other
    await residents.hold_consents(conn, invitable, Purpose.INVITATION)
    await proposals.decide(conn, proposal_id, ProposalState.APPROVED, staff.id, None)
    for resident in invitable:
        await invitations.invite(conn, staff.municipality, proposal_id, resident, link_days=link_days)
    for seat in seats:
        if not seat.can_be_invited:  # nobody will ask them for this group, so it must not keep them from another
            await proposals.free_seat(conn, proposal_id, seat.resident_id)
    return len(invitable)


async def reject(conn: Connection, staff: Staff, proposal_id: ProposalId, reason: str) -> None:
    """Reject with a reason; its people can be grouped again, but not the same group (see `service.matching`)."""
    reason = several_lines(reason)
    if not reason:
        raise ReasonMissing
    await _draft(conn, proposal_id)
    await proposals.decide(conn, proposal_id, ProposalState.REJECTED, staff.id, reason[:500])
    await proposals.free_seats(conn, proposal_id)
