"""What Kring holds about the person of a link, why, and who looked at it; and a copy of it to keep.

Any link of a resident opens this, and it asks for no account: withdrawing is as easy as giving (AVG art. 7(3)). What
can be changed from here has its own pages: `my_data_changes` and `my_data_ends`.
"""

import re
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from service import addresses, consents, export
from service.addresses import Why
from service.audit import Action, Actor
from service.auth import Kring, LinkHolder
from service.consents import TEXTS
from service.db import Connection
from service.domain import UNDER_16, Purpose
from service.errors import NotFound
from service.export import OwnData
from service.queries import own_data, residents
from service.queries.invitations import Link
from service.queries.residents import ConsentRow
from service.trail import kept
from service.web import looks, my_file, names
from service.web.pages import page, render
from service.web.routes import my_data_changes, my_data_ends, need_rights
from service.web.routes.invitations import HOME

router = APIRouter(default_response_class=HTMLResponse)
router.include_router(my_data_changes.router)
router.include_router(my_data_ends.router)
router.include_router(need_rights.router)

LOOKS_SHOWN = 5  # the rest is one tap away


@router.get("/mijn-gegevens")
async def show(request: Request, kring: Kring, link: LinkHolder) -> Response:
    async with kept(request, kring, link, Action.OWN_DATA_READ, "resident", link.resident_id) as trace:
        context = await _context(trace.conn, link)
    return page(request, "resident/my_data.html", **context)


@router.get("/mijn-gegevens/bestand")
async def download(request: Request, kring: Kring, link: LinkHolder) -> Response:
    """One file that opens on any telephone, with the same once more for a program to read (AVG art. 20)."""
    async with kept(request, kring, link, Action.OWN_DATA_EXPORTED, "resident", link.resident_id) as trace:
        contact = await addresses.read(
            trace.conn, kring.vault, link.municipality, link.resident_id, Why.OWN, Actor.of_resident(link.resident_id)
        )
        held = await export.gather(trace.conn, link.resident_id, contact=contact)
    content = my_file.content(held, link.municipality_name, datetime.now(UTC))
    place = re.sub(r"[^a-z0-9]+", "-", link.municipality_name.lower()).strip("-")
    return HTMLResponse(
        render("resident/file.html", file=content, as_json=my_file.as_json(content)),
        headers={"Content-Disposition": f'attachment; filename="mijn-gegevens-{place}.html"'},
    )


async def _context(conn: Connection, link: Link) -> dict[str, Any]:
    held = await export.gather(conn, link.resident_id)
    contact = await residents.contact(conn, link.resident_id)
    seen = looks.by_others(held.looks)
    wanted = await own_data.corrections(conn, [own.need.id for own in held.needs])
    return {
        "municipality_name": link.municipality_name,
        "needs": [own.need for own in held.needs],
        "for_child": is_for_child(held),
        "consents": [
            current(held, purpose) for purpose in TEXTS if any(row.purpose is purpose for row in held.consents)
        ],
        "slugs": {purpose: slug for slug, purpose in my_data_ends.PURPOSES.items()},
        "came_of_age": consents.came_of_age(held.consents, held.age_band),
        "renewable": consents.renewable(held.consents, datetime.now(UTC)),
        "channel": None if contact is None else contact.channel,
        "groups": await own_data.groups(conn, link.resident_id),
        "waiting": await own_data.is_asked(conn, link.resident_id),
        "wanted": {request.field: request for request in wanted},
        "looks": seen[:LOOKS_SHOWN],
        "earlier_looks": seen[LOOKS_SHOWN:],
        "names": names,
        "back": None if link.purpose == "own" else HOME[link.purpose],
    }


def current(held: OwnData, purpose: Purpose) -> ConsentRow:
    """What counts of a purpose now: the one that stands longest, or else the last there was."""
    rows = [row for row in held.consents if row.purpose is purpose]
    if not rows:
        raise NotFound
    return max(rows, key=lambda row: (row.stands, row.valid_until if row.stands else row.given_at))


def is_for_child(held: OwnData) -> bool:
    """Whether the reader is a parent or guardian: under 16 they consent and are written to."""
    return held.age_band in UNDER_16
