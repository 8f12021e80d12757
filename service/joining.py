"""Join before found: what the engine is told of platforms with room, and what becomes of its answer.

Groups die without newcomers (docs/sources.md, "Groups"). Each run offers places in the platforms there are before it
composes anything new (`models.joining`); such an offer is a draft like any other, and a coordinator decides. What holds
in a platform (its size, ages, who must not meet) is kept by the database: revision 0011.

Locks are taken as elsewhere: the proposal, then the platform, then residents, then their consents. Joining, asking and
ending take turns at the platform.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from models.encoder import Vector
from models.errors import Param
from models.need import Meeting, Need
from models.plan import Code, Joining, MatchSettings, OpenPlatform, Reason, Ungrouped
from service import invitations, platforms
from service.db import Connection, refusal
from service.domain import (
    BOUNDS,
    MunicipalityId,
    NeedId,
    PlatformId,
    PlatformState,
    ProposalId,
    ProposalState,
    Purpose,
    ResidentId,
    RunId,
    Staff,
)
from service.errors import (
    MeetingInPast,
    MeetingMissing,
    NobodyToInvite,
    NotFound,
    PlatformEnded,
    PlatformFull,
    ProposalDecided,
)
from service.queries import joining as rows
from service.queries import needs, proposal_changes, proposals, residents
from service.queries import platforms as platform_rows
from service.queries.joining import Places
from service.queries.needs import PoolNeed

LONG_WAIT_DAYS = MatchSettings().long_wait_days


def room_of(found: Places) -> int:
    """Places that are free: who was asked keeps one until the time to answer is over, whatever they say."""
    return max(0, BOUNDS[found.form].most - found.members - found.asked)


# --- what the engine is told ----------------------------------------------------------------------------------------


async def open_platforms(conn: Connection) -> tuple[list[OpenPlatform], dict[str, Vector]]:
    """The platforms with room, and the stored vectors of their members' needs by id of the need.

    A platform with a draft that a coordinator worked on is left out: no run replaces that one, and there is one at
    most.
    Members whose consent to matching ended are not compared with; the database still keeps who must not meet them out.
    """
    going = [one for one in await rows.going(conn) if room_of(one) and not one.worked_on]
    wanted = [one.id for one in going]
    of_platform: dict[PlatformId, list[PoolNeed]] = defaultdict(list)
    for platform, member in await rows.members(conn, wanted):
        of_platform[platform].append(member)
    people = [member for members in of_platform.values() for member in members]
    apart: dict[UUID, set[str]] = defaultdict(set)
    for resident, need in await rows.kept_apart(conn, [ResidentId(member.resident_id) for member in people]):
        apart[resident].add(str(need))
    asked: dict[PlatformId, set[str]] = defaultdict(set)
    for platform, need in await rows.not_again(conn, wanted):
        asked[platform].add(str(need))
    stored = await needs.vectors(conn, [member.id for member in people])
    found = [
        _open(one, [member.as_need(apart[member.resident_id]) for member in of_platform[one.id]], asked[one.id])
        for one in going
    ]
    return [one for one in found if one is not None], {str(need): vector for need, vector in stored.items()}


def _open(found: Places, members: Sequence[Need], asked: set[str]) -> OpenPlatform | None:
    """None when its members share no language that is known: nobody can be said to speak with all of them."""
    language = found.language or common_language(members)
    if language is None:
        return None
    return OpenPlatform(
        id=str(found.id),
        form=found.form,
        language=language,
        meeting=found.meeting or Meeting.IN_PERSON,
        daypart=found.daypart,
        room=room_of(found),
        members=tuple(members),
        asked=frozenset(asked),
    )


def common_language(members: Sequence[Need]) -> str | None:
    """The language that all of them speak, Dutch before another; None when there is none."""
    spoken = Counter(language for member in members for language in member.languages)
    shared = sorted(language for language, count in spoken.items() if count == len(members))
    return "nl" if "nl" in shared else next(iter(shared), None)


# --- what it answered -----------------------------------------------------------------------------------------------


class _NobodyLeft(Exception):
    """Nobody of a joining could be seated: there is no draft to make."""


async def store_joinings(
    conn: Connection,
    municipality: MunicipalityId,
    run: RunId,
    joinings: Sequence[Joining],
    still: Mapping[str, PoolNeed],
) -> tuple[Joining, ...]:
    """One draft for each platform; what was stored, each with only those who got a seat.

    In the transaction of `service.matching.store`, before its groups and after `supersede_untouched`. `still`: the pool
    as it is now. A platform that paused, ended or lost the room meanwhile gets no draft: who would then be offered a
    place was perhaps drawn by lot, so it is for the next run to say. A person whom the database refuses is left out.
    """
    stored: list[Joining] = []
    for joining in sorted(joinings, key=lambda one: UUID(one.platform_id)):
        here = [member for member in joining.members if member in still]
        platform = PlatformId(UUID(joining.platform_id))
        state = await platform_rows.lock_platform(conn, platform)
        found = await rows.places(conn, platform)
        if found is None or state not in {PlatformState.FORMING, PlatformState.ACTIVE} or found.draft is not None:
            continue
        if len(here) > room_of(found):
            continue
        try:
            async with conn.transaction():
                seated = await _store(conn, municipality, run, found, replace(joining, members=tuple(here)), still)
        except _NobodyLeft:
            continue
        stored.append(replace(joining, members=seated))
    return tuple(stored)


def left_over(joinings: Sequence[Joining], stored: Sequence[Joining]) -> list[Ungrouped]:
    """Who was to be offered a place and got no seat: they hear why not too, and the counts of a run add up."""
    seated = {member for joining in stored for member in joining.members}
    return [
        Ungrouped(member, Reason(Code.NO_FITTING_GROUP, {"found": _alike(joining.member_reasons.get(member, ()))}))
        for joining in joinings
        for member in joining.members
        if member not in seated
    ]


def _alike(reasons: Sequence[Reason]) -> Param:
    """To how many members this person is close."""
    return next((reason.params["count"] for reason in reasons if reason.code is Code.CLOSE_TO_OTHERS), 0)


async def _store(
    conn: Connection,
    municipality: MunicipalityId,
    run: RunId,
    found: Places,
    joining: Joining,
    still: Mapping[str, PoolNeed],
) -> tuple[str, ...]:
    """The draft and its seats; who got one. Raises _NobodyLeft."""
    own = [member for platform, member in await rows.members(conn, [found.id])]
    language = found.language or common_language([member.as_need(set()) for member in own])
    proposal = await rows.insert_draft(
        conn,
        municipality,
        run,
        found,
        language=language,
        meeting=found.meeting,
        reasons=_rows(_why_it_fits(found, language)),
    )
    seated = []
    for member in joining.members:
        reasons = (*joining.member_reasons.get(member, ()), *_why_this_one(still[member], found))
        if await _seat(conn, municipality, proposal, still[member], reasons):
            seated.append(member)
    if not seated:
        raise _NobodyLeft
    return tuple(seated)


async def _seat(
    conn: Connection, municipality: MunicipalityId, proposal: ProposalId, one: PoolNeed, reasons: Sequence[Reason]
) -> bool:
    """False when the database refused: an age, a seat, an apart pair or a membership changed meanwhile."""
    try:
        async with conn.transaction():
            await proposals.insert_seat(
                conn, municipality, proposal, need=one.id, resident=ResidentId(one.resident_id), reasons=_rows(reasons)
            )
    except asyncpg.IntegrityConstraintViolationError as error:
        if refusal(error) is None:
            raise
        return False
    return True


def _why_it_fits(found: Places, language: str | None) -> list[Reason]:
    reasons = [Reason(Code.ROOM_IN_PLATFORM, {"room": room_of(found)})]
    if language is not None:
        reasons.append(Reason(Code.SHARED_LANGUAGE, {"language": language}))
    if found.meeting is Meeting.ONLINE:
        reasons.append(Reason(Code.MEETS_ONLINE))
    return reasons


def _why_this_one(one: PoolNeed, found: Places) -> list[Reason]:
    reasons = []
    if found.daypart is not None and found.daypart in one.dayparts:
        reasons.append(Reason(Code.CAN_COME, {"daypart": found.daypart}))
    if one.waiting_days >= LONG_WAIT_DAYS:
        reasons.append(Reason(Code.WAITED_LONG, {"days": one.waiting_days}))
    return reasons


def _rows(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    return [{"code": reason.code, "params": dict(reason.params)} for reason in reasons]


# --- what a coordinator does with it --------------------------------------------------------------------------------


async def _held(conn: Connection, proposal_id: ProposalId) -> tuple[proposals.Proposal, PlatformId]:
    """A draft that offers places, held, with its platform, held too."""
    state = await proposals.lock_proposal(conn, proposal_id)
    found = await proposals.proposal(conn, proposal_id)
    platform = await rows.platform_joined(conn, proposal_id)
    if found is None or platform is None:
        raise NotFound
    if state is not ProposalState.DRAFT:
        raise ProposalDecided
    if await platform_rows.lock_platform(conn, platform) is PlatformState.ENDED:
        raise PlatformEnded
    return found, platform


async def restore(conn: Connection, staff: Staff, proposal_id: ProposalId, resident: ResidentId) -> None:
    """Put a candidate back who was taken out. Ends as SeatRefused when the platform's own people forbid it by now."""
    await _held(conn, proposal_id)
    await residents.hold_residents(conn, [resident])
    await residents.hold_consents(conn, [resident], Purpose.MATCHING)
    seats = {seat.resident_id: seat for seat in await proposals.seats(conn, proposal_id)}
    seat = seats.get(resident)
    if seat is None or (not seat.live and seat.dropped_at is None):
        raise NotFound
    if seat.live:
        return
    await proposal_changes.insert_change(conn, "restore", proposal_id, by=staff.id, residents=[resident])
    await proposals.take_seats(conn, staff.municipality, proposal_id, {resident: NeedId(seat.need_id)})
    await proposals.edited(conn, [proposal_id])


