"""Proposals: a coordinator reads why these people, changes what is needed, and decides."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import proposals, wording
from service.auth import Coordinator, Kring, SafeForm
from service.db import Connection, transaction
from service.domain import BOUNDS, Channel, ProposalId, ProposalState, ResidentId, Staff
from service.errors import (
    Conflict,
    FieldErrors,
    KringError,
    MeetingInPast,
    MeetingMissing,
    NotFound,
    ReasonMissing,
)
from service.queries import invitations
from service.queries import platforms as platform_rows
from service.queries import proposals as rows
from service.queries.proposals import Proposal, Seat
from service.resources import Resources
from service.web import names
from service.web.fields import text_field
from service.web.meeting_form import meeting_form, read_meeting, suggestion
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)

SENT_BY_KRING = Channel.EMAIL
"""The other channels wait for a person to send them by hand (outbox state `manual`)."""
FIELD_OF = {MeetingInPast: "date", MeetingMissing: "place", ReasonMissing: "reason"}

Change = Callable[[Connection], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Messages:
    """What approving would send, by how: exactly what the page promises next to the button."""

    sent: int
    by_hand: int
    nobody_asked: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A seat as the page shows it; `fits`: free at the group's daypart."""

    seat: Seat
    reasons: list[str]
    fits: bool
    other_times: list[str]
    languages: str
    waiting_days: int


@router.get("/voorstellen")
async def index(request: Request, kring: Kring, staff: Coordinator) -> Response:
    async with transaction(kring.pool, staff.municipality) as conn:
        drafts = await rows.proposals(conn, ProposalState.DRAFT)
        approved = await rows.proposals(conn, ProposalState.APPROVED)
        rejected = await rows.proposals(conn, ProposalState.REJECTED)
        yeses = await invitations.yeses(conn)
    return page(
        request,
        "staff/proposals.html",
        drafts=drafts,
        approved=[(proposal, yeses.get(proposal.id, 0)) for proposal in approved],
        rejected=rejected,
        names=names,
    )


