"""An offer of places in a platform: a coordinator reads who fits it, changes what is needed, and decides."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import joining, proposals, regrouping
from service.audit import Action
from service.auth import Coordinator, Kring, SafeForm
from service.db import Connection
from service.domain import ProposalId, ProposalState, ResidentId, Staff
from service.errors import (
    Conflict,
    NotFound,
)
from service.queries import proposals as rows
from service.queries.proposals import Proposal
from service.resources import Resources
from service.trail import kept
from service.web import join_review
from service.web.decisions import SHOWN_IN_PLACE, at_fields
from service.web.fields import text_field
from service.web.meeting_form import read_meeting
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)

Change = Callable[[Connection, Proposal], Awaitable[object]]


@router.get("/voorstellen/{proposal_id}/aansluiten")
async def show(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    async with kept(request, kring, staff, Action.PROPOSAL_READ, "proposal", proposal_id) as trace:
        conn = trace.conn
        proposal = await join_review.found(conn, ProposalId(proposal_id))
        context = await join_review.context(conn, proposal)
        trace.about(newcomer.seat.resident_id for newcomer in context["people"])
    return page(request, "staff/proposal_joining.html", **context)


@router.post("/voorstellen/{proposal_id}/aansluiten/weghalen", dependencies=[SafeForm])
async def drop(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    reference = text_field(await request.form(), "nummer")

    async def change(conn: Connection, proposal: Proposal) -> None:
        await regrouping.drop(conn, staff, proposal.id, await _candidate(conn, proposal, reference))

    return await _change(request, kring, staff, proposal_id, change, Action.PROPOSAL_CHANGED, to="#mensen")


@router.post("/voorstellen/{proposal_id}/aansluiten/terugzetten", dependencies=[SafeForm])
async def restore(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    reference = text_field(await request.form(), "nummer")

    async def change(conn: Connection, proposal: Proposal) -> None:
        await joining.restore(conn, staff, proposal.id, await _candidate(conn, proposal, reference))

    return await _change(request, kring, staff, proposal_id, change, Action.PROPOSAL_CHANGED, to="#mensen")


@router.post("/voorstellen/{proposal_id}/aansluiten/bijeenkomst", dependencies=[SafeForm])
async def plan(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    meeting = read_meeting(await request.form())

    async def change(conn: Connection, proposal: Proposal) -> None:
        await proposals.plan_meeting(conn, proposal.id, meeting.place, meeting.moment(), by=staff.id)

    return await _change(
        request, kring, staff, proposal_id, change, Action.PROPOSAL_CHANGED, typed={"meeting": meeting}, to="#besluit"
    )


@router.post("/voorstellen/{proposal_id}/aansluiten/goedkeuring", dependencies=[SafeForm])
async def approve(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    """Approve what was on the page and nothing else. A second click shows what the first one did."""
    seen = text_field(await request.form(), "seen")

    async def change(conn: Connection, proposal: Proposal) -> None:
        if proposal.state is ProposalState.APPROVED and proposal.decided_by == staff.id:
            return
        if proposal.state is ProposalState.DRAFT and seen != await join_review.seen_now(conn, proposal):
            raise Conflict
        await joining.approve_joining(conn, staff, proposal.id, link_days=kring.settings.link_days)

    answer = await _change(request, kring, staff, proposal_id, change, Action.PROPOSAL_APPROVED)
    if answer.status_code == 303:
        await kring.queue.wake("deliver", staff.municipality)
    return answer


@router.post("/voorstellen/{proposal_id}/aansluiten/afwijzing", dependencies=[SafeForm])
async def reject(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    reason = text_field(await request.form(), "reason")

    async def change(conn: Connection, proposal: Proposal) -> None:
        if not (proposal.state is ProposalState.REJECTED and proposal.decided_by == staff.id):
            await proposals.reject(conn, staff, proposal.id, reason)

    return await _change(request, kring, staff, proposal_id, change, Action.PROPOSAL_REJECTED, typed={"reason": reason})


async def _change(
    request: Request,
    kring: Resources,
    staff: Staff,
    proposal_id: UUID,
    change: Change,
    action: Action,
    *,
    typed: dict[str, Any] | None = None,
    to: str = "",
) -> Response:
    """Do one thing to the offer and show it again. What is wrong is shown in the form, with what was `typed`."""
    try:
        async with kept(request, kring, staff, action, "proposal", proposal_id) as trace:
            await rows.lock_proposal(trace.conn, ProposalId(proposal_id))
            await change(trace.conn, await join_review.found(trace.conn, ProposalId(proposal_id)))
            trace.about(seat.resident_id for seat in await rows.seats(trace.conn, ProposalId(proposal_id)) if seat.live)
    except SHOWN_IN_PLACE as error:
        async with kept(request, kring, staff, Action.PROPOSAL_READ, "proposal", proposal_id) as trace:
            context = await join_review.context(
                trace.conn, await join_review.found(trace.conn, ProposalId(proposal_id))
            )
            trace.about(newcomer.seat.resident_id for newcomer in context["people"])
        context |= typed or {}
        return page(request, "staff/proposal_joining.html", status=error.status, errors=at_fields(error), **context)
    return RedirectResponse(f"/voorstellen/{proposal_id}/aansluiten{to}", status_code=303)


async def _candidate(conn: Connection, proposal: Proposal, reference: str) -> ResidentId:
    """Forms name a candidate by reference number: no id of a resident leaves the server."""
    for seat in await rows.seats(conn, proposal.id):
        if seat.reference == reference:
            return seat.resident_id
    raise NotFound
