"""Changing who is in which draft: drop, restore, move, merge; and undoing what was changed last.

Every change is judged first (`service.drafting`) and written down (`kring.proposal_change`), so that it can be taken
back as long as the drafts are drafts and the people are still there. Locks are taken in one order, whoever comes: the
proposals by their ids, then the residents, then their consents. Two coordinators take turns at the proposals; somebody
who withdraws at this moment waits at the consents, or is waited for there.
"""

from collections.abc import Mapping
from typing import assert_never
from uuid import UUID

from models.bounds import Violation
from models.effects import Effect
from service import effect_words
from service.db import Connection
from service.domain import NeedId, ProposalId, ProposalState, Purpose, ResidentId, Staff
from service.drafting import SideBySide, lay_out
from service.errors import BoundsBroken, Conflict, NotFound, PersonLeft, ProposalDecided, UndoImpossible
from service.queries import proposal_changes, proposals, residents
from service.queries.proposal_changes import Change
from service.queries.proposals import Proposal, Seat


async def drop(conn: Connection, staff: Staff, proposal_id: ProposalId, resident: ResidentId) -> None:
    """Take a candidate out; who is dropped can be grouped again. Dropping twice is dropping once."""
    await _hold(conn, [proposal_id], [resident])
    if not (await _seat(conn, proposal_id, resident)).live:
        return
    await proposal_changes.insert_change(conn, "drop", proposal_id, by=staff.id, residents=[resident])
    await proposals.drop_seats(conn, proposal_id, [resident], staff.id)
    await proposals.edited(conn, [proposal_id])


async def restore(conn: Connection, staff: Staff, proposal_id: ProposalId, resident: ResidentId) -> None:
    """Put a candidate back. Raises BoundsBroken where the group would not hold; SeatRefused as the database sees it."""
    await _hold(conn, [proposal_id], [resident])
    seat = await _seat(conn, proposal_id, resident)
    if seat.live:
        return
    if seat.dropped_at is None or not seat.arrived:
        raise NotFound
    drafts = await lay_out(conn, [await _draft(conn, proposal_id)])
    judge(drafts, drafts.change(proposal_id, into={str(seat.need_id)}))
    await proposal_changes.insert_change(conn, "restore", proposal_id, by=staff.id, residents=[resident])
    await proposals.take_seats(conn, staff.municipality, proposal_id, {resident: seat.need_id})
    await proposals.edited(conn, [proposal_id])


async def move(
    conn: Connection, staff: Staff, proposal_id: ProposalId, resident: ResidentId, target: ProposalId
) -> None:
    """Out of one draft, into another. Raises Conflict when the person is not in the first any more; see `restore`."""
    if target == proposal_id:
        raise NotFound
    await _hold(conn, [proposal_id, target], [resident])
    seat = await _seat(conn, proposal_id, resident)
    if not seat.live:
        raise Conflict
    drafts = await lay_out(conn, [await _draft(conn, proposal_id), await _draft(conn, target)])
    judge(drafts, drafts.change(target, into={str(seat.need_id)}))
    await proposal_changes.insert_change(
        conn,
        "move",
        proposal_id,
        other=target,
        by=staff.id,
        residents=[resident],
        arrived=await _newcomers(conn, target, {resident: seat.need_id}),
    )
    await proposals.drop_seats(conn, proposal_id, [resident], staff.id)
    await proposals.take_seats(conn, staff.municipality, target, {resident: seat.need_id})
    await proposals.edited(conn, [proposal_id, target])


async def merge(conn: Connection, staff: Staff, proposal_id: ProposalId, other: ProposalId) -> None:
    """Take everybody of another draft in; that one is then superseded, and says where its people are."""
    if other == proposal_id:
        raise NotFound
    moving = await _live(conn, other)
    await _hold(conn, [proposal_id, other], list(moving))
    if await _live(conn, other) != moving:
        raise Conflict
    drafts = await lay_out(conn, [await _draft(conn, proposal_id), await _draft(conn, other)])
    judge(drafts, drafts.change(proposal_id, into=drafts.members[other]))
    await proposal_changes.insert_change(
        conn,
        "merge",
        proposal_id,
        other=other,
        by=staff.id,
        residents=list(moving),
        arrived=await _newcomers(conn, proposal_id, moving),
    )
    await proposals.free_seats(conn, other)
    await proposals.merge_into(conn, other, proposal_id)
    await proposals.take_seats(conn, staff.municipality, proposal_id, moving)
    await proposals.edited(conn, [proposal_id])


