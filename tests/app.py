"""The application as a test calls it: the whole ASGI application, started, with clients that are signed in or not."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp

from service.auth import link_cookie, link_session, session_cookie, start_session
from service.domain import Staff
from service.invitations import hash_token
from service.resources import Resources

CSRF = re.compile(r'name="csrf"[^>]*value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class App:
    asgi: ASGIApp
    kring: Resources
    _clients: AsyncExitStack = field(repr=False)

    async def visitor(self) -> httpx.AsyncClient:
        """Somebody without a session. A crash in a route is an answer with status 500, as it is for a browser."""
        transport = httpx.ASGITransport(self.asgi, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url=self.kring.settings.base_url)
        return await self._clients.enter_async_context(client)

    async def signed_in(self, staff: Staff) -> httpx.AsyncClient:
        client = await self.visitor()
        client.cookies.set(session_cookie(self.kring), await start_session(self.kring, staff, None))
        return client

    async def link_holder(self, token: str) -> httpx.AsyncClient:
        """Somebody who has opened a personal link: the token is exchanged already."""
        client = await self.visitor()
        client.cookies.set(link_cookie(self.kring), link_session(self.kring, hash_token(token)))
        return client

    async def submit(
        self, client: httpx.AsyncClient, page: str, data: Mapping[str, Any], *, to: str | None = None
    ) -> httpx.Response:
        """Open `page`, fill in `data` beside its hidden `csrf`, and send it `to` (the page itself when left out)."""
        shown = await client.get(page)
        token = CSRF.search(shown.text)
        assert token, f"no form at {page}: {shown.status_code}"
        return await client.post(to or page, data={**data, "csrf": token[1]})


@asynccontextmanager
async def running(kring: Resources) -> AsyncIterator[App]:
    """Start the application on the database, Redis and settings of `kring`; stop it at the end."""
    from service.app import create_app  # after a test without pages could have failed on its own subject

    asgi = create_app(kring.settings)
    async with _lifespan(asgi), AsyncExitStack() as clients:
        yield App(asgi, kring, clients)


@asynccontextmanager
async def _lifespan(asgi: ASGIApp) -> AsyncIterator[None]:
    """What a server does around its requests (ASGI's lifespan protocol)."""
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(_as_coroutine(asgi, told, said))
    await told.put({"type": "lifespan.startup"})
    answer = await said.get()
    assert answer["type"] == "lifespan.startup.complete", answer.get("message")
    try:
        yield
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await task


async def _as_coroutine(asgi: ASGIApp, told: asyncio.Queue[dict[str, Any]], said: asyncio.Queue[Any]) -> None:
    await asgi({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, told.get, said.put)
