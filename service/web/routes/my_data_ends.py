"""Ending and going on: one purpose, one group or everything withdrawn, all of it erased, or a consent renewed.

Opening a page changes nothing; each says what its button does before it is pressed, and is one button away from undoing
what was given.
"""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import consents, erasure, invitations, own_page
from service.audit import Action, Actor
from service.auth import Kring, LinkHolder, SafeForm, link_cookie
from service.consents import TEXTS
from service.db import transaction
from service.domain import PlatformId, Purpose
from service.errors import NotFound
from service.queries import own_data, residents
from service.resources import Resources
from service.trail import kept
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)

PURPOSES: Final = {"zoeken": Purpose.MATCHING, "uitnodigen": Purpose.INVITATION, "vragen": Purpose.FOLLOW_UP}
"""The last part of the address → the purpose."""
DONE: Final = frozenset({"gewijzigd", "gevraagd", "zestien", "verlengd", "groep", *PURPOSES})
NOT_BEGUN: Final = "nog-niet-begonnen"
"""In the place of the id of a group that was said yes to and has not begun."""


@router.get("/mijn-gegevens/klaar/{what}")
async def done(request: Request, link: LinkHolder, what: str) -> Response:
    """What was done, and what follows from it."""
    if what not in DONE:
        raise NotFound
    return page(request, "resident/done.html", municipality_name=link.municipality_name, what=what)


# --- one purpose ----------------------------------------------------------------------------------------------------


@router.get("/mijn-gegevens/intrekken")
async def ask(request: Request, link: LinkHolder) -> Response:
    return page(request, "resident/withdraw.html", municipality_name=link.municipality_name)


@router.post("/mijn-gegevens/intrekken", dependencies=[SafeForm])
async def withdraw(request: Request, kring: Kring, link: LinkHolder) -> Response:
    """Everything at once; from here on every link of this person is unknown."""
    async with kept(request, kring, link, Action.CONSENT_WITHDRAWN, "resident", link.resident_id) as trace:
        trace.detail = "all"
        await invitations.withdraw(trace.conn, link.municipality, link.resident_id)
    return _goodbye(kring, "/ingetrokken")


@router.get("/mijn-gegevens/intrekken/{purpose}")
async def ask_purpose(request: Request, link: LinkHolder, purpose: str) -> Response:
    return page(
        request,
        "resident/withdraw_one.html",
        municipality_name=link.municipality_name,
        slug=purpose,
        text=TEXTS[_purpose(purpose)],
    )


@router.post("/mijn-gegevens/intrekken/{purpose}", dependencies=[SafeForm])
async def withdraw_purpose(request: Request, kring: Kring, link: LinkHolder, purpose: str) -> Response:
    """A second time does nothing."""
    wanted = _purpose(purpose)
    async with kept(request, kring, link, Action.CONSENT_WITHDRAWN, "resident", link.resident_id) as trace:
        trace.detail = wanted
        await consents.withdraw(trace.conn, link.municipality, link.resident_id, wanted, "link")
    return RedirectResponse(f"/mijn-gegevens/klaar/{purpose}", status_code=303)


def _purpose(slug: str) -> Purpose:
    if slug not in PURPOSES:
        raise NotFound
    return PURPOSES[slug]


# --- going on -------------------------------------------------------------------------------------------------------


@router.get("/mijn-gegevens/verlengen")
async def ask_renewal(request: Request, kring: Kring, link: LinkHolder) -> Response:
    return await _renewal(request, kring, link)


async def _renewal(request: Request, kring: Kring, link: LinkHolder, errors: dict[str, str] | None = None) -> Response:
    async with transaction(kring.pool, link.municipality) as conn:
        ledger = await residents.consents(conn, link.resident_id)
    ending = consents.renewable(ledger, datetime.now(UTC))
    return page(
        request,
        "resident/renew.html",
        status=400 if errors else 200,
        errors=errors,
        municipality_name=link.municipality_name,
        texts=[TEXTS[purpose] for purpose in TEXTS if purpose in ending],
        days=kring.settings.consent_days,
    )


@router.post("/mijn-gegevens/verlengen", dependencies=[SafeForm])
async def renew(request: Request, kring: Kring, link: LinkHolder) -> Response:
    """A box for each purpose, and none of them ticked beforehand."""
    typed = {value for value in (await request.form()).getlist("purposes") if isinstance(value, str)}
    wanted = [purpose for purpose in Purpose if purpose in typed]
    if not wanted:
        return await _renewal(request, kring, link, {"purposes": "Kies wat u goed vindt. Wilt u niets? Ga dan terug."})
    async with kept(request, kring, link, Action.CONSENT_GIVEN, "resident", link.resident_id) as trace:
        band = await own_data.age_band(trace.conn, link.resident_id)
        if band is None:
            raise NotFound
        await consents.renew(
            trace.conn,
            link.municipality,
            link.resident_id,
            band,
            wanted,
            valid_days=kring.settings.consent_days,
        )
    return RedirectResponse("/mijn-gegevens/klaar/verlengd", status_code=303)


# --- one group ------------------------------------------------------------------------------------------------------


@router.get("/mijn-gegevens/groep/{group}")
async def ask_leave(request: Request, kring: Kring, link: LinkHolder, group: str) -> Response:
    wanted = _group(group)
    async with transaction(kring.pool, link.municipality) as conn:
        found = await own_data.groups(conn, link.resident_id)
    own = next((one for one in found if one.platform_id == wanted), None)
    if own is None:
        raise NotFound
    return page(request, "resident/leave.html", municipality_name=link.municipality_name, name=own.name, address=group)


@router.post("/mijn-gegevens/groep/{group}", dependencies=[SafeForm])
async def leave(request: Request, kring: Kring, link: LinkHolder, group: str) -> Response:
    wanted = _group(group)
    async with kept(request, kring, link, Action.PLATFORM_LEFT, "platform", wanted or "") as trace:
        await own_page.leave(trace.conn, link.municipality, link.resident_id, wanted)
    return RedirectResponse("/mijn-gegevens/klaar/groep", status_code=303)


def _group(typed: str) -> PlatformId | None:
    """Raises NotFound for what is no address of a group."""
    if typed == NOT_BEGUN:
        return None
    try:
        return PlatformId(UUID(typed))
    except ValueError as error:
        raise NotFound from error


# --- everything -----------------------------------------------------------------------------------------------------


@router.get("/ingetrokken")
async def withdrawn(request: Request) -> Response:
    """Knows nobody: there is no session left to show anything of."""
    return page(request, "resident/withdrawn.html")


@router.get("/mijn-gegevens/wissen")
async def ask_erasure(request: Request, link: LinkHolder) -> Response:
    return page(request, "resident/erase.html", municipality_name=link.municipality_name)


@router.post("/mijn-gegevens/wissen", dependencies=[SafeForm])
async def erase(kring: Kring, link: LinkHolder) -> Response:
    """`kring erase` and this button are one function; it writes its own entry in the trail."""
    async with transaction(kring.pool, link.municipality) as conn:
        await erasure.erase(conn, link.municipality, link.resident_id, Actor.of_resident(link.resident_id))
    return _goodbye(kring, "/gewist")


@router.get("/gewist")
async def erased(request: Request) -> Response:
    """Knows nobody, as the page after withdrawing."""
    return page(request, "resident/erased.html")


def _goodbye(kring: Resources, to: str) -> Response:
    response = RedirectResponse(to, status_code=303)
    response.delete_cookie(link_cookie(kring), path="/", secure=kring.settings.secure, httponly=True, samesite="lax")
    return response
