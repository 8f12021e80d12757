"""Ways to try the database's own rules: plain SQL as the application's role, and two transactions at one moment."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from service.db import Connection, transaction
from service.domain import MunicipalityId
from service.resources import Resources

WAIT_SECONDS = 10.0
POLL_SECONDS = 0.005
NOT_REFUSED = "not refused"


@asynccontextmanager
async def application(kring: Resources, municipality: MunicipalityId) -> AsyncIterator[Connection]:
    """A transaction as the application has it, with PostgreSQL's own errors."""
    async with kring.pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('kring.municipality', $1, true)", str(municipality))
        yield connection


async def refused(kring: Resources, municipality: MunicipalityId, statement: str, *values: Any) -> str:
    """Which constraint refuses a statement of the application, or `denied` when its role may not do such a thing."""
    try:
        async with application(kring, municipality) as conn:
            await conn.execute(statement, *values)
    except asyncpg.IntegrityConstraintViolationError as error:
        return error.constraint_name or "nameless"
    except asyncpg.InsufficientPrivilegeError:
        return "denied"
    return NOT_REFUSED


async def rewritable(kring: Resources, here: MunicipalityId, table: str, columns: list[str]) -> list[str]:
    """Those of `columns` that the application may change in a row that is there."""
    return [
        column
        for column in columns
        if await refused(kring, here, f"update kring.{table} set {column} = {column}") != "denied"
    ]


async def run(kring: Resources, municipality: MunicipalityId, statement: str, *values: Any) -> str:
    """Run a statement as the application; PostgreSQL's word for what it did."""
    async with transaction(kring.pool, municipality) as conn:
        return await conn.execute(statement, *values)


async def waiting(owner: "asyncpg.Connection[asyncpg.Record]", other: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """Start `other`, and return as soon as it waits for a lock that an open transaction of the test holds."""
    task = asyncio.create_task(other)
    async with asyncio.timeout(WAIT_SECONDS):
        while not await owner.fetchval(
            """
            select exists (select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid())
            """
        ):
            assert not task.done(), f"it waited for nothing: {task}"
            await asyncio.sleep(POLL_SECONDS)
    return task


async def together(*others: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run all at the same moment; what came of each, in order, errors included."""
    return await asyncio.gather(*others, return_exceptions=True)
