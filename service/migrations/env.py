"""Alembic's entry: runs the revisions over one asyncpg connection of the schema's owner.

`service.migrate.migrate` puts the URL in the configuration; there is no ini file to keep in step with the settings.
"""

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=None, version_table="kring_revision")
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    url = context.config.attributes["url"]
    # asyncpg reads the URL itself, so that `sslmode` and the like mean here what they mean to the application
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=pool.NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


asyncio.run(main())
