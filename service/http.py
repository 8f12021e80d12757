"""What holds for every answer, also for the ones made below a framework: ASGI wrappers around the whole application.

FastAPI's own middleware misses a 500 raised beneath it, answers HEAD with 405, and reads a body of any size.
"""

import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import TooManyRequests
from service.limits import Limits, network

log = structlog.get_logger(__name__)

API: Final = "/api/"
STATIC: Final = "/static/"
LINK: Final = "/u/"
SIGN_IN: Final = "/aanmelden"
MISSED: Final = {LINK: HTTPStatus.NOT_FOUND, API: HTTPStatus.UNAUTHORIZED}
"""The answer to a secret that is none: a link, a bearer token."""
API_VERSION = "1.0.0"
BODY_MOST = 1_000_000  # bytes; the longest honest form is some 30 kB
DIGITS_MOST = 20  # of a declared length: Python refuses to read thousands of them, with an error


def allow(request: Request) -> dict[str, str]:
    """The `Allow` header of a 405. FastAPI loses it; we ask the routes for each method in turn."""
    routes = request.app.router.routes

    def served(method: str) -> bool:
        return any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)

    methods = [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if served(method)]
    return {"Allow": ", ".join(methods + ["HEAD"] * ("GET" in methods))}


PAGE_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Headers:
    """Adds the headers of docs/sources.md to every answer, errors included, and gives each page its nonce."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        is_api = scope["path"].startswith(API)
        is_static = scope["path"].startswith(STATIC)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = API_POLICY if is_api else PAGE_POLICY.format(nonce=nonce)
                added = {
                    "cache-control": "public, max-age=3600" if is_static else "no-store",
                    "content-security-policy": policy,
                    "x-content-type-options": "nosniff",
                    "x-frame-options": "DENY",
                    "referrer-policy": "no-referrer",
                }
                if self.secure:
                    added["strict-transport-security"] = "max-age=31536000; includeSubDomains"
                if is_api:
                    added["api-version"] = API_VERSION
                kept = [(name, value) for name, value in message["headers"] if name.decode() not in added]
                message = {**message, "headers": kept + [(k.encode(), v.encode()) for k, v in added.items()]}
            await send(message)

        return await self.app(scope, receive, with_headers)


class Contained:
    """Keeps a crash that was answered out of the server's own log.

    Starlette raises it once more after its 500, and a server then writes the traceback with the error's text: a value
    that PostgreSQL refused may be a note. What may be known of it is logged where the 500 is made.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        complete = False

        async def seen(message: Message) -> None:
            nonlocal complete
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive, seen)
        except Exception:
            if not complete:  # the server must break off a half answer, or nobody would know that it is one
                raise


class OnlyLoopback:
    """Refuses requests for any other host: a proxy in front of the demo, or a site whose name leads to this machine."""

    def __init__(self, app: ASGIApp, refuse: ASGIApp, hosts: Collection[str]) -> None:
        self.app = app
        self.refuse = refuse
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            if urlsplit(f"//{asked}").hostname not in self.hosts:
                return await self.refuse(scope, receive, send)
        return await self.app(scope, receive, send)


Refuse = Callable[[Scope, TooManyRequests], ASGIApp]


class Limited:
    """Counts what an address asks, before anything of it is read.

    The account behind a session or a bearer token is only known further on: `service.app` and `service.api.app` count
    those.
    """

    def __init__(self, app: ASGIApp, limits: Limits, refuse: Refuse, *, proxied: bool) -> None:
        """`refuse` makes the answer in place of the application's: a page or a problem with status 429.

        `proxied`: a proxy is named, and told us who asks.
        """
        self.app = app
        self.limits = limits
        self.refuse = refuse
        self.wonders = not proxied

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(STATIC):
            return await self.app(scope, receive, send)
        if self.wonders and any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            self.wonders = False  # once: everybody behind a proxy that is not named counts as one address
            log.warning("proxy_not_named")
        address = network(scope["client"][0] if scope.get("client") else None)
        try:
            await self._count(path, address)
        except TooManyRequests as error:
            return await self.refuse(scope, error)(scope, receive, send)
        status = 0

        async def seen(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self.app(scope, receive, seen)
        if any(path.startswith(part) and status == missed for part, missed in MISSED.items()):
            with suppress(TooManyRequests):  # this one was answered already
                await self.limits.count(self.limits.misses, address)
        return None

    async def _count(self, path: str, address: str) -> None:
        limits = self.limits
        await limits.count(limits.address, address)
        if path.startswith(tuple(MISSED)):
            await limits.check(limits.misses, address)  # also for what would work: or guessing on would pay
        if path.startswith(LINK):
            await limits.count(limits.link, path)
        if path.startswith(SIGN_IN):
            await limits.count(limits.sign_in, address)


class HeadIsGet:
    """HEAD works wherever GET does, with GET's headers and no body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self.app(scope, receive, send)

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        return await self.app({**scope, "method": "GET"}, receive, without_body)


class BodyLimit:
    """Refuses a body over `most` bytes, by its declared length or while it arrives; nothing of it is kept."""

    def __init__(self, app: ASGIApp, refuse: ASGIApp, most: int = BODY_MOST) -> None:
        """`refuse` answers instead of the application: a page or a problem, both with status 413."""
        self.app = app
        self.refuse = refuse
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > DIGITS_MOST or int(declared) > self.most:
            return await self.refuse(scope, receive, send)
        body = b""
        more = True
        while more:  # read it here: a stream that lies about its length is stopped before anybody parses it
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.most:
                return await self.refuse(scope, receive, send)
        delivered = False

        async def replay() -> Message:
            nonlocal delivered
            if delivered:
                return await receive()
            delivered = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self.app(scope, replay, send)
