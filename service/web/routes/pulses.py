"""The pulse: three short questions to a member, one a page.

Answers travel along in the form from question to question, so nothing is stored before the last one and it works
without JavaScript.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from service import platforms
from service.auth import Kring, LinkHolder, SafeForm
from service.db import transaction
from service.domain import PulseId
from service.errors import LinkUnknown
from service.queries import pulses
from service.queries.invitations import Link
from service.resources import Resources
from service.web.pages import page
from service.web.routes.invitations import HOME, for_child

router = APIRouter(default_response_class=HTMLResponse)

QUESTIONS: Final = ("welcome", "helped", "staying")
SCALE: Final = frozenset("12345")


async def asked(link: LinkHolder) -> Link:
    """A link is bound to its purpose: one to an invitation opens no pulse."""
    if link.purpose != "pulse":
        raise LinkUnknown
    return link


Asked = Annotated[Link, Depends(asked)]


@router.get("/peiling")
async def show(request: Request, kring: Kring, link: Asked) -> Response:
    async with transaction(kring.pool, link.municipality) as conn:
        done = await pulses.is_answered(conn, PulseId(link.subject_id), link.resident_id)
    if done:
        return page(request, "resident/pulse_done.html", municipality_name=link.municipality_name)
    return await _question(request, kring, link, name=QUESTIONS[0], given={})


@router.post("/peiling", dependencies=[SafeForm])
async def answer(request: Request, kring: Kring, link: Asked) -> Response:
    """The next question, the one before, or the end: all three answers are stored at once."""
    form = await request.form()
    given = _given(form)
    back = form.get("back")
    if isinstance(back, str) and back in QUESTIONS:
        return await _question(request, kring, link, name=back, given=given)
    missing = next((name for name in QUESTIONS if name not in given), None)
    if missing is not None:
        skipped = {missing: "Kies een antwoord."} if form.get("asked") == missing else {}
        return await _question(request, kring, link, name=missing, given=given, errors=skipped)
    async with transaction(kring.pool, link.municipality) as conn:
        await platforms.answer_pulse(
            conn,
            link.municipality,
            PulseId(link.subject_id),
            link.resident_id,
            welcome=given["welcome"],
            helped=given["helped"],
            staying=given["staying"],
        )
    return RedirectResponse(HOME["pulse"], status_code=303)


def _given(form: FormData) -> dict[str, int]:
    """The answers in the form so far, each from 1 (not at all) to 5 (wholly)."""
    return {name: int(value) for name in QUESTIONS if isinstance(value := form.get(name), str) and value in SCALE}


async def _question(
    request: Request,
    kring: Resources,
    link: Link,
    *,
    name: str,
    given: dict[str, int],
    errors: dict[str, str] | None = None,
) -> Response:
    async with transaction(kring.pool, link.municipality) as conn:
        child = await for_child(conn, link.resident_id)
    return page(
        request,
        "resident/pulse.html",
        status=400 if errors else 200,
        errors=errors,
        municipality_name=link.municipality_name,
        asked=name,
        given=given,
        chosen=[str(given[name])] if name in given else [],
        questions=QUESTIONS,
        number=QUESTIONS.index(name) + 1,
        least=platforms.PULSE_LEAST,
        for_child=child,
    )
