"""Renders a page: the templates, what every page has, and the Dutch way of writing dates and numbers."""

from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service import wording
from service.auth import form_token, resources
from service.domain import AMSTERDAM, Role, Staff

TEMPLATES = Path(__file__).parent / "templates"
_MONTHS = "januari februari maart april mei juni juli augustus september oktober november december".split()
_DAYS = "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag".split()


def date_nl(at: datetime) -> str:
    """`23 november 2026`"""
    local = at.astimezone(AMSTERDAM)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def moment_nl(at: datetime) -> str:
    """`maandag 23 november 2026 om 19.30 uur`"""
    local = at.astimezone(AMSTERDAM)
    return f"{_DAYS[local.weekday()]} {date_nl(at)} om {local.hour}.{local.minute:02} uur"


def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    env.filters |= {"date_nl": date_nl, "moment_nl": moment_nl}
    env.globals |= {"Role": Role, "theme_name": wording.theme_name, "told_title": wording.told_title}
    return env


ENVIRONMENT = environment()


def render(template: str, **context: Any) -> str:
    return ENVIRONMENT.get_template(template).render(**context)


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """A page for whoever asks. `errors`: field → message, shown above the form and at the field."""
    kring = resources(request)
    staff: Staff | None = getattr(request.state, "staff", None)
    return HTMLResponse(
        render(
            template,
            request=request,
            staff=staff,
            csrf=form_token(request, kring),
            nonce=request.state.nonce,
            demo=kring.settings.demo,
            errors=errors or {},
            **context,
        ),
        status_code=status,
    )
