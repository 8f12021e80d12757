"""Changing who is in a draft: first what it does to the groups, then the button; and the way back.

Opening an address changes nothing: GET shows the effect of a change, POST on the same address makes it. `deel` asks for
the effect alone, for the page that shows it in place; both come from one context.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import effect_words, regrouping
from service.audit import Action
from service.auth import Coordinator, Kring, SafeForm
from service.db import Connection
from service.domain import ProposalId, ProposalState, Staff
from service.drafting import SideBySide, lay_out
from service.errors import Conflict, NotFound, ProposalDecided
from service.queries import proposals as rows
from service.queries.proposals import Proposal, Seat
from service.resources import Resources
from service.trail import kept
from service.web import names, review
from service.web.fields import text_field
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)

Change = Callable[[Connection], Awaitable[object]]


@router.get("/voorstellen/{proposal_id}/weghalen")
async def about_drop(
    request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID, nummer: str = "", deel: str = ""
) -> Response:
    async with kept(request, kring, staff, Action.PROPOSAL_READ, "proposal", proposal_id) as trace:
        conn = trace.conn
        here = await _draft(conn, proposal_id)
        seat = await _candidate(conn, here, nummer)
        trace.about([seat.resident_id])
        drafts = await lay_out(conn, [here])
        context = await _effect(conn, drafts, [(here, {"out": {str(seat.need_id)}})])
    return _shown(request, here, context, deel, action="weghalen", fields={"nummer": nummer})


@router.post("/voorstellen/{proposal_id}/weghalen", dependencies=[SafeForm])
async def drop(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    form = await request.form()

    async def change(conn: Connection) -> None:
        here = await _draft(conn, proposal_id, hold=True)
        seat = await _candidate(conn, here, text_field(form, "nummer"))
        await _unchanged(conn, text_field(form, "seen"), here)
        await regrouping.drop(conn, staff, here.id, seat.resident_id)

    return await _changed(request, kring, staff, proposal_id, change)


@router.post("/voorstellen/{proposal_id}/terugzetten", dependencies=[SafeForm])
async def restore(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    form = await request.form()

    async def change(conn: Connection) -> None:
        here = await _draft(conn, proposal_id)
        seat = await _candidate(conn, here, text_field(form, "nummer"))
        await regrouping.restore(conn, staff, here.id, seat.resident_id)

    return await _changed(request, kring, staff, proposal_id, change)


@router.get("/voorstellen/{proposal_id}/verplaatsen")
async def about_move(
    request: Request,
    kring: Kring,
    staff: Coordinator,
    proposal_id: UUID,
    nummer: str = "",
    naar: str = "",
    deel: str = "",
) -> Response:
    """The effect on both groups; without `naar`, every group there is, those in which this person fits first."""
    async with kept(request, kring, staff, Action.PROPOSAL_READ, "proposal", proposal_id) as trace:
        conn = trace.conn
        here = await _draft(conn, proposal_id)
        seat = await _candidate(conn, here, nummer)
        trace.about([seat.resident_id])
        if not naar:
            return page(request, "staff/change_where.html", **await _places(conn, here, seat))
        there = await _draft(conn, _id(naar))
        drafts = await lay_out(conn, [here, there])
        need = {str(seat.need_id)}
        context = await _effect(conn, drafts, [(there, {"into": need}), (here, {"out": need})])
    return _shown(request, here, context, deel, action="verplaatsen", fields={"nummer": nummer, "naar": str(there.id)})


@router.post("/voorstellen/{proposal_id}/verplaatsen", dependencies=[SafeForm])
async def move(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    form = await request.form()
    target = _id(text_field(form, "naar"))

    async def change(conn: Connection) -> None:
        await rows.lock_proposals(conn, [ProposalId(proposal_id), ProposalId(target)])
        here, there = await _draft(conn, proposal_id), await _draft(conn, target)
        seat = await _candidate(conn, here, text_field(form, "nummer"))
        await _unchanged(conn, text_field(form, "seen"), there, here)
        await regrouping.move(conn, staff, here.id, seat.resident_id, there.id)

    return await _changed(request, kring, staff, proposal_id, change)


@router.get("/voorstellen/{proposal_id}/samenvoegen")
async def about_merge(
    request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID, met: str = "", deel: str = ""
) -> Response:
    async with kept(request, kring, staff, Action.PROPOSAL_READ, "proposal", proposal_id) as trace:
        conn = trace.conn
        here, there = await _draft(conn, proposal_id), await _draft(conn, _id(met))
        drafts = await lay_out(conn, [here, there])
        context = await _effect(conn, drafts, [(here, {"into": drafts.members[there.id]})])
        context |= {"ends": there, "seen": await _fingerprint(conn, here, there)}
    return _shown(request, here, context | {"ends": there}, deel, action="samenvoegen", fields={"met": str(there.id)})


@router.post("/voorstellen/{proposal_id}/samenvoegen", dependencies=[SafeForm])
async def merge(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    form = await request.form()
    other = _id(text_field(form, "met"))

    async def change(conn: Connection) -> None:
        await rows.lock_proposals(conn, [ProposalId(proposal_id), ProposalId(other)])
        here, there = await _draft(conn, proposal_id), await _draft(conn, other)
        await _unchanged(conn, text_field(form, "seen"), here, there)
        await regrouping.merge(conn, staff, here.id, there.id)

    return await _changed(request, kring, staff, proposal_id, change)


@router.post("/voorstellen/{proposal_id}/ongedaan-maken", dependencies=[SafeForm])
async def undo(request: Request, kring: Kring, staff: Coordinator, proposal_id: UUID) -> Response:
    change_id = _id(text_field(await request.form(), "verandering"))

    async def change(conn: Connection) -> None:
        await _draft(conn, proposal_id)
        await regrouping.undo(conn, staff, ProposalId(proposal_id), change_id)

    return await _changed(request, kring, staff, proposal_id, change)


def _shown(
    request: Request, here: Proposal, context: dict[str, Any], deel: str, *, action: str, fields: dict[str, str]
) -> Response:
    template = "staff/change_effect.html" if deel else "staff/change.html"
    return page(request, template, proposal=here, action=action, fields=fields, **context)


async def _effect(
    conn: Connection, drafts: SideBySide, changes: list[tuple[Proposal, dict[str, Collection[str]]]]
) -> dict[str, Any]:
    """What happens to each group, and why it may not; the group that takes people in comes first."""
    reference = {need: one.reference for need, one in drafts.person.items()}
    groups: list[tuple[Proposal, list[str]]] = []
    refused: list[str] = []
    for proposal, who in changes:
        effect = drafts.change(proposal.id, **who)
        groups.append((proposal, effect_words.sentences(effect)))
        refused += effect_words.refusals(effect.refused, effect.after, reference, known=who.get("into", ()))
    seen = await _fingerprint(conn, *[proposal for proposal, _ in changes])
    return {"groups": groups, "refused": refused, "seen": seen, "ends": None}


async def _places(conn: Connection, here: Proposal, seat: Seat) -> dict[str, Any]:
    """Every other draft: where this person fits, best first, and where not, with why."""
    drafts_now = await rows.proposals(conn, ProposalState.DRAFT)
    others = [one for one in drafts_now if one.id != here.id and one.platform_id is None]
    drafts = await lay_out(conn, [here, *others])
    need = str(seat.need_id)
    groups = {one.id: drafts.standing(one.id) for one in others}
    best = list(drafts.places_for(need, groups))
    by_id = {one.id: one for one in others}
    reference = {id_: one.reference for id_, one in drafts.person.items()}
    elsewhere = []
    for one in (by_id[id_] for id_ in drafts.alike(need, groups) if id_ not in best):
        effect = drafts.change(one.id, into={need})
        elsewhere.append((one, effect_words.refusals(effect.refused, effect.after, reference, known={need})))
    return {"proposal": here, "seat": seat, "best": [by_id[one] for one in best], "others": elsewhere, "names": names}


async def _changed(request: Request, kring: Resources, staff: Staff, proposal_id: UUID, change: Change) -> Response:
    async with kept(request, kring, staff, Action.PROPOSAL_CHANGED, "proposal", proposal_id) as trace:
        trace.about(seat.resident_id for seat in await rows.seats(trace.conn, ProposalId(proposal_id)) if seat.live)
        await change(trace.conn)
    return RedirectResponse(f"/voorstellen/{proposal_id}#mensen", status_code=303)


async def _draft(conn: Connection, proposal_id: UUID, *, hold: bool = False) -> Proposal:
    if hold:
        await rows.lock_proposal(conn, ProposalId(proposal_id))
    proposal = await review.found(conn, ProposalId(proposal_id))
    if proposal.state is not ProposalState.DRAFT:
        raise ProposalDecided
    return proposal


async def _candidate(conn: Connection, proposal: Proposal, reference: str) -> Seat:
    """Forms name a candidate by reference number: no id of a resident leaves the server."""
    for seat in await rows.seats(conn, proposal.id):
        if seat.reference == reference:
            return seat
    raise NotFound


async def _unchanged(conn: Connection, seen: str, *drafts: Proposal) -> None:
    """Raises Conflict unless the groups are still what they were when the effect was shown."""
    if seen != await _fingerprint(conn, *drafts):
        raise Conflict


async def _fingerprint(conn: Connection, *drafts: Proposal) -> str:
    return review.fingerprint(*[(draft, await rows.seats(conn, draft.id)) for draft in drafts])


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError as error:
        raise NotFound from error
