"""The application: pages, the API, and what holds for both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware as ForwardedFor

from models.deidentify import find_identifying
from service import logs, topics
from service.api import errors as api_errors
from service.api.app import create_api
from service.auth import Kring, Visitor, link_cookie
from service.db import AWAY
from service.errors import (
    ForgedForm,
    FormUnreadable,
    KringError,
    MethodNotAllowed,
    NotAllowed,
    NotFound,
    TooManyRequests,
)
from service.http import API, BodyLimit, Contained, Headers, HeadIsGet, Limited, OnlyLoopback, allow
from service.limits import Limits
from service.logs import where
from service.oidc.registry import Providers
from service.resources import open_resources
from service.settings import LOOPBACK, Settings
from service.trail import note_refusal
from service.web import errors as web_errors
from service.web.routes import routers

log = structlog.get_logger(__name__)
NOTE_CHECK = "/hulpvragen/controle"
STATIC = Path(__file__).parent / "web" / "static"


def create_app(settings: Settings) -> ASGIApp:
    """The whole application. The pool opens when the server starts and closes when it stops."""
    logs.configure(settings.log_level)
    limits = Limits(settings)
    api = create_api(settings)
    providers = Providers.from_settings(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Word lists and weights load with the first note; the first caseworker of the day should not wait for that.
        await asyncio.to_thread(find_identifying, "warm")
        await asyncio.to_thread(topics.suggest, "warm", None)
        async with open_resources(settings) as kring:
            app.state.kring = api.state.kring = kring
            app.state.providers = api.state.providers = providers
            app.state.limits = api.state.limits = limits
            yield
        await limits.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.mount("/api/v1", api)
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static")
    for router in routers(settings):
        app.include_router(router, dependencies=[Depends(_readable), Depends(_counted)])
    app.exception_handler(KringError)(_named)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    for away in AWAY:
        app.exception_handler(away)(_away)
    app.exception_handler(Exception)(_unexpected)
    wrapped: ASGIApp = BodyLimit(GZipMiddleware(HeadIsGet(Contained(app)), minimum_size=1000), _too_large)
    wrapped = Limited(wrapped, limits, _too_many, proxied=bool(settings.proxies))
    if settings.demo:
        wrapped = OnlyLoopback(wrapped, _elsewhere, LOOPBACK)
    wrapped = Headers(wrapped, secure=settings.secure)
    if settings.proxies:  # uvicorn has other names for the same types
        wrapped = cast("ASGIApp", ForwardedFor(cast("Any", wrapped), settings.proxies))
    return wrapped


async def _readable(request: Request) -> None:
    """Raises FormUnreadable for a form in another charset than a page of ours sends.

    Python knows charsets that give halves of characters, which neither a page nor PostgreSQL can hold.
    """
    _, options = parse_options_header(request.headers.get("content-type"))  # as Starlette reads it
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise FormUnreadable


async def _counted(request: Request, kring: Kring, staff: Visitor) -> None:
    """Count what one member of staff, or one link, asks. Raises TooManyRequests."""
    limits: Limits = request.app.state.limits
    if staff is not None:
        checks = request.url.path == NOTE_CHECK  # one for every pause in typing, and dearer than a page
        await limits.count(limits.checks if checks else limits.account, str(staff.id))
    if session := request.cookies.get(link_cookie(kring)):
        # what stands before the first dot is the link's, however often it was opened for a session anew
        await limits.count(limits.link, session.partition(".")[0])


async def _named(request: Request, error: KringError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("failed", code=error.code, path=_route(request), method=request.method)
    if isinstance(error, NotAllowed | ForgedForm):
        await note_refusal(request, error)
    return await web_errors.error_page(request, error)


async def _http(request: Request, error: HTTPException) -> Response:
    if request.url.path.startswith(API):  # an address that the API's own routes cannot even hold, such as a line end
        return api_errors.http(request, error)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return await web_errors.error_page(request, FormUnreadable())
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response = await web_errors.error_page(request, MethodNotAllowed())
        response.headers.update(allow(request))
        return response
    return await web_errors.error_page(request, NotFound())


async def _invalid(request: Request, _: RequestValidationError) -> Response:
    """A path or field of the wrong shape: for a page that is a page that does not exist."""
    return await web_errors.error_page(request, NotFound())


async def _away(request: Request, error: Exception) -> Response:
    """PostgreSQL is away or coming back: nothing is wrong with what was asked."""
    if isinstance(error, ValueError):  # asyncpg's way to say that we handed it something of the wrong type
        return await _unexpected(request, error)
    log.warning("unavailable", error=type(error).__name__, path=_route(request), method=request.method)
    return web_errors.plain_error(503, "Kring is even niet bereikbaar", "Probeer het over een minuut opnieuw.")


async def _unexpected(request: Request, error: Exception) -> Response:
    # The kind of error and where, never its text: that may hold what somebody typed.
    log.error("crashed", error=type(error).__name__, code=where(error), path=_route(request), method=request.method)
    return web_errors.plain_error(500, "Er ging iets mis", "Probeer het over een paar minuten opnieuw.")


async def _elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    title, message = "De demo werkt alleen hier", "Open hem op de computer waarop hij draait."
    if scope["path"].startswith(API):
        response: Response = api_errors.problem(421, title, message)
    else:
        response = web_errors.plain_error(421, title, message)
    await response(scope, receive, send)


def _too_many(scope: Scope, error: TooManyRequests) -> ASGIApp:
    return api_errors.answer(error) if scope["path"].startswith(API) else web_errors.too_many(error)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"].startswith(API):
        response: Response = api_errors.too_large()
    else:
        response = web_errors.plain_error(413, "Dit is te groot", "Maak de tekst korter en verstuur opnieuw.")
    await response(scope, receive, send)


def _route(request: Request) -> str:
    """The pattern of the path, not the path: a link's token must never reach a log."""
    route = request.scope.get("route")
    return getattr(route, "path", "unknown")
