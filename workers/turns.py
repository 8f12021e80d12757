"""One piece of work of a kind at a time in a process, however often it is asked for.

A wake that comes while work of its kind is under way leaves its key and goes: whoever is busy takes it along. So a
worker's slots never fill up with jobs that wait for one another, and at most one message is in flight.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from service.logs import where

log = structlog.get_logger(__name__)

Key = TypeVar("Key", bound=Hashable)


class Turns(Generic[Key]):
    """Runs `work(key)` for each key that was asked for, in turn; again for a key whose work says there is more."""

    def __init__(self, job: str, work: Callable[[Key], Awaitable[bool]], stopping: asyncio.Event) -> None:
        self._job = job
        self._work = work
        self._stopping = stopping
        self._asked: dict[Key, None] = {}  # a set that keeps the order in which was asked
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self._busy

    async def ask(self, key: Key) -> None:
        """Return when nothing is left, or at once when somebody is at it already. Nothing it does raises."""
        self._asked[key] = None
        if self._busy:
            return
        self._busy = True
        try:
            while self._asked and not self._stopping.is_set():
                await self._one(next(iter(self._asked)))
        finally:
            self._busy = False

    async def _one(self, key: Key) -> None:
        """The row that is behind the key is the truth: whatever goes wrong here, the sweep finds it again."""
        del self._asked[key]
        try:
            if await self._work(key):
                self._asked[key] = None  # to the back, so that one municipality does not hold up another
        except Exception as error:
            log.error("job_failed", job=self._job, error=type(error).__name__, code=where(error))
