"""Who waits long without a group, and which themes are just short of one: what a coordinator can do about it."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from models.plan import MatchSettings
from service.audit import Action
from service.auth import Coordinator, Kring
from service.queries import waiting as rows
from service.trail import kept
from service.web import need_outcome
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)

PEOPLE_LISTED = 50
"""As many as somebody looks into in a day; the longest waiters come first, and it says how many there are."""
THEMES_LISTED = 25
BOUNDS = MatchSettings()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who waits, in sentences. `long`: over the days after which something is always offered."""

    reference: str
    waiting_days: int
    long: bool
    why: str
    helps: list[str]


@dataclass(frozen=True, slots=True)
class Short:
    theme: rows.ThemeShort
    helps: list[str]


@router.get("/zonder-groep")
async def index(request: Request, kring: Kring, staff: Coordinator) -> Response:
    async with kept(request, kring, staff, Action.WAITING_LISTED, "need") as trace:
        conn = trace.conn
        people = await rows.longest(conn, PEOPLE_LISTED)
        trace.about(one.resident_id for one in people)
        counts = await rows.counts(conn, BOUNDS.long_wait_days)
        themes = await rows.themes_short(conn, THEMES_LISTED)
        searched_at = await rows.searched_at(conn)
    return page(
        request,
        "staff/waiting.html",
        people=[_person(one) for one in people],
        counts=counts,
        themes=[Short(theme, need_outcome.sentences(theme.reasons)) for theme in themes],
        searched_at=searched_at,
        raise_after=BOUNDS.raise_after_days,
        long_after=BOUNDS.long_wait_days,
    )


def _person(one: rows.Waiting) -> Person:
    return Person(
        one.reference,
        one.waiting_days,
        one.waiting_days > BOUNDS.long_wait_days,
        need_outcome.why(one.code, one.params),
        need_outcome.sentences(one.alternatives),
    )
