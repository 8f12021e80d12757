"""Platforms: how each one develops, and what a coordinator records about it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import joining, platforms
from service.audit import Action
from service.auth import Coordinator, Kring, SafeForm
from service.db import Connection
from service.domain import EndReason, MeetingId, PlatformId, PlatformState, Staff
from service.errors import FieldErrors, NotFound
from service.queries import joining as join_rows
from service.queries import platforms as rows
from service.queries import pulses
from service.queries.platforms import Meeting
from service.resources import Resources
from service.trail import kept
from service.web import names, platform_events
from service.web.fields import text_field
from service.web.meeting_form import MeetingForm, read_meeting
from service.web.pages import date_nl, moment_nl, page

router = APIRouter(default_response_class=HTMLResponse)
BADGES = {
    PlatformState.FORMING: "neutral",
    PlatformState.ACTIVE: "success",
    PlatformState.PAUSED: "warning",
    PlatformState.ENDED: "inactive",
}
CHARTED = 12
"""The last meetings that fit a screen; the table has them all."""

NO_NUMBER = {
    "attended": "Vul in hoeveel mensen er waren. Was er niemand? Vul dan 0 in.",
    "newcomers": "Vul in hoeveel mensen er voor het eerst waren. Was er niemand nieuw? Vul dan 0 in.",
}

Change = Callable[[Connection], Awaitable[object]]


@router.get("/platforms")
async def index(request: Request, kring: Kring, staff: Coordinator) -> Response:
    async with kept(request, kring, staff, Action.PLATFORM_LISTED, "platform") as trace:
        found = await rows.platforms(trace.conn)
    return page(request, "staff/platforms.html", platforms=found, names=names, badges=BADGES)


@router.get("/platforms/{platform_id}")
async def show(request: Request, kring: Kring, staff: Coordinator, platform_id: UUID) -> Response:
    return page(request, "staff/platform.html", **await _context(request, kring, staff, PlatformId(platform_id)))


@router.post("/platforms/{platform_id}/bijeenkomsten", dependencies=[SafeForm])
async def plan_meeting(request: Request, kring: Kring, staff: Coordinator, platform_id: UUID) -> Response:
    new = read_meeting(await request.form())

    async def change(conn: Connection) -> None:
        await platforms.plan_meeting(conn, staff, PlatformId(platform_id), new.place, new.moment())

    return await _change(request, kring, staff, platform_id, change, typed={"new": new}, to="#bijeenkomsten")


@router.post("/platforms/{platform_id}/opkomst", dependencies=[SafeForm])
async def record_attendance(request: Request, kring: Kring, staff: Coordinator, platform_id: UUID) -> Response:
    form = await request.form()
    typed = {field: text_field(form, field).strip() for field in ("held", "attended", "newcomers")}

    async def change(conn: Connection) -> None:
        meeting, attended, newcomers = _attendance(typed)
        await platforms.record_attendance(
            conn, staff, PlatformId(platform_id), meeting, attended=attended, newcomers=newcomers
        )

    return await _change(request, kring, staff, platform_id, change, typed=typed, to="#bijeenkomsten")


@router.post("/platforms/{platform_id}/afzegging", dependencies=[SafeForm])
async def cancel_meeting(request: Request, kring: Kring, staff: Coordinator, platform_id: UUID) -> Response:
    meeting = _uuid((await request.form()).get("meeting"))
    if meeting is None:
        raise NotFound

    async def change(conn: Connection) -> None:
        await platforms.cancel_meeting(conn, staff, PlatformId(platform_id), MeetingId(meeting))

    return await _change(request, kring, staff, platform_id, change, to="#bijeenkomsten")


@router.post("/platforms/{platform_id}/peiling", dependencies=[SafeForm])
async def ask_pulse(request: Request, kring: Kring, staff: Coordinator, platform_id: UUID) -> Response:
    async def change(conn: Connection) -> None:
        await platforms.ask_pulse(conn, staff.municipality, PlatformId(platform_id))

    answer = await _change(request, kring, staff, platform_id, change, to="#peilingen")
    await kring.queue.wake("deliver", staff.municipality)
    return answer


@router.post("/platforms/{platform_id}/pauze", dependencies=[SafeForm])
async def pause(request: Request, kring: Kring, staff: Coordinator, platform_id: UUID) -> Response:
    async def change(conn: Connection) -> None:
        await platforms.pause(conn, staff, PlatformId(platform_id))

    return await _change(request, kring, staff, platform_id, change)


@router.post("/platforms/{platform_id}/hervatting", dependencies=[SafeForm])
async def resume(request: Request, kring: Kring, staff: Coordinator, platform_id: UUID) -> Response:
    async def change(conn: Connection) -> None:
        await platforms.resume(conn, staff, PlatformId(platform_id))

    return await _change(request, kring, staff, platform_id, change)


@router.post("/platforms/{platform_id}/einde", dependencies=[SafeForm])
async def end(request: Request, kring: Kring, staff: Coordinator, platform_id: UUID) -> Response:
    typed = text_field(await request.form(), "reason")

    async def change(conn: Connection) -> None:
        if typed not in set(EndReason):
            raise FieldErrors({"reason": "Kies waarom het platform stopt."})
        await platforms.end(conn, staff, PlatformId(platform_id), EndReason(typed))

    return await _change(request, kring, staff, platform_id, change)


async def _change(
    request: Request,
    kring: Resources,
    staff: Staff,
    platform_id: UUID,
    change: Change,
    *,
    typed: Mapping[str, Any] | None = None,
    to: str = "",
) -> Response:
    """Do one thing to the platform and show it again. What is wrong is shown in the form, with what was `typed`."""
    try:
        async with kept(request, kring, staff, Action.PLATFORM_CHANGED, "platform", platform_id) as trace:
            await change(trace.conn)
    except FieldErrors as error:
        context = await _context(request, kring, staff, PlatformId(platform_id)) | dict(typed or {})
        return page(request, "staff/platform.html", status=error.status, errors=error.fields, **context)
    return RedirectResponse(f"/platforms/{platform_id}{to}", status_code=303)


def _uuid(typed: object) -> UUID | None:
    try:
        return UUID(str(typed))
    except ValueError:
        return None


def _attendance(typed: Mapping[str, str]) -> tuple[MeetingId, int, int]:
    """Meeting, how many came, how many of them for the first time. Raises FieldErrors with everything that is wrong."""
    problems = {
        field: problem
        for field, problem in NO_NUMBER.items()
        if not (typed[field].isdecimal() and len(typed[field]) <= 4)
    }
    meeting = _uuid(typed["held"])
    if meeting is None:
        problems = {"held": "Kies welke bijeenkomst het was.", **problems}
    if problems or meeting is None:
        raise FieldErrors(problems)
    return MeetingId(meeting), int(typed["attended"]), int(typed["newcomers"])


async def _context(request: Request, kring: Resources, staff: Staff, platform_id: PlatformId) -> dict[str, Any]:
    async with kept(request, kring, staff, Action.PLATFORM_READ, "platform", platform_id) as trace:
        conn = trace.conn
        platform = await rows.platform(conn, platform_id)
        places = await join_rows.places(conn, platform_id)
        if platform is None or places is None:
            raise NotFound
        members = await rows.members(conn, platform_id)
        trace.about(member.resident_id for member in members)
        meetings = await rows.meetings(conn, platform_id)
        rounds = await pulses.rounds(conn, platform_id, platforms.PULSE_LEAST)
        events = await rows.events(conn, platform_id)
    now = datetime.now(UTC)
    next_pulse = rounds[-1].sent_at + platforms.PULSE_PAUSE if rounds else now
    past = [meeting for meeting in meetings if meeting.state != "cancelled" and meeting.starts_at <= now]
    held = [meeting for meeting in meetings if meeting.state == "held"]
    open_meetings = [meeting for meeting in past if meeting.state == "planned"]
    return {
        "platform": platform,
        "members": members,
        "places": places,
        "room": joining.room_of(places),
        "meetings": meetings,
        "past": [(str(meeting.id), _meeting_option(meeting)) for meeting in past],
        "bars": [_bar(meeting) for meeting in held[-CHARTED:]],
        "rounds": rounds,
        "pulse_from": next_pulse if next_pulse > now else None,
        "least": platforms.PULSE_LEAST,
        "events": [(event.at, platform_events.sentence(event)) for event in events],
        "now": now,
        "going": platform.state is not PlatformState.ENDED,
        "badge": BADGES[platform.state],
        "names": names,
        "new": MeetingForm(),
        "held": str(open_meetings[0].id) if open_meetings else "",
        "attended": "",
        "newcomers": "",
        "reason": "",
    }


def _meeting_option(meeting: Meeting) -> str:
    filled = f" (ingevuld: {meeting.attended})" if meeting.state == "held" else ""
    return f"{moment_nl(meeting.starts_at)}{filled}"


def _bar(meeting: Meeting) -> tuple[str, int, int, str]:
    """Label, who came, who of them were new, and both in words."""
    attended, newcomers = meeting.attended or 0, meeting.newcomers or 0
    return date_nl(meeting.starts_at), attended, newcomers, f"{attended}, nieuw: {newcomers}"
