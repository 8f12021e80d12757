"""Errors as pages."""

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.errors import KringError, LinkUnknown, NotSignedIn
from service.web.pages import page

RESIDENTS = ("/u/", "/uitnodiging", "/peiling", "/mijn-gegevens")  # nobody there can sign in, or has a menu


def error_page(request: Request, error: KringError) -> Response:
    """One page for every named fact. Who is not signed in goes to sign in; a link that does not work says no more."""
    if isinstance(error, NotSignedIn) and request.method == "GET":
        return RedirectResponse("/aanmelden", status_code=303)
    return page(request, _template(request, error), status=error.status, title=error.title, message=error.message)


def _template(request: Request, error: KringError) -> str:
    if isinstance(error, LinkUnknown):
        return "resident/link_unknown.html"
    return "resident/error.html" if request.url.path.startswith(RESIDENTS) else "error.html"


def plain_error(status: int, title: str, message: str) -> HTMLResponse:
    """For what goes wrong before or below the application: no session, no template, no detail."""
    return HTMLResponse(
        f"<!doctype html><html lang=nl><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title} - Kring</title><main><h1>{title}</h1><p>{message}</p></main></html>",
        status_code=status,
    )
