"""Errors as pages."""

from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.auth import from_this_site, maybe_staff, resources
from service.errors import Conflict, ForgedForm, KringError, LinkUnknown, NotSignedIn, TooManyRequests
from service.web.pages import page

NEED_FORM = "/hulpvragen/nieuw"
PARTS = {"voorstellen": "het voorstel", "platforms": "het platform", "hulpvragen": "de hulpvraag"}
SHEETS = ("voorbeeld", "components", "kring")  # as in layout.html
RESIDENTS = ("/u/", "/uitnodiging", "/peiling", "/mijn-gegevens")  # nobody there can sign in, or has a menu


async def error_page(request: Request, error: KringError) -> Response:
    """One page for every named fact. Who is not signed in goes to sign in; a link that does not work says no more."""
    if isinstance(error, NotSignedIn) and request.method == "GET":
        return RedirectResponse(_sign_in(request), status_code=303)
    if isinstance(error, NotSignedIn | ForgedForm) and _is_own_need(request):
        return await _kept_need(request, error)
    answer = page(
        request,
        _template(request, error),
        status=error.status,
        title=error.title,
        message=error.message,
        back=_back(request, error),
    )
    if isinstance(error, TooManyRequests):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _sign_in(request: Request) -> str:
    """The sign-in page, which leads back to the page that was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/aanmelden" if asked == "/" else f"/aanmelden?{urlencode({'verder': asked})}"


def _is_own_need(request: Request) -> bool:
    """Whether this is the form of a need, sent from the form itself and not from another site."""
    return request.method == "POST" and request.url.path == NEED_FORM and from_this_site(request)


async def _kept_need(request: Request, error: KringError) -> Response:
    """Half an hour of idleness ends a session; what a caseworker typed goes back with the page instead of away.

    Nothing is stored: the answers travel in hidden fields, and only a click of somebody who is signed in sends them.
    """
    form = await request.form()
    kept = [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name != "csrf"]
    await maybe_staff(request, resources(request))
    return page(request, "staff/need_kept.html", status=error.status, kept=kept, action=NEED_FORM)


def _back(request: Request, error: KringError) -> tuple[str, str] | None:
    """Address and name of the page that holds what was to be changed; only where looking again helps."""
    part, *rest = request.url.path.strip("/").split("/")
    if part not in PARTS or len(rest) != 2 or not isinstance(error, Conflict | ForgedForm):  # /voorstellen/{id}/naam
        return None
    return f"/{part}/{rest[0]}", PARTS[part]


def _template(request: Request, error: KringError) -> str:
    if isinstance(error, LinkUnknown):
        return "resident/link_unknown.html"
    if not request.url.path.startswith(RESIDENTS):
        return "error.html"
    return "resident/not_sent.html" if isinstance(error, ForgedForm) else "resident/error.html"


def plain_error(status: int, title: str, message: str, headers: dict[str, str] | None = None) -> HTMLResponse:
    """For what goes wrong before or below the application: no session, no template, no detail; the same styles."""
    sheets = "".join(f"<link rel=stylesheet href=/static/build/{sheet}.css>" for sheet in SHEETS)
    return HTMLResponse(
        "<!doctype html><html lang=nl class='utrecht-root voorbeeld-theme'><head><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width, initial-scale=1'><title>{title} - Kring</title>"
        f"{sheets}</head><body class=utrecht-body><main class='utrecht-page-body__content kring-stack'>"
        f"<h1 class='nl-heading nl-heading--level-1'>{title}</h1><p class=nl-paragraph>{message}</p>"
        "</main></body></html>",
        status_code=status,
        headers=headers,
    )


def too_many(error: TooManyRequests) -> HTMLResponse:
    """The page for an address that asks too much: whoever shares it reads this too, so it blames nobody."""
    return plain_error(error.status, error.title, error.message, {"Retry-After": str(error.retry_after)})
