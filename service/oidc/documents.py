"""What a provider publishes about itself (its addresses, its keys), fetched when needed and kept for a while.

A provider that is away for an hour must not stop programs whose tokens can still be checked, and a stream of tokens
with made-up key ids must not become a stream of requests to the provider.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import httpx2

from service.oidc.config import is_secure

FRESH_SECONDS: Final = 600.0  # a key that was taken away stops counting within ten minutes
STALE_SECONDS: Final = 24 * 3600.0  # how long an old document still serves while the provider is away
RENEW_SECONDS: Final = 30.0  # at most this often for a key nobody has seen before
RETRY_SECONDS: Final = 10.0  # after a failure nobody waits for the same failure again
WAIT_SECONDS: Final = 5.0  # for the provider to say something; twice that in all
DOCUMENT_MOST: Final = 500_000  # bytes

Clock = Callable[[], float]
Document = TypeVar("Document")


class ProviderAway(Exception):
    """The provider does not answer, or not with what it should."""


async def fetch_json(url: str) -> dict[str, Any]:
    """Raises ProviderAway. Follows no redirect: a provider says where its documents are."""
    if not is_secure(url):
        raise ProviderAway("insecure address")
    try:
        async with asyncio.timeout(2 * WAIT_SECONDS):
            found = json.loads(await _body(url))
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
        raise ProviderAway(type(error).__name__) from error
    if not isinstance(found, dict):
        raise ProviderAway("not an object")
    return found


async def _body(url: str) -> bytes:
    async with (
        httpx2.AsyncClient(timeout=WAIT_SECONDS) as client,
        client.stream("GET", url, headers={"Accept": "application/json"}) as response,
    ):
        if response.status_code != httpx2.codes.OK:
            raise ProviderAway(f"status {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > DOCUMENT_MOST:
                raise ProviderAway("too large")
    return bytes(body)


class Kept(Generic[Document]):
    """One document: fetched by whoever needs it first, while others wait for that same answer."""

    def __init__(self, fetch: Callable[[], Awaitable[Document]], clock: Clock = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._fetch = fetch
        self._clock = clock
        self._document: Document | None = None
        self._fetched = self._tried = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self) -> Document:
        """The document, at most ten minutes old, or a day while the provider is away. Raises ProviderAway."""
        return await self._no_older_than(FRESH_SECONDS)

    async def renew(self) -> Document:
        """The document after something in it was missed, but no newer than half a minute. Raises ProviderAway."""
        return await self._no_older_than(RENEW_SECONDS)

    async def _no_older_than(self, seconds: float) -> Document:
        async with self._lock:
            now = self._clock()
            if self._document is not None and now - self._fetched < seconds:
                return self._document
            if now - self._tried >= RETRY_SECONDS:
                self._tried = now
                try:
                    self._document = await self._fetch()
                    self._fetched = self._clock()
                    return self._document
                except ProviderAway:
                    if self._document is None:
                        raise
            if self._document is not None and now - self._fetched < STALE_SECONDS:
                return self._document
            raise ProviderAway("not answering")
