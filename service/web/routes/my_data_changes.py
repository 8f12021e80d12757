"""One thing a page: what residents change about themselves, and what they ask a caseworker to change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from models.need import DAYPARTS, PARTS, WEEKDAYS, AgeBand, Meeting
from service import own_page
from service.audit import Action
from service.auth import Kring, LinkHolder, SafeForm
from service.db import Connection, transaction
from service.domain import LANGUAGES, TEXT_MOST, UNDER_16, Channel, Contact
from service.errors import FieldErrors, Identifying, NotFound
from service.queries import municipalities, needs, own_data, residents
from service.queries.invitations import Link
from service.queries.needs import NeedRow
from service.queries.own_data import Wishes
from service.resources import Resources
from service.trail import kept
from service.web import names
from service.web.fields import text_field
from service.web.need_form import ANY_DAYPART, CONTACT_MOST, pieces
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)

FIELDS: Final = {
    "talen": "languages",
    "momenten": "dayparts",
    "ontmoeten": "meeting",
    "reizen": "reach_km",
    "wijk": "area",
    "leeftijd": "age_band",
    "bereiken": "contact",
    "tekst": "text",
}
"""The last part of the address → what it changes, as the trail has it."""


@dataclass(frozen=True, slots=True)
class Known:
    """The need of a link's person as it stands."""

    need: NeedRow
    wishes: Wishes
    channel: Channel | None
    areas: list[tuple[str, str]]


@router.get("/mijn-gegevens/wijzigen/{field}")
async def ask(request: Request, kring: Kring, link: LinkHolder, field: str) -> Response:
    async with transaction(kring.pool, link.municipality) as conn:
        known = await _known(conn, link, field)
    return _page(request, link, field, known, _as_it_is(known))


@router.post("/mijn-gegevens/wijzigen/{field}", dependencies=[SafeForm])
async def change(request: Request, kring: Kring, link: LinkHolder, field: str) -> Response:
    form = await request.form()
    async with transaction(kring.pool, link.municipality) as conn:
        known = await _known(conn, link, field)
    try:
        async with kept(request, kring, link, Action.OWN_DATA_CHANGED, "resident", link.resident_id) as trace:
            trace.detail = FIELDS[field]
            done = await _change(trace.conn, kring, link, known.need, field, form)
    except FieldErrors as error:
        given = _as_typed(form)
        spans = error.spans if isinstance(error, Identifying) else ()
        marked = pieces(text_field(form, "text").strip(), spans) if spans else []
        errors = {
            f"contact_{given['channel']}" if name == "contact" else name: what for name, what in error.fields.items()
        }
        return _page(request, link, field, known, given, errors=errors, marked=marked)
    return RedirectResponse(f"/mijn-gegevens/klaar/{done}", status_code=303)


async def _known(conn: Connection, link: Link, field: str) -> Known:
    """Raises NotFound when there is no such page, or nothing (any more) to change."""
    held = await needs.needs_of_resident(conn, link.resident_id)
    need = next((one for one in held if one.text is not None), None)
    wishes = None if need is None else await own_data.wishes(conn, need.id)
    if field not in FIELDS or need is None or wishes is None:
        raise NotFound
    contact = await residents.contact(conn, link.resident_id)
    areas = [(area.code, area.name) for area in await municipalities.areas(conn)]
    return Known(need, wishes, None if contact is None else contact.channel, areas)


async def _change(conn: Connection, kring: Resources, link: Link, need: NeedRow, field: str, form: FormData) -> str:
    """Do it; the name of the page that says what was done."""
    match field:
        case "leeftijd":
            return await _change_age(conn, link, need, text_field(form, "age_band"))
        case "bereiken":
            await own_page.change_contact(conn, link.municipality, link.resident_id, _contact(form), vault=kring.vault)
        case "tekst":
            await own_page.ask_for_words(conn, link.municipality, need, text_field(form, "text"))
            return "gevraagd"
        case _:
            wishes = await own_data.wishes(conn, need.id)
            if wishes is None:
                raise NotFound
            await own_page.change_wishes(conn, need.id, _wanted(wishes, field, form))
    return "gewijzigd"


