"""A caseworker's side of a resident's rights: a link to the own page, a new yes, and what a resident wants changed.

Nothing here depends on what a resident answered or withdrew through a link: a button that is gone would tell it.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from service import consents, needs, own_page
from service.audit import Action
from service.auth import Caseworker, Kring, SafeForm
from service.consents import TEXTS
from service.db import Connection
from service.domain import UNDER_16, Channel, Contact, Purpose, RecordedHow, Staff
from service.errors import FieldErrors, NotFound
from service.queries import own_data, residents
from service.queries.needs import NeedRow
from service.queries.own_data import CorrectionField
from service.references import reference_or_not_found
from service.resources import Resources
from service.trail import kept
from service.web import names
from service.web.fields import text_field
from service.web.need_form import CONTACT_MOST
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)
CORRECTIONS: dict[str, CorrectionField] = {"tekst": "text", "leeftijd": "age_band"}
"""The last part of the address → what a resident asked to have changed."""


@router.get("/hulpvragen/{reference}/inwoner")
async def show(request: Request, kring: Kring, staff: Caseworker, reference: str) -> Response:
    return await _show(request, kring, staff, reference)


async def _show(
    request: Request,
    kring: Resources,
    staff: Staff,
    reference: str,
    *,
    errors: dict[str, str] | None = None,
    given: dict[str, Any] | None = None,
    link_url: str | None = None,
) -> Response:
    wanted = reference_or_not_found(reference)
    async with kept(request, kring, staff, Action.NEED_READ, "need", wanted) as trace:
        need = await needs.for_staff(trace.conn, staff, wanted)
        trace.about([need.resident_id])
        ledger = await residents.consents(trace.conn, need.resident_id)
        corrections = await own_data.corrections(trace.conn, [need.id])
    return page(
        request,
        "staff/need_rights.html",
        status=400 if errors else 200,
        errors=errors,
        need=need,
        corrections=corrections,
        slugs={field: slug for slug, field in CORRECTIONS.items()},
        texts=list(TEXTS.values()),
        came_of_age=consents.came_of_age(ledger, need.age_band),
        under_16=need.age_band in UNDER_16,
        # once given is what the caseworker knows; whether it still stands is the resident's matter
        wanted_messages=any(row.purpose is Purpose.INVITATION for row in ledger),
        link_url=link_url,
        link_days=kring.settings.link_days,
        given={"purposes": [], "recorded_how": "", "channel": "", "contact": "", **(given or {})},
        names=names,
    )


@router.post("/hulpvragen/{reference}/toestemming", dependencies=[SafeForm])
async def record(request: Request, kring: Kring, staff: Caseworker, reference: str) -> Response:
    """A new yes, given at the table or on paper. Who came of age also gives an address of their own."""
    wanted = reference_or_not_found(reference)
    form = await request.form()
    try:
        async with kept(request, kring, staff, Action.CONSENT_GIVEN, "need", wanted) as trace:
            need = await needs.for_staff(trace.conn, staff, wanted)
            trace.about([need.resident_id])
            await _record(trace.conn, kring, staff, need, form)
    except FieldErrors as error:
        given = {name: text_field(form, name) for name in ("channel", "contact", "recorded_how")}
        return await _show(
            request, kring, staff, reference, errors=error.fields, given=given | {"purposes": form.getlist("purposes")}
        )
    return RedirectResponse(f"/hulpvragen/{wanted}/inwoner", status_code=303)


async def _record(conn: Connection, kring: Resources, staff: Staff, need: NeedRow, form: FormData) -> None:
    chosen = [purpose for purpose in Purpose if purpose in form.getlist("purposes")]
    how = text_field(form, "recorded_how")
    contact = _contact(form)
    problems: dict[str, str] = {}
    if not chosen or need.state == "withdrawn":
        problems["purposes"] = "Kies waar de inwoner ja op zei."
    elif Purpose.FOLLOW_UP in chosen and Purpose.INVITATION not in chosen:
        problems["purposes"] = "Vragen hoe het gaat kan alleen als iemand ook uitgenodigd mag worden."
    if how not in {RecordedHow.IN_PERSON, RecordedHow.PAPER}:
        problems["recorded_how"] = "Kies hoe de toestemming is gegeven."
    if contact is None and Purpose.INVITATION in chosen:
        ledger = await residents.consents(conn, need.resident_id)
        of_another = consents.came_of_age(ledger, need.age_band)
        if of_another or await residents.contact(conn, need.resident_id) is None:
            problems["contact"] = "Vul in hoe wij de uitnodiging kunnen sturen."
    if contact is not None and Purpose.INVITATION not in chosen:
        problems["contact"] = "Zonder toestemming om uit te nodigen bewaren wij geen contactgegevens."
    if problems:
        raise FieldErrors(problems)
    await consents.give_again(
        conn, staff, need.resident_id, need.age_band, chosen, RecordedHow(how), valid_days=kring.settings.consent_days
    )
    if contact is not None:
        await own_page.change_contact(conn, staff.municipality, need.resident_id, contact, vault=kring.vault)


def _contact(form: FormData) -> Contact | None:
    value = text_field(form, "contact").strip()
    if not value:
        return None
    channel = text_field(form, "channel")
    if channel not in names.CHANNELS:
        raise FieldErrors({"channel": "Kies hoe wij een bericht sturen."})
    if len(value) > CONTACT_MOST:
        raise FieldErrors({"contact": f"Gebruik hoogstens {CONTACT_MOST} tekens."})
    return Contact(Channel(channel), value)


@router.post("/hulpvragen/{reference}/correctie/{field}", dependencies=[SafeForm])
async def decide(request: Request, kring: Kring, staff: Caseworker, reference: str, field: str) -> Response:
    wanted = reference_or_not_found(reference)
    choice = text_field(await request.form(), "choice")
    if field not in CORRECTIONS or choice not in {"accept", "decline"}:
        raise NotFound
    async with kept(request, kring, staff, Action.CORRECTION_DECIDED, "need", wanted) as trace:
        need = await needs.for_staff(trace.conn, staff, wanted)
        trace.about([need.resident_id])
        trace.detail = f"{CORRECTIONS[field]}.{choice}"
        await own_page.decide_correction(trace.conn, need, CORRECTIONS[field], accept=choice == "accept")
    return RedirectResponse(f"/hulpvragen/{wanted}/inwoner", status_code=303)


@router.post("/hulpvragen/{reference}/link", dependencies=[SafeForm])
async def link(request: Request, kring: Kring, staff: Caseworker, reference: str) -> Response:
    """A link to the own page: sent, or shown once to be written down or printed."""
    wanted = reference_or_not_found(reference)
    printed = text_field(await request.form(), "how") == "print"
    async with kept(request, kring, staff, Action.OWN_LINK_MADE, "need", wanted) as trace:
        need = await needs.for_staff(trace.conn, staff, wanted)
        trace.about([need.resident_id])
        trace.detail = "printed" if printed else "sent"
        if printed:
            token = await own_page.print_own_page(trace.conn, staff, need, link_days=kring.settings.link_days)
        else:
            await own_page.send_own_page(trace.conn, staff, need)
    if printed:
        return await _show(
            request, kring, staff, reference, link_url=f"{kring.settings.base_url.rstrip('/')}/u/{token}"
        )
    await kring.queue.wake("deliver", staff.municipality)
    return RedirectResponse(f"/hulpvragen/{wanted}/inwoner", status_code=303)
