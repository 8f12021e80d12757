"""Signing in with the municipality's own identity provider, and signing out of it.

Leaving and coming back are pages of one municipality (`/aanmelden/{slug}`), so that the answer of one provider is never
taken for that of another (RFC 9700, mix-up). Somebody leaves by a page and not by a redirect of the form: browsers hold
`form-action` against every redirect of a form, and a provider may send people on to addresses we cannot know.
"""

import secrets
from dataclasses import dataclass
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import sign_in
from service.auth import Identity, Kring, SafeForm, end_session, new_session, session_cookie
from service.db import nowhere, transaction
from service.errors import (
    NoRole,
    NotFound,
    ProviderUnavailable,
    SecondFactorMissing,
    SignInCancelled,
    SignInExpired,
    SignInFailed,
)
from service.oidc.documents import ProviderAway
from service.oidc.provider import Attempt, Person, Provider
from service.oidc.registry import Providers
from service.oidc.tokens import TokenInvalid
from service.queries import municipalities
from service.queries.municipalities import Municipality
from service.resources import Resources
from service.web.fields import text_field
from service.web.pages import page

log = structlog.get_logger(__name__)
router = APIRouter(default_response_class=HTMLResponse)
ATTEMPT_SECONDS: Final = 600  # as `kring.sign_in`
NO_STORE: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Place:
    """A municipality and its provider."""

    municipality: Municipality
    provider: Provider
    back: str
    """Where the provider sends people back to: registered there, and always the same."""


async def place(kring: Resources, providers: Providers, slug: str) -> Place:
    """Raises NotFound for a municipality that does not take part or has no provider."""
    if (provider := providers.of(slug)) is None:
        raise NotFound
    async with nowhere(kring.pool) as conn:
        municipality = await municipalities.municipality_by_slug(conn, slug)
    if municipality is None:
        raise NotFound
    return Place(municipality, provider, f"{kring.settings.base_url.rstrip('/')}/aanmelden/{slug}/terug")


def browser_cookie(kring: Resources) -> str:
    """Binds an attempt to the browser that made it, and holds a random key only."""
    return "__Host-kring-browser" if kring.settings.secure else "kring-browser"


@router.post("/aanmelden/{slug}", dependencies=[SafeForm])
async def leave(request: Request, kring: Kring, known: Identity, slug: str) -> Response:
    """To the provider, with an attempt remembered for this browser."""
    here = await place(kring, known, slug)
    form = await request.form()
    attempt = Attempt.new()
    # Kept when it is there, so that two windows can sign in at once
    browser = request.cookies.get(browser_cookie(kring)) or secrets.token_urlsafe(32)
    try:
        url = await here.provider.authorization_url(attempt, here.back)
    except ProviderAway as error:
        return await _failed(request, kring, here, _away(error))
    async with transaction(kring.pool, here.municipality.id) as conn:
        onward = text_field(form, "verder")
        await sign_in.remember(conn, here.municipality.id, attempt, browser, onward)
    response = page(request, "staff/onward.html", url=url, where=here.municipality.name, leaving=False)
    _set_cookie(response, kring, browser_cookie(kring), browser, max_age=ATTEMPT_SECONDS)
    return response


@router.get("/aanmelden/{slug}/terug")
async def come_back(request: Request, kring: Kring, known: Identity, slug: str) -> Response:
    """From the provider, with a code for somebody: the only GET that changes something, and only for an attempt."""
    here = await place(kring, known, slug)
    try:
        attempt, onward = await _attempt(request, kring, here)
        person = await _person(request, here, attempt)
        if not person.second_factor:
            raise SecondFactorMissing("no_second_factor")
        key = await _admitted(request, kring, here, person)
    except SignInFailed as error:
        return await _failed(request, kring, here, error)
    if old := request.cookies.get(session_cookie(kring)):
        await end_session(kring, old)
    response = RedirectResponse(onward, status_code=303)
    _set_cookie(response, kring, session_cookie(kring), key)
    response.delete_cookie(browser_cookie(kring), path="/", httponly=True, samesite="lax", secure=kring.settings.secure)
    return response


@router.post("/afmelden/{slug}/sessie")
async def ended_there(kring: Kring, known: Identity, slug: str, logout_token: Annotated[str, Form()] = "") -> Response:
    """The provider itself says that a session ended (Back-Channel Logout 1.0); its signature is what lets it in."""
    here = await place(kring, known, slug)
    try:
        session, subject = await here.provider.ended(logout_token)
    except TokenInvalid as error:
        log.warning("logout_refused", code=error.code, municipality=slug)
        return Response(status_code=400, headers=NO_STORE)
    except ProviderAway as error:
        raise _away(error) from error
    async with transaction(kring.pool, here.municipality.id) as conn:
        await sign_in.ended_by_provider(conn, here.municipality.id, session=session, subject=subject)
    return Response(status_code=200, headers=NO_STORE)


async def _attempt(request: Request, kring: Resources, here: Place) -> tuple[Attempt, str]:
    state, browser = request.query_params.get("state", ""), request.cookies.get(browser_cookie(kring), "")
    if not state or not browser:
        raise SignInExpired("unknown_state")
    async with transaction(kring.pool, here.municipality.id) as conn:
        return await sign_in.recall(conn, state, browser)


async def _person(request: Request, here: Place, attempt: Attempt) -> Person:
    """Raises SignInFailed, in one of its kinds."""
    sent = request.query_params
    try:
        await here.provider.check_issuer(sent.get("iss"))
        if "error" in sent:
            raise SignInCancelled("access_denied" if sent["error"] == "access_denied" else "provider_error")
        return await here.provider.person(sent.get("code", ""), attempt, here.back)
    except TokenInvalid as error:
        if error.code == "client_refused":  # our secret, or our registration there: nobody who signs in can help it
            log.error("provider_refused", code=error.code, municipality=here.municipality.slug)
        raise SignInFailed(error.code) from error
    except ProviderAway as error:
        raise _away(error) from error


async def _admitted(request: Request, kring: Resources, here: Place, person: Person) -> str:
    """The key of a new session. Raises NoRole after whatever was known is taken away."""
    async with transaction(kring.pool, here.municipality.id) as conn:
        staff = await sign_in.known_as(conn, here.municipality.id, person)
        if staff is not None:
            await sign_in.signed_in(conn, staff, _address(request))
            return await new_session(conn, staff, person.session)
    raise NoRole("no_role")


async def _failed(request: Request, kring: Resources, here: Place, error: SignInFailed) -> Response:
    """A page of its own, with the way to try again."""
    async with transaction(kring.pool, here.municipality.id) as conn:
        await sign_in.refused(conn, here.municipality.id, _address(request), error.detail)
    answer = page(request, "staff/sign_in_failed.html", status=error.status, title=error.title, message=error.message)
    if error.status == ProviderUnavailable.status:
        answer.headers["Retry-After"] = "60"
    return answer


def _away(error: ProviderAway) -> ProviderUnavailable:
    log.warning("provider_away", error=str(error))
    return ProviderUnavailable("provider_away")


def _address(request: Request) -> str | None:
    return None if request.client is None else request.client.host


def _set_cookie(response: Response, kring: Resources, name: str, value: str, max_age: int | None = None) -> None:
    response.set_cookie(
        name, value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=kring.settings.secure
    )
