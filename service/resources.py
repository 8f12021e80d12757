"""What a process needs to do its work, made once at its start and handed to every route and job."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from service.db import Pool, connect, nowhere, transaction
from service.enqueue import Queue
from service.errors import SettingsError
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
    """Open the pool and read the keys. Raises SettingsError when a key is wrong, or one that rows need is not there:
    that stops the process here, before it serves anybody.
    """
    vault = Vault.of(settings)
    pool = await connect(settings.database_url.get_secret_value())
    queue = Queue(settings.redis_url.get_secret_value())
    try:
        await _refuse_without_keys(pool, vault)
        yield Resources(settings, pool, queue, vault)
    finally:
        await queue.close()
        await pool.close()


async def _refuse_without_keys(pool: Pool, vault: Vault) -> None:
    """Every key that sealed something must be here, and be the same key still."""
    async with nowhere(pool) as conn:
        municipalities = [record["id"] for record in await conn.fetch("select id from kring.municipality")]
    lacking: set[str] = set()
    for municipality in municipalities:
        async with transaction(pool, municipality) as conn:
            lacking |= {
                record["key_id"]
                for record in await conn.fetch(
                    "select distinct key_id, key_check from vault.contact where municipality_id = $1", municipality
                )
                if vault.lacks(record["key_id"], record["key_check"])
            }
    if lacking:
        named = ", ".join(map(repr, sorted(lacking)))
        others = ", ".join(map(repr, vault.key_ids))
        raise SettingsError(
            f"{vault.source} lacks a key that contact details in the database were sealed with: {named}. "
            f"It holds {others}. Put the key back (the same one: another key of that name does not open them)"
        )
