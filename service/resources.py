"""What a process needs to do its work, made once at its start and handed to every route and job."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from service.db import Pool, connect
from service.enqueue import Queue
from service.settings import Settings
from service.vault import Vault


@dataclass(frozen=True, slots=True)
class Resources:
    settings: Settings
    pool: Pool
    queue: Queue
    vault: Vault


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Open the pool and read the keys; a wrong key stops the process here, before it serves anybody."""
    vault = Vault.from_setting(settings.vault_keys.get_secret_value())
    pool = await connect(settings.database_url.get_secret_value())
    queue = Queue(settings.redis_url.get_secret_value())
    try:
        yield Resources(settings, pool, queue, vault)
    finally:
        await queue.close()
        await pool.close()
