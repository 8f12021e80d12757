"""The pool and the one way into the database: a transaction that belongs to one municipality.

Routes and jobs open it; use-cases and queries below get the connection and never commit.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from service.domain import MunicipalityId
from service.errors import REFUSALS, KringError

if TYPE_CHECKING:  # asyncpg's classes take a parameter in its stubs only
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

AWAY = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""How asyncpg says that PostgreSQL is away, going or coming: ask again later."""


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def connect(url: str, *, size: int = 10) -> Pool:
    """Open a pool of at most `size` connections."""
    return await asyncpg.create_pool(url, min_size=1, max_size=size, init=_prepare, command_timeout=60)


@asynccontextmanager
async def transaction(pool: Pool, municipality: MunicipalityId) -> AsyncIterator[Connection]:
    """One request or job, one transaction, in which only the rows of `municipality` exist.

    The setting is local to the transaction, so a connection that goes back to the pool belongs to nobody. What a
    constraint refuses comes out as the error that `service.errors.REFUSALS` names for it.
    """
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('kring.municipality', $1, true)", str(municipality))
            yield connection
    except asyncpg.IntegrityConstraintViolationError as error:
        named = refusal(error)
        if named is None:
            raise
        raise named from error


def refusal(error: asyncpg.IntegrityConstraintViolationError) -> KringError | None:
    """What a refusal of the database means to a person; None when it is not one we expect."""
    named = REFUSALS.get(error.constraint_name or "")
    return None if named is None else named()


@asynccontextmanager
async def nowhere(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction without a municipality: it sees the list of municipalities and the two look-ups by secret."""
    async with pool.acquire() as connection, connection.transaction():
        yield connection
