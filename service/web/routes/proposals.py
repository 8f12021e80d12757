"""Proposals: a coordinator reads why these people, names the group, plans its first meeting, and decides."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import news, proposals
from service.audit import Action
from service.auth import Coordinator, Kring, SafeForm
from service.db import Connection
from service.domain import ProposalId, ProposalState, Staff
from service.errors import Conflict
from service.news import News, Seen
from service.queries import invitations
from service.queries import proposals as rows
from service.queries.proposals import Proposal
from service.resources import Resources
from service.trail import kept
from service.web import names, review
from service.web.decisions import SHOWN_IN_PLACE, at_fields
from service.web.fields import text_field
from service.web.meeting_form import read_meeting
from service.web.pages import page
from service.web.routes import proposal_changes

router = APIRouter(default_response_class=HTMLResponse)
router.include_router(proposal_changes.router)

ORDER: Final = tuple(Seen)
"""New groups first: the others a coordinator has seen before."""

Change = Callable[[Connection], Awaitable[object]]


@router.get("/voorstellen")
async def index(request: Request, kring: Kring, staff: Coordinator) -> Response:
    async with kept(request, kring, staff, Action.PROPOSAL_LISTED, "proposal") as trace:
        conn = trace.conn
        drafts = await rows.proposals(conn, ProposalState.DRAFT)
        approved = await rows.proposals(conn, ProposalState.APPROVED)
        rejected = await rows.proposals(conn, ProposalState.REJECTED)
        yeses = await invitations.yeses(conn)
        told = await news.compare(conn, drafts)
    return page(
        request,
        "staff/proposals.html",
        drafts=_in_order(drafts, told),
        compared=bool(told),
        new=sum(one.seen is Seen.NEW for one in told.values()),
        changed=sum(one.seen is Seen.CHANGED for one in told.values()),
        long_waiting=sum(draft.long_waiting for draft in drafts),
        long_wait_days=rows.LONG_WAIT_DAYS,
        approved=[(proposal, yeses.get(proposal.id, 0)) for proposal in approved],
        rejected=rejected,
        names=names,
    )


def _in_order(drafts: Sequence[Proposal], told: dict[ProposalId, News]) -> list[tuple[Proposal, News | None]]:
    """New ones first, and among equals those with people who wait long."""
    both = [(draft, told.get(draft.id)) for draft in drafts]
    return sorted(
        both, key=lambda pair: (ORDER.index(pair[1].seen) if pair[1] else 0, -pair[0].long_waiting, pair[0].title)
    )


@router.get("/voorstellen/{proposal_id}")
async def show(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    async with kept(request, kring, staff, Action.PROPOSAL_READ, "proposal", proposal_id) as trace:
        conn = trace.conn
        proposal = await review.found(conn, ProposalId(proposal_id))
        if proposal.merged_into is not None:
            return RedirectResponse(f"/voorstellen/{proposal.merged_into}", status_code=303)
        if proposal.platform_id is not None:
            return RedirectResponse(f"/voorstellen/{proposal_id}/aansluiten", status_code=303)
        context = await review.context(conn, proposal)
        trace.about(candidate.seat.resident_id for candidate in context["people"])
    return page(request, "staff/proposal.html", **context)


@router.post("/voorstellen/{proposal_id}/naam", dependencies=[SafeForm])
async def rename(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    title = text_field(await request.form(), "title")

    async def change(conn: Connection) -> None:
        await proposals.rename(conn, ProposalId(proposal_id), title, by=staff.id)

    return await _change(
        request, kring, staff, proposal_id, change, Action.PROPOSAL_CHANGED, typed={"title": title}, to="#naam"
    )


@router.post("/voorstellen/{proposal_id}/bijeenkomst", dependencies=[SafeForm])
async def plan(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    meeting = read_meeting(await request.form())

    async def change(conn: Connection) -> None:
        await proposals.plan_meeting(conn, ProposalId(proposal_id), meeting.place, meeting.moment(), by=staff.id)

    return await _change(
        request, kring, staff, proposal_id, change, Action.PROPOSAL_CHANGED, typed={"meeting": meeting}, to="#besluit"
    )


@router.post("/voorstellen/{proposal_id}/goedkeuring", dependencies=[SafeForm])
async def approve(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    """Approve what was on the page and nothing else; a colleague may have changed it since.

    A second click of whoever just approved it shows what the first one did.
    """
    seen = text_field(await request.form(), "seen")

    async def change(conn: Connection) -> None:
        await rows.lock_proposal(conn, ProposalId(proposal_id))
        proposal = await review.found(conn, ProposalId(proposal_id))
        if _did(proposal, ProposalState.APPROVED, staff):
            return
        if proposal.state is ProposalState.DRAFT:
            shown = review.fingerprint((proposal, await rows.seats(conn, proposal.id)))
            if seen != shown:
                raise Conflict
        await proposals.approve(conn, staff, proposal.id, link_days=kring.settings.link_days)

    answer = await _change(request, kring, staff, proposal_id, change, Action.PROPOSAL_APPROVED)
    if answer.status_code == 303:
        await kring.queue.wake("deliver", staff.municipality)
    return answer


@router.post("/voorstellen/{proposal_id}/afwijzing", dependencies=[SafeForm])
async def reject(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    """Reject with a reason; a second click shows what the first one did, as for `approve`."""
    reason = text_field(await request.form(), "reason")

    async def change(conn: Connection) -> None:
        await rows.lock_proposal(conn, ProposalId(proposal_id))
        if not _did(await review.found(conn, ProposalId(proposal_id)), ProposalState.REJECTED, staff):
            await proposals.reject(conn, staff, ProposalId(proposal_id), reason)

    return await _change(request, kring, staff, proposal_id, change, Action.PROPOSAL_REJECTED, typed={"reason": reason})


def _did(proposal: Proposal, state: ProposalState, staff: Staff) -> bool:
    """Whether this very person decided so already."""
    return proposal.state is state and proposal.decided_by == staff.id


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
    """Do one thing to the proposal and show it again. What is wrong is shown in the form, with what was `typed`."""
    try:
        async with kept(request, kring, staff, action, "proposal", proposal_id) as trace:
            await change(trace.conn)
            trace.about(seat.resident_id for seat in await rows.seats(trace.conn, ProposalId(proposal_id)) if seat.live)
    except SHOWN_IN_PLACE as error:
        async with kept(request, kring, staff, Action.PROPOSAL_READ, "proposal", proposal_id) as trace:
            context = await review.context(trace.conn, await review.found(trace.conn, ProposalId(proposal_id)))
            trace.about(candidate.seat.resident_id for candidate in context["people"])
        context |= typed or {}
        return page(request, "staff/proposal.html", status=error.status, errors=at_fields(error), **context)
    return RedirectResponse(f"/voorstellen/{proposal_id}{to}", status_code=303)
