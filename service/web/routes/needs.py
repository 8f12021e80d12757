"""Needs: the caseworker's list, the form, the live check of the text, one need, and withdrawing it."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from models.need import PARTS, WEEKDAYS
from models.taxonomy import taxonomy
from models.topics import Suggestions
from service import consents, gate, needs, note_words, topics
from service.audit import Action
from service.auth import Caseworker, Kring, SafeForm
from service.db import transaction
from service.domain import TEXT_MOST, TOPICS_MOST, Purpose, Role, Staff
from service.errors import FieldErrors
from service.queries import gate as gate_rows
from service.queries import municipalities, own_data, residents
from service.queries import needs as rows
from service.references import reference_or_not_found
from service.resources import Resources
from service.trail import actor_of, kept
from service.web import names, need_form, need_outcome
from service.web.need_form import NeedForm
from service.web.pages import page, render

router = APIRouter(default_response_class=HTMLResponse)
PAGE_SIZE = 25


@router.get("/hulpvragen")
async def index(request: Request, kring: Kring, staff: Caseworker, na: str | None = None) -> Response:
    """`na`: the reference of the last need on the page before."""
    everybody = Role.COORDINATOR in staff.roles
    after = None if na is None else reference_or_not_found(na)
    async with kept(request, kring, staff, Action.NEED_LISTED, "need") as trace:
        found = await rows.page_of_needs(
            trace.conn, submitted_by=None if everybody else staff.id, after=after, limit=PAGE_SIZE + 1
        )
        lines = await need_outcome.lines(trace.conn, found[:PAGE_SIZE])
        trace.about(line.need.resident_id for line in lines)
    more = found[PAGE_SIZE - 1].reference if len(found) > PAGE_SIZE else None
    return page(request, "staff/needs.html", lines=lines, more=more, first=after is None, everybody=everybody)


@router.get("/hulpvragen/nieuw")
async def new(request: Request, kring: Kring, staff: Caseworker) -> Response:
    return page(request, "staff/need_form.html", **await _form_context(kring, staff, NeedForm()))


async def _form_context(kring: Resources, staff: Staff, form: NeedForm, *, ask: bool = False) -> dict[str, Any]:
    """`ask`: the reminder of direct help is all that stands between this form and its being stored."""
    async with transaction(kring.pool, staff.municipality) as conn:
        areas = await municipalities.areas(conn)
    known = taxonomy()
    return {
        "areas": [(area.code, area.name) for area in areas],
        "texts": [consents.TEXTS[purpose] for purpose in Purpose],
        "names": names,
        "days": [(day, names.WEEKDAYS[day]) for day in WEEKDAYS],
        "parts": [(part, names.PARTS[part]) for part in PARTS],
        "text_most": TEXT_MOST,
        "topics_most": TOPICS_MOST,
        "topics": [(domain.label, [(t.id, t.label) for t in known.of_domain(domain)]) for domain in known.domains],
        "ask": ask,
        **await run_in_threadpool(_check_context, form),
        **_topics_context(form, await run_in_threadpool(_suggestions, form)),
    }


def _check_context(form: NeedForm) -> dict[str, Any]:
    """What the page and the live check both show below the note."""
    too_long = len(form.text) > TEXT_MOST
    text = "" if too_long else form.text
    seen = gate.look(text, form.overrulings)
    return {
        "form": form,
        "pieces": need_form.pieces(text, seen.open),
        "findings": need_form.findings(seen),
        "warnings": need_form.warnings(text),
        "danger": gate.reminds(text),
        "problem": (needs.text_problem(form.text) or "") if too_long else "",
        "checked": bool(text.strip()),
        "words": note_words,
    }


def _suggestions(form: NeedForm) -> Suggestions | None:
    """None for a text that is no note yet, or never will be."""
    return topics.suggest(form.text, form.asks) if form.text.strip() and len(form.text) <= TEXT_MOST else None


def _topics_context(form: NeedForm, found: Suggestions | None) -> dict[str, Any]:
    """What the page and the live check both show as the topics of a note."""
    return {"form": form, "offered": need_form.offered(form, found), "suggested": found}


@router.post("/hulpvragen/nieuw", dependencies=[SafeForm])
async def submit(request: Request, kring: Kring, staff: Caseworker) -> Response:
    form = need_form.read_form(await request.form())
    if form.rewrite:
        context = await _form_context(kring, staff, await run_in_threadpool(form.rewritten))
        return page(request, "staff/need_form.html", **context)
    reminded = len(form.text) <= TEXT_MOST and await run_in_threadpool(gate.reminds, form.text)
    ask = reminded and form.reminder_answer is None
    need, unread = need_form.new_need(form)
    try:
        if unread or ask:
            async with transaction(kring.pool, staff.municipality) as conn:
                await needs.check(conn, need)
            if unread:
                raise FieldErrors({})
            context = await _form_context(kring, staff, replace(form, danger_told=True), ask=True)
            return page(request, "staff/need_form.html", **context)
        async with kept(request, kring, staff, Action.NEED_SUBMITTED, "need") as trace:
            reference = await needs.submit(
                trace.conn,
                staff,
                need,
                vault=kring.vault,
                consent_days=kring.settings.consent_days,
                actor=actor_of(request, staff),
                reminded=form.reminder_answer if reminded else None,
            )
            trace.object_id = reference
            trace.about([(await needs.for_staff(trace.conn, staff, reference)).resident_id])
    except FieldErrors as error:
        context = await _form_context(kring, staff, replace(form, danger_told=form.danger_told or reminded))
        found = need_form.messages(form, unread, error.fields)
        return page(request, "staff/need_form.html", status=error.status, errors=found, **context)
    return RedirectResponse(f"/hulpvragen/{reference}/ontvangen", status_code=303)


@router.post("/hulpvragen/controle", dependencies=[SafeForm])
async def check(request: Request, _: Caseworker) -> Response:
    """The live check while typing: parts of the page, and nothing of the text is kept."""
    form = need_form.read_form(await request.form())
    # In a thread: a long note takes a tenth of a second, and others are typing too
    return HTMLResponse(await run_in_threadpool(_checked, form))


def _checked(form: NeedForm) -> str:
    """Parts of the page for what was typed, or for what the pressed button made of it: that text goes along."""
    rewritten = form.rewritten() if form.rewrite and len(form.text) <= TEXT_MOST else None
    form = rewritten or form
    shown = render("staff/need_check.html", errors={}, **_check_context(form))
    shown += render("staff/need_topics.html", **_topics_context(form, _suggestions(form)))
    return shown if rewritten is None else shown + render("staff/need_rewritten.html", text=rewritten.text)


@router.get("/hulpvragen/{reference}")
async def show(request: Request, kring: Kring, staff: Caseworker, reference: str) -> Response:
    wanted = reference_or_not_found(reference)
    async with kept(request, kring, staff, Action.NEED_READ, "need", wanted) as trace:
        need = await needs.for_staff(trace.conn, staff, wanted)
        trace.about([need.resident_id])
        outcome = await need_outcome.of_need(trace.conn, need)
        given = await residents.consents(trace.conn, need.resident_id)
        overruled = await gate_rows.overruled(trace.conn, need.id)
        asked = await own_data.corrections(trace.conn, [need.id])
    return page(
        request,
        "staff/need.html",
        need=need,
        outcome=outcome,
        consents=sorted(given, key=lambda consent: list(Purpose).index(consent.purpose)),
        invited=_may_be_invited(given),
        overruled=overruled,
        tasks=bool(asked) or consents.came_of_age(given, need.age_band),
        words=note_words,
        names=names,
        topic_names=[name for topic, name in names.TOPICS.items() if topic in need.topics],
    )


@router.get("/hulpvragen/{reference}/ontvangen")
async def received(request: Request, kring: Kring, staff: Caseworker, reference: str) -> Response:
    wanted = reference_or_not_found(reference)
    async with kept(request, kring, staff, Action.NEED_READ, "need", wanted) as trace:
        need = await needs.for_staff(trace.conn, staff, wanted)
        trace.about([need.resident_id])
        given = await residents.consents(trace.conn, need.resident_id)
    return page(request, "staff/need_received.html", need=need, invited=_may_be_invited(given))


def _may_be_invited(given: list[residents.ConsentRow]) -> bool:
    return any(consent.purpose is Purpose.INVITATION for consent in given)


@router.post("/hulpvragen/{reference}/intrekking", dependencies=[SafeForm])
async def withdraw(request: Request, kring: Kring, staff: Caseworker, reference: str) -> Response:
    wanted = reference_or_not_found(reference)
    async with kept(request, kring, staff, Action.NEED_WITHDRAWN, "need", wanted) as trace:
        trace.about([(await needs.for_staff(trace.conn, staff, wanted)).resident_id])
        await needs.withdraw(trace.conn, staff, wanted)
    return RedirectResponse(f"/hulpvragen/{wanted}", status_code=303)