@router.get("/voorstellen/{proposal_id}")
async def show(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    return page(request, "staff/proposal.html", **await _context(kring, staff, ProposalId(proposal_id)))


@router.post("/voorstellen/{proposal_id}/naam", dependencies=[SafeForm])
async def rename(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    title = text_field(await request.form(), "title")

    async def change(conn: Connection) -> None:
        await proposals.rename(conn, ProposalId(proposal_id), title)

    return await _change(request, kring, staff, proposal_id, change, typed={"title": title}, to="#naam")


@router.post("/voorstellen/{proposal_id}/bijeenkomst", dependencies=[SafeForm])
async def plan(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    meeting = read_meeting(await request.form())

    async def change(conn: Connection) -> None:
        await proposals.plan_meeting(conn, ProposalId(proposal_id), meeting.place, meeting.moment())

    return await _change(request, kring, staff, proposal_id, change, typed={"meeting": meeting}, to="#besluit")


@router.post("/voorstellen/{proposal_id}/weghalen", dependencies=[SafeForm])
async def drop(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    reference = text_field(await request.form(), "reference")

    async def change(conn: Connection) -> None:
        resident = await _candidate(conn, proposal_id, reference)
        await proposals.drop(conn, staff, ProposalId(proposal_id), resident)

    return await _change(request, kring, staff, proposal_id, change, to="#mensen")


@router.post("/voorstellen/{proposal_id}/terugzetten", dependencies=[SafeForm])
async def restore(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    reference = text_field(await request.form(), "reference")

    async def change(conn: Connection) -> None:
        resident = await _candidate(conn, proposal_id, reference)
        await proposals.restore(conn, ProposalId(proposal_id), resident)

    return await _change(request, kring, staff, proposal_id, change, to="#mensen")


@router.post("/voorstellen/{proposal_id}/goedkeuring", dependencies=[SafeForm])
async def approve(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    """Approve what was on the page and nothing else; a colleague may have changed it since."""
    seen = text_field(await request.form(), "seen")

    async def change(conn: Connection) -> None:
        await rows.lock_proposal(conn, ProposalId(proposal_id))
        proposal = await _proposal(conn, proposal_id)
        if proposal.state is ProposalState.DRAFT and seen != _seen(proposal, await rows.seats(conn, proposal.id)):
            raise Conflict
        await proposals.approve(conn, staff, proposal.id, link_days=kring.settings.link_days)

    answer = await _change(request, kring, staff, proposal_id, change)
    if answer.status_code == 303:
        await kring.queue.wake("deliver", staff.municipality)
    return answer


@router.post("/voorstellen/{proposal_id}/afwijzing", dependencies=[SafeForm])
async def reject(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    reason = text_field(await request.form(), "reason")

    async def change(conn: Connection) -> None:
        await proposals.reject(conn, staff, ProposalId(proposal_id), reason)

    return await _change(request, kring, staff, proposal_id, change, typed={"reason": reason})


async def _change(
    request: Request,
    kring: Resources,
    staff: Staff,
    proposal_id: UUID,
    change: Change,
    *,
    typed: dict[str, Any] | None = None,
    to: str = "",
) -> Response:
    """Do one thing to the proposal and show it again. What is wrong is shown in the form, with what was `typed`."""
    try:
        async with transaction(kring.pool, staff.municipality) as conn:
            await change(conn)
    except (FieldErrors, MeetingInPast, MeetingMissing, ReasonMissing) as error:
        context = await _context(kring, staff, ProposalId(proposal_id)) | (typed or {})
        return page(request, "staff/proposal.html", status=error.status, errors=_fields(error), **context)
    return RedirectResponse(f"/voorstellen/{proposal_id}{to}", status_code=303)


def _fields(error: KringError) -> dict[str, str]:
    if isinstance(error, FieldErrors):
        return error.fields
    return {FIELD_OF[type(error)]: error.message}


async def _proposal(conn: Connection, proposal_id: UUID) -> Proposal:
    found = await rows.proposal(conn, ProposalId(proposal_id))
    if found is None or found.state is ProposalState.SUPERSEDED:
        raise NotFound
    return found


async def _candidate(conn: Connection, proposal_id: UUID, reference: str) -> ResidentId:
    """Forms name a candidate by reference number: no id of a resident leaves the server."""
    for seat in await rows.seats(conn, ProposalId(proposal_id)):
        if seat.reference == reference:
            return seat.resident_id
    raise NotFound


async def _context(kring: Resources, staff: Staff, proposal_id: ProposalId) -> dict[str, Any]:
    async with transaction(kring.pool, staff.municipality) as conn:
        proposal = await _proposal(conn, proposal_id)
        seats = await rows.seats(conn, proposal_id)
        tally = await invitations.tally(conn, proposal_id)
        platform = await platform_rows.platform_of_proposal(conn, proposal_id)
    is_draft = proposal.state is ProposalState.DRAFT
    # Once decided, seats come free when people say no; everybody then stays listed, so that it does not show who did.
    people = [seat for seat in seats if (seat.live if is_draft else seat.dropped_at is None)]
    now = datetime.now(UTC)
    return {
        "proposal": proposal,
        "reasons": _sentences(proposal.reasons),
        "people": [_candidate_of(seat, proposal.daypart, now) for seat in people],
        "dropped": [seat.reference for seat in seats if seat.dropped_at is not None] if is_draft else [],
        "areas": sorted(Counter(seat.area_name for seat in people).items(), key=lambda area: (-area[1], area[0])),
        "messages": _messages(people),
        "start": BOUNDS[proposal.form].start,
        "tally": tally,
        "platform": platform,
        "suggestion": suggestion(proposal.daypart, now) if proposal.daypart else None,
        "seen": _seen(proposal, seats),
        "title": proposal.title,
        "stopgap": wording.is_stopgap(proposal.title),
        "meeting": meeting_form(proposal.meeting_place, proposal.meeting_at),
        "reason": "",
        "names": names,
    }


def _candidate_of(seat: Seat, daypart: str | None, now: datetime) -> Candidate:
    return Candidate(
        seat=seat,
        reasons=_sentences(seat.reasons),
        fits=daypart is not None and daypart in seat.dayparts,
        other_times=[names.DAYPARTS[part] for part in names.DAYPARTS if part in seat.dayparts and part != daypart],
        languages=", ".join(wording.language(code) for code in seat.languages),
        waiting_days=max(0, (now - seat.waiting_since).days),
    )


def _sentences(reasons: list[dict[str, Any]]) -> list[str]:
    found = (wording.stored_sentence(reason["code"], reason["params"]) for reason in reasons)
    return [sentence for sentence in found if sentence]


def _messages(people: Sequence[Seat]) -> Messages:
    invitable = [seat for seat in people if seat.can_be_invited]
    sent = sum(seat.channel == SENT_BY_KRING for seat in invitable)
    return Messages(sent=sent, by_hand=len(invitable) - sent, nobody_asked=len(people) - len(invitable))


def _seen(proposal: Proposal, seats: Sequence[Seat]) -> str:
    """A fingerprint of what an approval would do: who is asked, for what, where and when."""
    asked = [str(seat.resident_id) for seat in seats if seat.live and seat.can_be_invited]
    what = [proposal.title, proposal.meeting_place or "", str(proposal.meeting_at), *asked]
    return sha256("\n".join(what).encode()).hexdigest()[:32]
