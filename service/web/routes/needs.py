"""Needs: the caseworker's list, the form, the live check of the text, one need, and withdrawing it."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from models.deidentify import Span, find_identifying
from models.need import PARTS, WEEKDAYS
from models.taxonomy import taxonomy
from models.topics import Suggestions
from service import consents, needs, topics
from service.auth import Caseworker, Kring, SafeForm
from service.db import transaction
from service.domain import TEXT_MOST, TOPICS_MOST, Purpose, Role, Staff
from service.errors import FieldErrors, Identifying
from service.queries import municipalities, residents
from service.queries import needs as rows
from service.references import reference_or_not_found
from service.resources import Resources
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
    async with transaction(kring.pool, staff.municipality) as conn:
        found = await rows.page_of_needs(
            conn, submitted_by=None if everybody else staff.id, after=after, limit=PAGE_SIZE + 1
        )
        lines = await need_outcome.lines(conn, found[:PAGE_SIZE])
    more = found[PAGE_SIZE - 1].reference if len(found) > PAGE_SIZE else None
    return page(request, "staff/needs.html", lines=lines, more=more, first=after is None, everybody=everybody)


@router.get("/hulpvragen/nieuw")
async def new(request: Request, kring: Kring, staff: Caseworker) -> Response:
    return page(request, "staff/need_form.html", **await _form_context(kring, staff, NeedForm()))


async def _form_context(kring: Resources, staff: Staff, form: NeedForm, spans: tuple[Span, ...] = ()) -> dict[str, Any]:
    async with transaction(kring.pool, staff.municipality) as conn:
        areas = await municipalities.areas(conn)
    known = taxonomy()
    return {
        "form": form,
        "areas": [(area.code, area.name) for area in areas],
        "texts": [consents.TEXTS[purpose] for purpose in Purpose],
        "names": names,
        "days": [(day, names.WEEKDAYS[day]) for day in WEEKDAYS],
        "parts": [(part, names.PARTS[part]) for part in PARTS],
        "text_most": TEXT_MOST,
        "topics_most": TOPICS_MOST,
        "topics": [(domain.label, [(t.id, t.label) for t in known.of_domain(domain)]) for domain in known.domains],
        **_check_context(form.text, spans),
        **_topics_context(form, await run_in_threadpool(_suggestions, form)),
    }


def _check_context(text: str, spans: tuple[Span, ...], problem: str = "") -> dict[str, Any]:
    """What the page and the live check both show below the note."""
    return {
        "pieces": need_form.pieces(text, spans) if spans else [],
        "findings": need_form.findings(text, spans),
        "problem": problem,
        "checked": bool(text.strip()),
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
    need, unread = need_form.new_need(form)
    try:
        async with transaction(kring.pool, staff.municipality) as conn:
            if unread:
                await needs.check(conn, need)
                raise FieldErrors({})
            reference = await needs.submit(
                conn, staff, need, vault=kring.vault, consent_days=kring.settings.consent_days
            )
    except FieldErrors as error:
        spans = error.spans if isinstance(error, Identifying) else ()
        context = await _form_context(kring, staff, form, spans)
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
    if len(form.text) > TEXT_MOST:
        checked = _check_context(form.text, (), needs.text_problem(form.text) or "")
    else:
        checked = _check_context(form.text, find_identifying(form.text))
    suggested = _topics_context(form, _suggestions(form))
    return render("staff/need_check.html", **checked) + render("staff/need_topics.html", **suggested)


@router.get("/hulpvragen/{reference}")
async def show(request: Request, kring: Kring, staff: Caseworker, reference: str) -> Response:
    async with transaction(kring.pool, staff.municipality) as conn:
        need = await needs.for_staff(conn, staff, reference_or_not_found(reference))
        outcome = await need_outcome.of_need(conn, need)
        given = await residents.consents(conn, need.resident_id)
    return page(
        request,
        "staff/need.html",
        need=need,
        outcome=outcome,
        consents=sorted(given, key=lambda consent: list(Purpose).index(consent.purpose)),
        invited=_may_be_invited(given),
        names=names,
        topic_names=[name for topic, name in names.TOPICS.items() if topic in need.topics],
    )


@router.get("/hulpvragen/{reference}/ontvangen")
async def received(request: Request, kring: Kring, staff: Caseworker, reference: str) -> Response:
    async with transaction(kring.pool, staff.municipality) as conn:
        need = await needs.for_staff(conn, staff, reference_or_not_found(reference))
        given = await residents.consents(conn, need.resident_id)
    return page(request, "staff/need_received.html", need=need, invited=_may_be_invited(given))


def _may_be_invited(given: list[residents.ConsentRow]) -> bool:
    return any(consent.purpose is Purpose.INVITATION for consent in given)


@router.post("/hulpvragen/{reference}/intrekking", dependencies=[SafeForm])
async def withdraw(kring: Kring, staff: Caseworker, reference: str) -> Response:
    wanted = reference_or_not_found(reference)
    async with transaction(kring.pool, staff.municipality) as conn:
        await needs.withdraw(conn, staff, wanted)
    return RedirectResponse(f"/hulpvragen/{wanted}", status_code=303)
