"""Following a platform: it starts, meets, is asked how it goes, changes and ends. What happens is kept in order."""

from datetime import UTC, datetime, timedelta

from service.db import Connection
from service.domain import (
    PLACE_MOST,
    EndReason,
    MeetingId,
    MessageKind,
    MunicipalityId,
    PlatformId,
    PlatformState,
    ProposalId,
    PulseId,
    ResidentId,
    Staff,
)
from service.errors import Conflict, FieldErrors, LinkUnknown, NotFound, PlatformEnded, PulseTooSoon
from service.queries import invitations, joining, outbox, platforms, proposals, pulses
from service.typed import one_line

PULSE_LEAST = 3  # averages are shown from three answers on: with two, each knows the other's
PULSE_PAUSE = timedelta(days=7)  # by hand not more often than this: a question every day is no question


async def start(
    conn: Connection, municipality: MunicipalityId, proposal_id: ProposalId, members: list[ResidentId]
) -> PlatformId:
    """The first members are there: a platform, its first meeting, and a message to each of them."""
    found = await proposals.proposal(conn, proposal_id)
    if found is None or found.meeting_place is None or found.meeting_at is None:
        raise NotFound
    platform = await platforms.insert_platform(conn, municipality, proposal_id, found.title, found.form)
    await platforms.record_event(conn, municipality, platform, "started", members=len(members))
    await platforms.insert_meeting(conn, municipality, platform, found.meeting_place, found.meeting_at)
    await platforms.record_event(
        conn, municipality, platform, "meeting_planned", at=found.meeting_at.isoformat(), place=found.meeting_place
    )
    for resident in members:
        await _join(conn, municipality, platform, proposal_id, resident)
    return platform


async def add_member(
    conn: Connection, municipality: MunicipalityId, platform: PlatformId, proposal: ProposalId, resident: ResidentId
) -> None:
    """Somebody said yes after the start, or to a place in a platform there was already.

    Raises PlatformEnded when that yes comes too late; PostgreSQL's own error when the last place is gone.
    """
    await _going(conn, platform)
    began_here = await platforms.is_begun_by(conn, platform, proposal)
    await _join(conn, municipality, platform, proposal, resident, "started" if began_here else "joined")
    await platforms.record_event(conn, municipality, platform, "joined")


async def _join(
    conn: Connection,
    municipality: MunicipalityId,
    platform: PlatformId,
    proposal: ProposalId,
    resident: ResidentId,
    kind: MessageKind = "started",
) -> None:
    await platforms.join(conn, municipality, platform, resident)
    invitation = await invitations.invitation_of(conn, proposal, resident)
    await outbox.put(conn, municipality, kind=kind, subject_id=invitation, resident=resident)


async def _going(conn: Connection, platform_id: PlatformId) -> PlatformState:
    """Hold the platform and see that it has not ended."""
    state = await platforms.lock_platform(conn, platform_id)
    if state is None:
        raise NotFound
    if state is PlatformState.ENDED:
        raise PlatformEnded
    return state


async def plan_meeting(conn: Connection, staff: Staff, platform_id: PlatformId, place: str, at: datetime) -> MeetingId:
    """The same place and time a second time is a second click: still one meeting."""
    place = one_line(place)
    if not 1 <= len(place) <= PLACE_MOST:
        raise FieldErrors({"place": "Vul in waar de bijeenkomst is."})
    await _going(conn, platform_id)
    for known in await platforms.meetings(conn, platform_id):
        if (known.state, known.place, known.starts_at) == ("planned", place, at):
            return known.id
    meeting = await platforms.insert_meeting(conn, staff.municipality, platform_id, place, at)
    await platforms.record_event(
        conn, staff.municipality, platform_id, "meeting_planned", at=at.isoformat(), place=place
    )
    return meeting


async def record_attendance(
    conn: Connection, staff: Staff, platform_id: PlatformId, meeting: MeetingId, *, attended: int, newcomers: int
) -> None:
    """How many came, and how many for the first time. The first meeting that was held makes a platform active."""
    if not 0 <= attended <= 500:
        raise FieldErrors({"attended": "Vul in hoeveel mensen er waren, van 0 tot 500."})
    if not 0 <= newcomers <= attended:
        raise FieldErrors({"newcomers": "Er kunnen niet meer nieuwe mensen zijn dan er mensen waren."})
    state = await _going(conn, platform_id)
    known = await _meeting(conn, platform_id, meeting)
    if (known.state, known.attended, known.newcomers) == ("held", attended, newcomers):
        return  # a second click tells nothing new
    at = await platforms.record_attendance(conn, platform_id, meeting, attended=attended, newcomers=newcomers)
    if at is None:
        raise NotFound
    if at > datetime.now(UTC):
        raise FieldErrors({"attended": "Deze bijeenkomst moet nog komen. Vul de aantallen daarna in."})
    await platforms.record_event(
        conn, staff.municipality, platform_id, "meeting_held",
        at=at.isoformat(), attended=attended, newcomers=newcomers,
    )  # fmt: skip
    if state is PlatformState.FORMING and attended > 0:
        await platforms.set_state(conn, platform_id, PlatformState.ACTIVE)
        await platforms.record_event(conn, staff.municipality, platform_id, "active")


