"""A personal link opens here, and the invitation behind it is read and answered.

Opening changes nothing, however often it happens: mail scanners follow links, and some send empty forms. What an
invitation tells before the answer is a decision of its own: docs/decisions/0003-what-an-invitation-tells.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from models.plan import Code
from service import invitations
from service.audit import Action
from service.auth import LINK_SESSION_SECONDS, Kring, LinkHolder, SafeForm, find_link, link_cookie, link_session
from service.db import Connection, transaction
from service.domain import BOUNDS, Answer, GivenBy, InvitationId, PlatformId, PlatformState, ResidentId
from service.errors import AlreadyAnswered, LinkUnknown, PlatformEnded
from service.queries import invitations as invitation_rows
from service.queries import platforms, residents
from service.queries.invitations import Link
from service.resources import Resources
from service.trail import kept
from service.web import names
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)

HOME: Final = {"invitation": "/uitnodiging", "pulse": "/peiling", "own": "/mijn-gegevens"}

# Reasons that say why somebody is asked and nothing of what the group is about. Whatever is not listed stays unsaid
# until the answer, also a reason that the engine learns later.
TELLABLE: Final = frozenset(
    {
        Code.CLOSE_TO_OTHERS,
        Code.CAN_COME,
        Code.NEEDS_OTHER_TIME,
        Code.TRAVELS,
        Code.WAITED_LONG,
        Code.SHARED_LANGUAGE,
        Code.MEETS_ONLINE,
        Code.SAME_AGE,
    }
)


@dataclass(frozen=True, slots=True)
class Gathering:
    """Where and when the group meets next."""

    place: str
    starts_at: datetime


async def invited(link: LinkHolder) -> Link:
    """A link is bound to its purpose: one to a pulse opens no invitation."""
    if link.purpose != "invitation":
        raise LinkUnknown
    return link


Invited = Annotated[Link, Depends(invited)]


@router.get("/u/{token:path}")
async def open_link(kring: Kring, token: str) -> Response:
    """Exchange the token for a short session and go to a URL without it. Any odd token is simply unknown."""
    token_hash = invitations.hash_token(token)
    link = await find_link(kring, token_hash)
    response = RedirectResponse(HOME[link.purpose], status_code=303)
    response.set_cookie(
        link_cookie(kring),
        link_session(kring, token_hash),
        max_age=LINK_SESSION_SECONDS,
        path="/",
        secure=kring.settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/uitnodiging")
async def show(request: Request, kring: Kring, link: Invited) -> Response:
    return await _invitation_page(request, kring, link)


@router.post("/uitnodiging", dependencies=[SafeForm])
async def answer(request: Request, kring: Kring, link: Invited) -> Response:
    """Take the one decision. A second one changes nothing and shows what the first one was."""
    typed = (await request.form()).get("choice")
    choice = next((known for known in Answer if known == typed), None)
    if choice is None:
        return await _invitation_page(request, kring, link, errors={"choice": "Kies wat u wilt."})
    try:
        # that there was an answer, never which: nobody can be told who declined
        async with kept(request, kring, link, Action.INVITATION_ANSWERED, "invitation", link.subject_id) as trace:
            answered = await invitations.answer(
                trace.conn,
                link.municipality,
                InvitationId(link.subject_id),
                choice,
                not_now_days=kring.settings.not_now_days,
            )
    except (AlreadyAnswered, PlatformEnded):
        return RedirectResponse(HOME["invitation"], status_code=303)  # the page says what is the case
    if answered.platform_started or answered.no_place:  # a message about it is owed
        await kring.queue.wake("deliver", link.municipality)
    return RedirectResponse(HOME["invitation"], status_code=303)


async def _invitation_page(
    request: Request, kring: Resources, link: Link, errors: dict[str, str] | None = None
) -> Response:
    context = await _context(kring, link)
    if context is None:
        return RedirectResponse(HOME["own"], status_code=303)
    if not context["open"]:
        return page(request, "resident/answered.html", **context)
    return page(request, "resident/invitation.html", status=400 if errors else 200, errors=errors, **context)


async def _context(kring: Resources, link: Link) -> dict[str, Any] | None:
    """What both pages show; None when the resident took it back on their own page, which this link still opens.

    Raises LinkUnknown for an invitation that lapsed.
    """
    async with transaction(kring.pool, link.municipality) as conn:
        found = await invitation_rows.invitation(conn, InvitationId(link.subject_id))
        if found is None:
            raise LinkUnknown
        platform = None
        meetings: list[platforms.Meeting] = []
        if found.platform_id is not None:
            platform = await platforms.platform(conn, PlatformId(found.platform_id))
            meetings = await platforms.meetings(conn, PlatformId(found.platform_id))
        ended = platform is not None and platform.state is PlatformState.ENDED
        if found.state == "withdrawn":
            return None
        # an invitation also expires because the group ends: then there is something to tell
        if found.state == "expired" and not ended:
            raise LinkUnknown
        child = await for_child(conn, link.resident_id)
    planned = (
        [Gathering(meeting.place, meeting.starts_at) for meeting in meetings if meeting.state == "planned"]
        if platform
        else [Gathering(found.meeting_place, found.meeting_at)]
    )
    start = BOUNDS[found.form].start
    return {
        "municipality_name": link.municipality_name,
        "invitation": found,
        "open": found.state in {"pending", "sent"} and not ended,
        "platform": platform,
        "meeting": next((one for one in planned if one.starts_at > datetime.now(UTC)), None),
        "for_child": child,
        "reasons": list(tellable([*found.member_reasons, *found.reasons])),
        "start": start,
        "missing": max(start - found.accepted, 1),
        "not_now_days": kring.settings.not_now_days,
        "link_days": kring.settings.link_days,
    }


def tellable(reasons: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Code and worded parameters of the reasons that may be told before the answer."""
    for reason in reasons:
        if reason["code"] in TELLABLE:
            params = dict(reason["params"])
            if "daypart" in params:
                params["daypart"] = names.DAYPARTS[params["daypart"]]
            if "language" in params:
                params["language"] = names.LANGUAGES[params["language"]]
            yield reason["code"], params


async def for_child(conn: Connection, resident: ResidentId) -> bool:
    """Whether the reader is a parent or guardian: under 16 the representative consents and is written to."""
    ledger = await residents.consents(conn, resident)
    return any(consent.given_by is GivenBy.REPRESENTATIVE for consent in ledger)
