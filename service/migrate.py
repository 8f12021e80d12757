"""Brings the database to the newest revision and sees to the role the application connects as.

Runs as the owner of the schema (`KRING_MIGRATE_URL`). The application's own role owns nothing and cannot bypass
row-level security; this is the only place that makes it, and it refuses to go on with a role that could.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
from alembic import command
from alembic.config import Config

from service.domain import MunicipalityId
from service.errors import SettingsError
from service.settings import Settings
from service.typed import one_line

MIGRATIONS = Path(__file__).parent / "migrations"
CONNECT_SECONDS = 10.0
LOCK = "kring migrate"  # one at a time in a database: the second waits, and then finds its work done


def migrate(settings: Settings) -> None:
    """Idempotent, and safe to run twice at once. Blocks, so not to be called from within a running loop.

    Raises SettingsError with one line a person can act on: no owner's URL, a database that is down or refuses us, or
    an application role that may do more than it should.
    """
    asyncio.run(_migrate(settings))


async def _migrate(settings: Settings) -> None:
    if settings.migrate_url is None:
        raise SettingsError("KRING_MIGRATE_URL is needed to migrate: PostgreSQL, as the owner of the schema")
    owner_url = plain_url(settings.migrate_url.get_secret_value())
    async with _connected(owner_url, "KRING_MIGRATE_URL") as owner:
        await owner.execute("select pg_advisory_lock(hashtextextended($1, 0))", LOCK)
        # alembic is synchronous and env.py runs a loop of its own
        await asyncio.to_thread(_upgrade, owner_url)
        await _ensure_application_role(owner, plain_url(settings.database_url.get_secret_value()))


async def add_municipality(owner_url: str, slug: str, name: str) -> MunicipalityId:
    """Add a municipality, or rename the one with this slug. Only the owner may: the application cannot add tenants.

    Raises SettingsError when the database cannot be reached, or the slug is not 2–40 of a–z, 0–9 and hyphens.
    """
    async with _connected(plain_url(owner_url), "KRING_MIGRATE_URL") as owner:
        try:
            added = await owner.fetchval(
                """
                insert into kring.municipality (slug, name) values ($1, $2)
                on conflict (slug) do update set name = excluded.name returning id
                """,
                slug, name,
            )  # fmt: skip
        except asyncpg.CheckViolationError as error:
            raise SettingsError(f"{slug!r} is no slug: use 2 to 40 of a-z, 0-9 and hyphens") from error
        return MunicipalityId(added)


async def set_neighbours(owner_url: str, slug: str, names: Sequence[str]) -> bool:
    """Say which municipalities nearby take part, in place of those named before; False when there is no such slug.

    Only the owner may: which municipalities there are is the one thing all of them see. Raises SettingsError for a
    name that is empty or has a comma in it.
    """
    wanted = sorted({one_line(name) for name in names})
    if wrong := [name for name in wanted if not name or "," in name]:
        raise SettingsError(f"{wrong[0]!r} is no name of a municipality")
    async with _connected(plain_url(owner_url), "KRING_MIGRATE_URL") as owner:
        changed = await owner.execute("update kring.municipality set neighbours = $2 where slug = $1", slug, wanted)
    return changed != "UPDATE 0"


async def purge_audit(owner_url: str, before: datetime) -> dict[str, int]:
    """Forget the entries of the audit trail older than `before`; slug → how many. What is left can still be verified.

    Only the owner may: the application can add to the trail and nothing else. Raises SettingsError when the database
    cannot be reached.
    """
    async with _connected(plain_url(owner_url), "KRING_MIGRATE_URL") as owner, owner.transaction():
        purged = await owner.fetch(
            "select slug, kring.purge_audit(id, $1) as count from kring.municipality order by slug", before
        )
    return {record["slug"]: record["count"] for record in purged}


def plain_url(url: str) -> str:
    """The URL as PostgreSQL's own clients write it, without the name of a Python driver in its scheme."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


@asynccontextmanager
async def _connected(url: str, setting: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        where = urlsplit(url)
        # host and port, never the URL: that has the password in it
        raise SettingsError(
            f"{setting}: no connection with PostgreSQL at {where.hostname}:{where.port or 5432} ({_short(error)})"
        ) from error
    try:
        yield connection
    finally:
        await connection.close()


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _upgrade(owner_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = owner_url
    command.upgrade(config, "head")


async def _ensure_application_role(owner: "asyncpg.Connection[asyncpg.Record]", application_url: str) -> None:
    """The role of KRING_DATABASE_URL: it can sign in, is a member of kring_app, and is nothing more than that."""
    parts = urlsplit(application_url)
    role, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not role or not password:
        raise SettingsError("KRING_DATABASE_URL needs a user and a password")
    if role == await owner.fetchval("select current_user"):
        raise SettingsError("KRING_DATABASE_URL and KRING_MIGRATE_URL name one role; the application needs its own")
    if not await owner.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        await _alter(owner, "create role %I login password %L", role, password)
    elif not await _can_sign_in(application_url):
        await _alter(owner, "alter role %I login password %L", role, password)
    await _alter(owner, "grant kring_app to %I", role)
    await _refuse_a_mighty_role(owner, role)


async def _alter(owner: "asyncpg.Connection[asyncpg.Record]", form: str, *values: str) -> None:
    """PostgreSQL takes no parameters in such statements, so it quotes them itself first."""
    arguments = ", ".join(f"${number}::text" for number in range(2, len(values) + 2))
    await owner.execute(await owner.fetchval(f"select format($1, {arguments})", form, *values))


async def _can_sign_in(url: str) -> bool:
    """Whether the password is the right one already, so that an owner who may not alter roles need not."""
    try:
        await (await asyncpg.connect(url, timeout=CONNECT_SECONDS)).close()
    except asyncpg.InvalidAuthorizationSpecificationError:  # a wrong password is one of these
        return False
    return True


async def _refuse_a_mighty_role(owner: "asyncpg.Connection[asyncpg.Record]", role: str) -> None:
    """Row-level security binds neither a superuser, nor a role that may bypass it, nor the owner of a table.

    Also looks at the roles this one is a member of: it can become each of them.
    """
    mighty = await owner.fetchval(
        """
        select string_agg(distinct r.rolname, ', ') from pg_roles r
        where pg_has_role($1::name, r.oid, 'member')
          and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb
               or exists (select from pg_namespace n where n.nspname in ('kring', 'vault') and (n.nspowner = r.oid
                   or exists (select from pg_class c where c.relnamespace = n.oid and c.relowner = r.oid))))
        """,
        role,
    )
    if mighty:
        raise SettingsError(
            f"the role {role!r} of KRING_DATABASE_URL may do too much (through: {mighty}); "
            "it must own nothing and be no superuser"
        )