async def undo(conn: Connection, staff: Staff, proposal_id: ProposalId, change_id: UUID) -> None:
    """Take the last change back, in both drafts when it was between two.

    `change_id` is the one that the page offered: when something else came after it, that is a Conflict. Ends as
    UndoImpossible, with nothing changed, when the drafts or the people do not allow it any more.
    """
    change = await proposal_changes.last_change(conn, proposal_id)
    if change is None or change.id != change_id:
        raise Conflict
    about = [change.proposal_id] + ([change.other_id] if change.other_id else [])
    states = await proposals.lock_proposals(conn, about)
    again = await proposal_changes.last_change(conn, proposal_id)
    if again is None or again.id != change_id:
        raise Conflict
    merged = change.other_id if change.kind == "merge" else None
    for one in about:
        expected = ProposalState.SUPERSEDED if one == merged else ProposalState.DRAFT
        if states.get(one) is not expected:
            raise ProposalDecided if one == proposal_id else UndoImpossible
    if len(again.residents) < again.people:
        raise PersonLeft
    await _hold_people(conn, list(again.residents))
    await proposal_changes.mark_undone(conn, change_id, staff.id)
    await _reverse(conn, staff, again)


async def _reverse(conn: Connection, staff: Staff, change: Change) -> None:
    here, there = change.proposal_id, change.other_id
    match change.kind:
        case "rename":
            await proposals.rename(conn, here, change.title or "")
        case "meeting":
            await proposals.set_meeting(conn, here, change.meeting_place, change.meeting_at)
        case "drop":
            await _back(conn, staff, change, out_of=None, into=here)
        case "restore":
            await _back(conn, staff, change, out_of=here, into=None)
        case "move":
            await _back(conn, staff, change, out_of=there, into=here)
        case "merge":
            await proposals.come_back(conn, here, there)
            await _back(conn, staff, change, out_of=here, into=there)
        case _:
            assert_never(change.kind)


async def _back(
    conn: Connection, staff: Staff, change: Change, *, out_of: ProposalId | None, into: ProposalId | None
) -> None:
    """Seat the people of a change where they were, provided they are where it left them."""
    needs: dict[ResidentId, NeedId] = {}
    for resident in change.residents:
        if out_of is not None and not (await _seat(conn, out_of, resident)).live:
            raise UndoImpossible
        if into is not None:
            seat = await _seat(conn, into, resident)
            if seat.live or (out_of is None and seat.elsewhere is not None):
                raise UndoImpossible
            needs[resident] = seat.need_id
    if out_of is not None:
        await proposals.drop_seats(conn, out_of, list(change.residents), staff.id)
    if into is not None:
        drafts = await lay_out(conn, [await _draft(conn, into)])
        effect = drafts.change(into, into={str(need) for need in needs.values()})
        if Violation.SIZE in effect.refused:  # what was there before may come back as it was, but never over the most
            raise BoundsBroken(_words(drafts, effect, {Violation.SIZE: ()}))
        await proposals.take_seats(conn, staff.municipality, into, needs)
    await proposals.edited(conn, [one for one in (out_of, into) if one is not None])


def judge(drafts: SideBySide, effect: Effect) -> None:
    """Raises BoundsBroken when the change breaks a bound of the group that takes somebody in."""
    if effect.refused:
        raise BoundsBroken(_words(drafts, effect, effect.refused))


def _words(drafts: SideBySide, effect: Effect, refused: Mapping[Violation, tuple[str, ...]]) -> list[str]:
    return effect_words.refusals(refused, effect.after, {need: one.reference for need, one in drafts.person.items()})


async def _hold(conn: Connection, wanted: list[ProposalId], people: list[ResidentId]) -> None:
    """Hold drafts, then people. Raises NotFound or ProposalDecided; a draft that was merged is decided on too."""
    states = await proposals.lock_proposals(conn, wanted)
    if len(states) < len(set(wanted)):
        raise NotFound
    if any(state is not ProposalState.DRAFT for state in states.values()):
        raise ProposalDecided
    await _hold_people(conn, people)


async def _hold_people(conn: Connection, people: list[ResidentId]) -> None:
    await residents.hold_residents(conn, people)
    await residents.hold_consents(conn, people, Purpose.MATCHING)


async def _draft(conn: Connection, proposal_id: ProposalId) -> Proposal:
    """A draft of a new group: who is offered a place in a platform is no group of their own (`service.joining`)."""
    found = await proposals.proposal(conn, proposal_id)
    if found is None or found.platform_id is not None:
        raise NotFound
    return found


async def _seat(conn: Connection, proposal_id: ProposalId, resident: ResidentId) -> Seat:
    for seat in await proposals.seats(conn, proposal_id):
        if seat.resident_id == resident:
            return seat
    raise NotFound


async def _live(conn: Connection, proposal_id: ProposalId) -> dict[ResidentId, NeedId]:
    return {seat.resident_id: seat.need_id for seat in await proposals.seats(conn, proposal_id) if seat.live}


async def _newcomers(
    conn: Connection, proposal_id: ProposalId, coming: Mapping[ResidentId, NeedId]
) -> list[ResidentId]:
    """Who of these was never in this group."""
    been = {seat.resident_id for seat in await proposals.seats(conn, proposal_id) if seat.arrived}
    return [resident for resident in coming if resident not in been]
