"""What Kring holds about the person of a link, and the button that ends it.

Any link of a resident opens this, so that withdrawing is as easy as giving (AVG art. 7(3)) and asks for no account.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import invitations
from service.auth import Kring, LinkHolder, SafeForm, link_cookie
from service.consents import TEXTS
from service.db import Connection, transaction
from service.domain import InvitationId, PulseId
from service.queries import invitations as invitation_rows
from service.queries import needs, pulses, residents
from service.queries.invitations import Link
from service.resources import Resources
from service.web import names
from service.web.pages import page
from service.web.routes.invitations import HOME

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/mijn-gegevens")
async def show(request: Request, kring: Kring, link: LinkHolder) -> Response:
    return page(request, "resident/my_data.html", **await _context(kring, link))


@router.get("/mijn-gegevens/intrekken")
async def ask(request: Request, link: LinkHolder) -> Response:
    return page(request, "resident/withdraw.html", municipality_name=link.municipality_name)


@router.post("/mijn-gegevens/intrekken", dependencies=[SafeForm])
async def withdraw(kring: Kring, link: LinkHolder) -> Response:
    """Everything at once; from here on every link of this person is unknown."""
    async with transaction(kring.pool, link.municipality) as conn:
        await invitations.withdraw(conn, link.municipality, link.resident_id)
    response = RedirectResponse("/ingetrokken", status_code=303)
    response.delete_cookie(link_cookie(kring), path="/", secure=kring.settings.secure, httponly=True, samesite="lax")
    return response


@router.get("/ingetrokken")
async def withdrawn(request: Request) -> Response:
    """Knows nobody: there is no session left to show anything of."""
    return page(request, "resident/withdrawn.html")


async def _context(kring: Resources, link: Link) -> dict[str, Any]:
    async with transaction(kring.pool, link.municipality) as conn:
        held = await needs.needs_of_resident(conn, link.resident_id)
        ledger = await residents.consents(conn, link.resident_id)
        contact = await residents.contact(conn, link.resident_id)
        group_name, waiting = await _group(conn, link)
    return {
        "municipality_name": link.municipality_name,
        "needs": held,
        "consents": sorted(ledger, key=lambda consent: list(TEXTS).index(consent.purpose)),
        "labels": {purpose: text.label for purpose, text in TEXTS.items()},
        "channel": None if contact is None else contact.channel,
        "group_name": group_name,
        "waiting": waiting,
        "names": names,
        "back": HOME[link.purpose],
    }


async def _group(conn: Connection, link: Link) -> tuple[str | None, bool]:
    """Name of the group this person said yes to, and whether an invitation still waits for an answer.

    Before the answer the name stays unsaid here too (docs/decisions/0003-what-an-invitation-tells.md).
    """
    if link.purpose == "pulse":
        return await pulses.platform_name(conn, PulseId(link.subject_id)), False
    found = await invitation_rows.invitation(conn, InvitationId(link.subject_id))
    if found is None:
        return None, False
    said_yes = found.state == "accepted" and not found.no_place
    return (found.title if said_yes else None), found.state in {"pending", "sent"}
