"""The start page, the page to sign in on, and signing out. One-click sign-in exists in the demo only."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from models.plan import MatchSettings
from service.audit import Action
from service.auth import (
    Identity,
    Kring,
    NamesVisitor,
    SafeForm,
    Visitor,
    end_session,
    session_cookie,
    start_session,
)
from service.db import nowhere, transaction
from service.domain import MunicipalityId, Role, Staff
from service.errors import NotFound
from service.oidc.documents import ProviderAway
from service.oidc.registry import Providers
from service.queries import municipalities, needs, proposals, runs
from service.queries import waiting as without_group
from service.resources import Resources
from service.sign_in import START, onward_path, signed_in, signed_out
from service.trail import kept
from service.typed import one_line
from service.web import names
from service.web.fields import text_field
from service.web.need_outcome import NeedLine, lines
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)
LATEST = 3  # needs on the start page; the list has them all
BOUNDS = MatchSettings()


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for this person. None: not a part of this person's work."""

    drafts: int | None
    run: runs.Run | None
    without: without_group.Counts | None
    latest: list[NeedLine] | None


@dataclass(frozen=True, slots=True)
class DemoPerson:
    subject: str
    name: str
    roles: str


def demo_only(kring: Kring) -> None:
    """Declared before the form's own check: outside the demo this address does not exist, whatever is sent to it."""
    if not kring.settings.demo:
        raise NotFound


@router.get("/")
async def start(request: Request, kring: Kring, staff: Visitor) -> Response:
    if staff is None:
        return RedirectResponse("/aanmelden", status_code=303)
    return page(
        request,
        "staff/start.html",
        waiting=await _waiting(request, kring, staff),
        raise_after=BOUNDS.raise_after_days,
        long_after=BOUNDS.long_wait_days,
    )


async def _waiting(request: Request, kring: Resources, staff: Staff) -> Waiting:
    coordinates = Role.COORDINATOR in staff.roles
    async with kept(request, kring, staff, Action.START_READ, "need") as trace:
        conn = trace.conn
        latest = None
        if coordinates or Role.CASEWORKER in staff.roles:
            own = await needs.page_of_needs(conn, submitted_by=staff.id, after=None, limit=LATEST)
            latest = await lines(conn, own)
            trace.about(need.resident_id for need in own)
        return Waiting(
            drafts=await proposals.drafts_waiting(conn) if coordinates else None,
            run=await runs.current_run(conn) if coordinates else None,
            without=await without_group.counts(conn, BOUNDS.long_wait_days) if coordinates else None,
            latest=latest,
        )


@router.get("/aanmelden", dependencies=[NamesVisitor])
async def sign_in_page(request: Request, kring: Kring, known: Identity) -> Response:
    """`verder` is the page that was asked for; who signs in goes there."""
    if kring.settings.demo:
        return page(request, "staff/sign_in_demo.html", people=await _demo_people(kring))
    async with nowhere(kring.pool) as conn:
        places = [one for one in await municipalities.all_municipalities(conn) if known.of(one.slug)]
    onward = onward_path(request.query_params.get("verder", START))
    return page(request, "staff/sign_in.html", status=200 if places else 503, places=places, onward=onward)


async def _demo_people(kring: Resources) -> list[tuple[municipalities.Municipality, list[DemoPerson]]]:
    async with nowhere(kring.pool) as conn:
        all_of_them = await municipalities.all_municipalities(conn)
    offered = []
    for municipality in all_of_them:
        async with transaction(kring.pool, municipality.id) as conn:
            people = [
                DemoPerson(subject, person.name, " en ".join(names.ROLES[role] for role in sorted(person.roles)))
                for subject, person in await municipalities.all_staff(conn)
            ]
        offered.append((municipality, people))
    return offered


@router.post("/aanmelden", dependencies=[Depends(demo_only), SafeForm])
async def sign_in(request: Request, kring: Kring) -> Response:
    form = await request.form()
    try:
        municipality = MunicipalityId(UUID(text_field(form, "municipality")))
    except ValueError as error:
        raise NotFound from error
    async with transaction(kring.pool, municipality) as conn:
        staff = await municipalities.staff_by_subject(conn, one_line(text_field(form, "subject")))
    if staff is None:
        raise NotFound
    async with transaction(kring.pool, staff.municipality) as conn:
        await signed_in(conn, staff, None if request.client is None else request.client.host)
    cookie = session_cookie(kring)
    key = await start_session(kring, staff, request.cookies.get(cookie))
    response = RedirectResponse("/", status_code=303)
    response.set_cookie(cookie, key, path="/", httponly=True, samesite="lax", secure=kring.settings.secure)
    return response


@router.post("/afmelden", dependencies=[SafeForm])
async def sign_out(request: Request, kring: Kring, known: Identity, staff: Visitor) -> Response:
    """End the session here, and show the way to end the one at the provider."""
    cookie = session_cookie(kring)
    if staff is not None:
        async with transaction(kring.pool, staff.municipality) as conn:
            await signed_out(conn, staff, None if request.client is None else request.client.host)
    if key := request.cookies.get(cookie):
        await end_session(kring, key)
    url = None if staff is None or kring.settings.demo else await _provider_sign_out(kring, known, staff)
    request.state.staff = None  # the page that follows is nobody's
    response: Response = RedirectResponse("/aanmelden", status_code=303)
    if staff is not None and url is not None:
        response = page(request, "staff/onward.html", url=url, where=staff.municipality_name, leaving=True)
    response.delete_cookie(cookie, path="/", httponly=True, samesite="lax", secure=kring.settings.secure)
    return response


async def _provider_sign_out(kring: Resources, known: Providers, staff: Staff) -> str | None:
    async with nowhere(kring.pool) as conn:
        all_of_them = await municipalities.all_municipalities(conn)
    slug = next(one.slug for one in all_of_them if one.id == staff.municipality)
    if (provider := known.of(slug)) is None:
        return None
    try:
        return await provider.end_session_url(f"{kring.settings.base_url.rstrip('/')}/aanmelden")
    except ProviderAway:  # signed out here all the same
        return None