async def _change_age(conn: Connection, link: Link, need: NeedRow, typed: str) -> str:
    if typed not in names.AGE_BANDS:
        raise FieldErrors({"age_band": "Kies een leeftijd."})
    wanted = AgeBand(typed)
    if not await own_page.change_age(conn, link.municipality, need, wanted):
        return "gevraagd"
    return "zestien" if need.age_band in UNDER_16 and wanted not in UNDER_16 else "gewijzigd"


def _wanted(wishes: Wishes, field: str, form: FormData) -> Wishes:
    """The wishes with this one changed. Raises FieldErrors for what is not on the list."""
    match field:
        case "talen":
            chosen = _many(form, "languages")
            return replace(wishes, languages=tuple(code for code in LANGUAGES if code in chosen))
        case "momenten":
            chosen = _many(form, "dayparts")
            whole_week = ANY_DAYPART in chosen
            return replace(wishes, dayparts=tuple(part for part in DAYPARTS if whole_week or part in chosen))
        case "ontmoeten":
            if (meeting := text_field(form, "meeting")) not in names.MEETINGS:
                raise FieldErrors({"meeting": "Kies hoe u elkaar wilt zien."})
            return replace(wishes, meeting=Meeting(meeting))
        case "reizen":
            if (reach := text_field(form, "reach_km")) not in names.REACHES:
                raise FieldErrors({"reach_km": "Kies een afstand."})
            return replace(wishes, reach_km=int(reach) if reach else None)
        case "wijk":
            return replace(wishes, area_code=text_field(form, "area"))
        case _:
            raise NotFound


def _contact(form: FormData) -> Contact:
    typed = text_field(form, "channel")
    if typed not in names.CHANNELS:
        raise FieldErrors({"channel": "Kies hoe wij u een bericht sturen."})
    value = text_field(form, f"contact_{typed}").strip()
    if not 1 <= len(value) <= CONTACT_MOST:
        raise FieldErrors({f"contact_{typed}": f"Vul dit in, met hoogstens {CONTACT_MOST} tekens."})
    return Contact(Channel(typed), value)


def _many(form: FormData, name: str) -> frozenset[str]:
    return frozenset(value for value in form.getlist(name) if isinstance(value, str))


def _as_it_is(known: Known) -> dict[str, Any]:
    """What the form is filled with at first. The address is never shown: whoever looks along could read it."""
    wishes = known.wishes
    return {
        "languages": wishes.languages,
        "dayparts": [ANY_DAYPART] if len(wishes.dayparts) == len(DAYPARTS) else wishes.dayparts,
        "meeting": wishes.meeting,
        "reach_km": "" if wishes.reach_km is None else str(wishes.reach_km),
        "area": wishes.area_code,
        "age_band": known.need.age_band,
        "channel": known.channel or "",
        "contact_email": "",
        "contact_mobile": "",
        "contact_post": "",
        "text": known.need.text,
    }


def _as_typed(form: FormData) -> dict[str, Any]:
    lists = {name: sorted(_many(form, name)) for name in ("languages", "dayparts")}
    single = "meeting reach_km area age_band channel contact_email contact_mobile contact_post text".split()
    return lists | {name: text_field(form, name) for name in single}


def _page(
    request: Request,
    link: Link,
    field: str,
    known: Known,
    given: Mapping[str, Any],
    *,
    errors: dict[str, str] | None = None,
    marked: list[Any] | None = None,
) -> Response:
    return page(
        request,
        "resident/change.html",
        status=400 if errors else 200,
        errors=errors,
        municipality_name=link.municipality_name,
        field=field,
        given=given,
        marked=marked or [],
        areas=known.areas,
        names=names,
        text_most=TEXT_MOST,
        any_daypart=ANY_DAYPART,
        moments=[(names.WEEKDAYS[day], [(f"{day}-{part}", names.PARTS[part]) for part in PARTS]) for day in WEEKDAYS],
    )
