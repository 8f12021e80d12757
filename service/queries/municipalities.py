"""Municipalities, their areas and their staff."""

from dataclasses import dataclass
from uuid import UUID

from service.db import Connection
from service.domain import MunicipalityId, Role, Staff, StaffId
from service.queries.rows import each, into, maybe


@dataclass(frozen=True, slots=True)
class Municipality:
    id: MunicipalityId
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Area:
    id: UUID
    code: str
    name: str
    lat: float
    lon: float


async def all_municipalities(conn: Connection) -> list[Municipality]:
    return each(Municipality, await conn.fetch("select id, slug, name from kring.municipality order by name"))


async def municipality_by_slug(conn: Connection, slug: str) -> Municipality | None:
    return maybe(
        Municipality, await conn.fetchrow("select id, slug, name from kring.municipality where slug = $1", slug)
    )


async def municipality_name(conn: Connection, municipality: MunicipalityId) -> str:
    name: str = await conn.fetchval("select name from kring.municipality where id = $1", municipality)
    return name


async def neighbours(conn: Connection, municipality: MunicipalityId) -> tuple[str, ...]:
    """Names of the municipalities nearby that take part, in alphabetical order."""
    return tuple(
        sorted(await conn.fetchval("select neighbours from kring.municipality where id = $1", municipality) or ())
    )


async def areas(conn: Connection) -> list[Area]:
    return each(Area, await conn.fetch("select id, code, name, lat, lon from kring.area order by name"))


async def put_area(
    conn: Connection, municipality: MunicipalityId, *, code: str, name: str, lat: float, lon: float
) -> None:
    await conn.execute(
        """
        insert into kring.area (municipality_id, code, name, lat, lon) values ($1, $2, $3, $4, $5)
        on conflict (municipality_id, code) do update set name = $3, lat = $4, lon = $5
        """,
        municipality, code, name, lat, lon,
    )  # fmt: skip


async def put_staff(
    conn: Connection, municipality: MunicipalityId, *, subject: str, name: str, roles: list[Role]
) -> StaffId:
    return StaffId(
        await conn.fetchval(
            """
            insert into kring.staff (municipality_id, subject, name, roles) values ($1, $2, $3, $4)
            on conflict (municipality_id, subject) do update set name = $3, roles = $4
            returning id
            """,
            municipality, subject, name, list(roles),
        )
    )  # fmt: skip


_STAFF = """
    select s.subject, s.id, s.municipality_id as municipality, m.name as municipality_name, s.name, s.roles
    from kring.staff s join kring.municipality m on m.id = s.municipality_id
"""


async def staff_by_subject(conn: Connection, subject: str) -> Staff | None:
    return maybe(Staff, await conn.fetchrow(f"{_STAFF} where s.subject = $1", subject))


async def all_staff(conn: Connection) -> list[tuple[str, Staff]]:
    """The demo's sign-in page offers them by name: subject, person."""
    return [(record["subject"], into(Staff, record)) for record in await conn.fetch(f"{_STAFF} order by s.name")]


async def insert_session(
    conn: Connection, staff: Staff, key_hash: bytes, *, provider_session: str | None = None
) -> None:
    await conn.execute(
        """
        insert into kring.staff_session (key_hash, municipality_id, staff_id, provider_session)
        values ($1, $2, $3, $4)
        """,
        key_hash, staff.municipality, staff.id, provider_session,
    )  # fmt: skip


async def session_municipality(conn: Connection, key_hash: bytes) -> MunicipalityId | None:
    """Works without a municipality: see the function's own comment in revision 0001."""
    found = await conn.fetchval("select kring.session_municipality($1)", key_hash)
    return None if found is None else MunicipalityId(found)


async def session_staff(conn: Connection, key_hash: bytes) -> Staff | None:
    return maybe(
        Staff,
        await conn.fetchrow(
            f"{_STAFF} join kring.staff_session k on k.staff_id = s.id where k.key_hash = $1", key_hash
        ),
    )


async def touch_session(conn: Connection, key_hash: bytes) -> None:
    # Once a minute is enough for an idle limit of thirty, and spares a write on every page.
    await conn.execute(
        "update kring.staff_session set seen_at = now() where key_hash = $1 and seen_at < now() - interval '1 minute'",
        key_hash,
    )


async def delete_session(conn: Connection, key_hash: bytes) -> None:
    await conn.execute("delete from kring.staff_session where key_hash = $1", key_hash)
