"""Themes: what lives in the municipality, how each theme develops, and whether its groups may be mixed."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import themes, wording
from service.audit import Action
from service.auth import Coordinator, Kring, SafeForm
from service.domain import PlatformState, ProposalState, Staff, ThemeId
from service.errors import NotFound
from service.queries import theme_pages as rows
from service.queries.theme_pages import Size
from service.resources import Resources
from service.trail import kept
from service.web import names, theme_story
from service.web.fields import text_field
from service.web.pages import date_nl, page
from service.web.routes.platforms import BADGES

router = APIRouter(default_response_class=HTMLResponse)
LISTED = 200
"""Themes on one page: a municipality of 100,000 people has tens of them; what is left out is said."""
LISTED_ENDED = 50
SIZES = 60
"""Two months of nights."""
CHARTED = 12
"""The last runs that fit a screen; the table has more."""


@router.get("/themas")
async def index(request: Request, kring: Kring, staff: Coordinator) -> Response:
    async with kept(request, kring, staff, Action.THEME_LISTED, "theme") as trace:
        conn = trace.conn
        found = await rows.themes(conn, ended=False, limit=LISTED)
        ended = await rows.themes(conn, ended=True, limit=LISTED_ENDED)
        total, total_ended = await rows.count(conn, ended=False), await rows.count(conn, ended=True)
    return page(
        request,
        "staff/themes.html",
        themes=found,
        ended=ended,
        total=total,
        total_ended=total_ended,
        happened=theme_story.HAPPENED,
        people=wording.people,
    )


@router.get("/themas/{theme_id}")
async def show(request: Request, kring: Kring, staff: Coordinator, theme_id: UUID) -> Response:
    return page(request, "staff/theme.html", **await _context(request, kring, staff, ThemeId(theme_id)))


@router.post("/themas/{theme_id}/meedoen", dependencies=[SafeForm])
async def set_mixed(request: Request, kring: Kring, staff: Coordinator, theme_id: UUID) -> Response:
    mixed = text_field(await request.form(), "mixed") == "on"
    async with kept(request, kring, staff, Action.THEME_CHANGED, "theme", theme_id) as trace:
        await themes.set_mixed(trace.conn, staff, ThemeId(theme_id), mixed=mixed)
    return RedirectResponse(f"/themas/{theme_id}#meedoen", status_code=303)


async def _context(request: Request, kring: Resources, staff: Staff, theme_id: ThemeId) -> dict[str, Any]:
    async with kept(request, kring, staff, Action.THEME_READ, "theme", theme_id) as trace:
        conn = trace.conn
        theme = await rows.theme(conn, theme_id)
        if theme is None:
            raise NotFound
        events = await rows.events(conn, theme_id)
        mentioned = await rows.names(conn, theme_story.mentioned(events))
        sizes = await rows.sizes(conn, theme_id, SIZES)
        proposals = await rows.open_proposals(conn, theme_id)
        platforms = await rows.platforms(conn, theme_id)
    return {
        "theme": theme,
        "story": [theme_story.told(event, mentioned, theme_id) for event in events],
        "sizes": sizes,
        "sizes_most": SIZES,
        "bars": [_bar(size) for size in reversed(sizes[:CHARTED])],
        "proposals": proposals,
        "platforms": platforms,
        "going": theme.ended_at is None,
        "draft": ProposalState.DRAFT,
        "stopped": PlatformState.ENDED,
        "badges": BADGES,
        "names": names,
        "called": theme_story.name,
        "people": wording.people,
    }


def _bar(size: Size) -> tuple[str, int, int, str]:
    """Label, height, no part of it apart, and the number in words."""
    return date_nl(size.at), size.needs, 0, str(size.needs)
