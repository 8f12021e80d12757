"""Releases: what they are counted from, and the frozen result."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from models.need import Perspective
from service.db import Connection
from service.domain import MunicipalityId, PlatformState
from service.queries.rows import each, into, maybe

Part = Literal["themes", "perspectives", "areas", "platforms"]


@dataclass(frozen=True, slots=True)
class Person:
    """One resident with an open need and a standing consent, as a report counts: no id, no words."""

    caseworker: str  # `need.noted_by`
    created_at: datetime
    perspective: Perspective
    area: str
    theme: str | None
    placed: bool
    asked: bool
    accepted: bool
    platform: PlatformState | None


@dataclass(frozen=True, slots=True)
class Line:
    """A shown number of residents: a multiple of five."""

    name: str
    residents: int


@dataclass(frozen=True, slots=True)
class Table:
    lines: tuple[Line, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything a release shows. `total`: residents with an open need; every table but the last divides them."""

    total: int
    steps: tuple[Line, ...]
    parts: dict[Part, Table]


@dataclass(frozen=True, slots=True)
class Release:
    quarter: str
    as_of: datetime
    tables: Tables


async def people(conn: Connection) -> list[Person]:
    """Everybody counts once, with their newest open need."""
    return each(
        Person,
        await conn.fetch(
            """
            with latest as (
                select id from kring.match_run where state = 'done' order by finished_at desc, id limit 1)
            select distinct on (n.resident_id) n.noted_by as caseworker, n.created_at, n.perspective,
                a.name as area, coalesce(found.label, seat.label) as theme, past.placed, letter.asked,
                letter.accepted, platform.state as platform
            from kring.need n
            join kring.area a on a.id = n.area_id
            left join lateral (
                select t.label from kring.theme_need tn join kring.theme t on t.id = tn.theme_id
                where tn.need_id = n.id and tn.run_id = (select id from latest)) found on true
            -- who has a seat already was not in the last run; the theme is then the one the seat came from
            left join lateral (
                select t.label from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
                join kring.theme t on t.id = p.theme_id where m.need_id = n.id and m.live) seat on true
            -- seats that came free again stay counted: else the difference with who was asked would tell who said no
            cross join lateral (
                select count(*) > 0 as placed
                from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
                where m.resident_id = n.resident_id and m.dropped_at is null and p.state <> 'superseded') past
            cross join lateral (
                select count(*) > 0 as asked, count(*) filter (where i.state = 'accepted') > 0 as accepted
                from kring.invitation i where i.resident_id = n.resident_id) letter
            left join lateral (
                select f.state from kring.membership m join kring.platform f on f.id = m.platform_id
                where m.resident_id = n.resident_id and m.left_at is null
                order by m.joined_at desc, f.id limit 1) platform on true
            where n.state = 'open' and exists (
                select from kring.standing_consent('matching') c where c.resident_id = n.resident_id)
            order by n.resident_id, n.created_at desc, n.id
            """
        ),
    )


async def lock_releases(conn: Connection, municipality: MunicipalityId) -> None:
    """Two managers at the same moment: the second waits here, and then finds what the first stored."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended($1, 1))", str(municipality))


async def insert_release(conn: Connection, municipality: MunicipalityId, quarter: str, tables: Tables) -> Release:
    (made,) = await conn.fetch(
        """
        insert into kring.release (municipality_id, quarter, tables) values ($1, $2, $3)
        returning quarter, as_of, tables
        """,
        municipality, quarter, asdict(tables),
    )  # fmt: skip
    return into(Release, made)


async def release_of(conn: Connection, quarter: str) -> Release | None:
    return maybe(
        Release,
        await conn.fetchrow("select quarter, as_of, tables from kring.release where quarter = $1", quarter),
    )


async def latest_release(conn: Connection) -> Release | None:
    return maybe(
        Release,
        await conn.fetchrow("select quarter, as_of, tables from kring.release order by as_of desc limit 1"),
    )