async def approve_joining(conn: Connection, staff: Staff, proposal_id: ProposalId, *, link_days: int) -> int:
    """Approve an offer of places, and owe an invitation to everybody who may be invited; how many that are.

    From one person on: the group is there already. Where and when is what the draft says, else the platform's next
    meeting; what the draft says becomes a planned meeting of the platform. All in one transaction, as
    `service.proposals.approve`. Raises PlatformFull when more would be asked than there are places.
    """
    found, platform = await _held(conn, proposal_id)
    place, at = await meeting_of(conn, found, platform)
    if place is None or at is None:
        raise MeetingMissing
    if at <= datetime.now(UTC):
        raise MeetingInPast
    seats = [seat for seat in await proposals.seats(conn, proposal_id) if seat.live]
    invitable = [seat.resident_id for seat in seats if seat.can_be_invited]
    if not invitable:
        raise NobodyToInvite
    places = await rows.places(conn, platform)
    if places is None or len(invitable) > room_of(places):
        raise PlatformFull
    await residents.hold_consents(conn, invitable, Purpose.INVITATION)
    await platforms.plan_meeting(conn, staff, platform, place, at)
    await proposals.set_meeting(conn, proposal_id, place, at)
    await proposals.decide(conn, proposal_id, ProposalState.APPROVED, staff.id, None)
    for resident in invitable:
        await invitations.invite(conn, staff.municipality, proposal_id, resident, link_days=link_days)
    for seat in seats:
        if not seat.can_be_invited:  # nobody will ask them for this group, so it must not keep them from another
            await proposals.free_seat(conn, proposal_id, seat.resident_id)
    return len(invitable)


async def meeting_of(
    conn: Connection, found: proposals.Proposal, platform: PlatformId
) -> tuple[str | None, datetime | None]:
    """Where and when the newcomers come first: what the draft says, else the platform's next planned meeting."""
    if found.meeting_place is not None:
        return found.meeting_place, found.meeting_at
    now = datetime.now(UTC)
    for meeting in await platform_rows.meetings(conn, platform):
        if meeting.state == "planned" and meeting.starts_at > now:
            return meeting.place, meeting.starts_at
    return None, None