async def cancel_meeting(conn: Connection, staff: Staff, platform_id: PlatformId, meeting: MeetingId) -> None:
    """Cancelling twice is cancelling once."""
    await _going(conn, platform_id)
    if (await _meeting(conn, platform_id, meeting)).state == "cancelled":
        return
    at = await platforms.cancel_meeting(conn, platform_id, meeting)
    if at is None:
        raise NotFound
    await platforms.record_event(conn, staff.municipality, platform_id, "meeting_cancelled", at=at.isoformat())


async def _meeting(conn: Connection, platform_id: PlatformId, meeting: MeetingId) -> platforms.Meeting:
    for known in await platforms.meetings(conn, platform_id):
        if known.id == meeting:
            return known
    raise NotFound


async def pause(conn: Connection, staff: Staff, platform_id: PlatformId) -> None:
    if await _going(conn, platform_id) is PlatformState.PAUSED:
        raise Conflict
    await platforms.set_state(conn, platform_id, PlatformState.PAUSED)
    await platforms.record_event(conn, staff.municipality, platform_id, "paused")


async def resume(conn: Connection, staff: Staff, platform_id: PlatformId) -> None:
    if await _going(conn, platform_id) is not PlatformState.PAUSED:
        raise Conflict
    await platforms.set_state(conn, platform_id, PlatformState.ACTIVE)
    await platforms.record_event(conn, staff.municipality, platform_id, "active")


async def end(conn: Connection, staff: Staff, platform_id: PlatformId, reason: EndReason) -> None:
    """Ending is part of the life of a platform, not a failure; its people can be grouped again.

    Holds its proposals first, as `service.invitations.answer` does: nobody joins what is ending. Raises Conflict when
    places in it were offered at this very moment.
    """
    about = await joining.proposals_of(conn, platform_id)
    await proposals.lock_proposals(conn, about)
    await _going(conn, platform_id)
    if await joining.proposals_of(conn, platform_id) != about:
        raise Conflict
    await joining.supersede_draft(conn, platform_id)
    for proposal in about:
        for invitation in await invitations.close_open(conn, proposal):
            await outbox.cancel_subject(conn, invitation)
        await proposals.free_seats(conn, proposal)
    await platforms.set_state(conn, platform_id, PlatformState.ENDED, reason)
    await platforms.record_event(conn, staff.municipality, platform_id, "ended", reason=reason)


async def ask_pulse(conn: Connection, municipality: MunicipalityId, platform_id: PlatformId) -> int:
    """Owe three questions to each member who consented to follow-up; how many are asked."""
    await _going(conn, platform_id)
    last = await pulses.last_pulse(conn, platform_id)
    if last is not None and last > datetime.now(UTC) - PULSE_PAUSE:
        raise PulseTooSoon
    pulse = await pulses.insert_pulse(conn, municipality, platform_id)
    asked = await pulses.insert_requests(conn, municipality, pulse)
    for resident in asked:
        await outbox.put(conn, municipality, kind="pulse", subject_id=pulse, resident=resident)
    await platforms.record_event(conn, municipality, platform_id, "pulse_sent", asked=len(asked))
    return len(asked)


async def answer_pulse(
    conn: Connection,
    municipality: MunicipalityId,
    pulse: PulseId,
    resident: ResidentId,
    *,
    welcome: int,
    helped: int,
    staying: int,
) -> bool:
    """Store an answer without its author. False when this member had answered already."""
    if not all(1 <= value <= 5 for value in (welcome, helped, staying)):
        raise FieldErrors({"welcome": "Geef op elke vraag een antwoord."})
    if not await pulses.take_request(conn, pulse, resident):
        if await pulses.is_answered(conn, pulse, resident):
            return False
        raise LinkUnknown
    await pulses.insert_answer(conn, municipality, pulse, welcome=welcome, helped=helped, staying=staying)
    return True


async def ask_due_pulses(conn: Connection, municipality: MunicipalityId, *, every_days: int) -> int:
    """The worker's round: every active platform that has met and was not asked lately."""
    due = await pulses.due_platforms(conn, max(every_days, PULSE_PAUSE.days))
    for platform in due:
        await ask_pulse(conn, municipality, platform)
    return len(due)
