"""Pulses: three short questions to members. Who answered and what was answered never stand in one row."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.db import Connection
from service.domain import MunicipalityId, PlatformId, PulseId, ResidentId
from service.queries.rows import each


@dataclass(frozen=True, slots=True)
class PulseRound:
    """One pulse: asked, answered, and the averages once enough answered (`service.platforms.PULSE_LEAST`)."""

    id: UUID
    sent_at: datetime
    asked: int
    answered: int
    welcome: float | None
    helped: float | None
    staying: float | None


async def insert_pulse(conn: Connection, municipality: MunicipalityId, platform_id: PlatformId) -> PulseId:
    return PulseId(
        await conn.fetchval(
            "insert into kring.pulse (municipality_id, platform_id) values ($1, $2) returning id",
            municipality, platform_id,
        )
    )  # fmt: skip


async def insert_requests(conn: Connection, municipality: MunicipalityId, pulse: PulseId) -> list[ResidentId]:
    """One for each member who consents to be followed; the others are left in peace.

    Their consents are held before they are looked at: whoever withdraws at this moment is waited for, and then not
    asked.
    """
    await conn.execute(
        """
        select from kring.pulse p
        join kring.membership m on m.platform_id = p.platform_id and m.left_at is null
        join kring.consent c on c.resident_id = m.resident_id
        where p.id = $1 and c.purpose = 'follow_up' order by c.id for share of c
        """,
        pulse,
    )
    return [
        ResidentId(record["resident_id"])
        for record in await conn.fetch(
            """
            insert into kring.pulse_request (pulse_id, resident_id, municipality_id)
            select p.id, m.resident_id, $2 from kring.pulse p
            join kring.membership m on m.platform_id = p.platform_id and m.left_at is null
            where p.id = $1
              and exists (select from kring.standing_consent('follow_up') c where c.resident_id = m.resident_id)
            returning resident_id
            """,
            pulse, municipality,
        )
    ]  # fmt: skip


async def take_request(conn: Connection, pulse: PulseId, resident: ResidentId) -> bool:
    """Mark the request answered; False when it was already, or there is none.

    Every request of the pulse is written again. PostgreSQL shows in which transaction a row was last written (`xmin`):
    were it this one alone, it would point at the answer that is stored in the same transaction.
    """
    await conn.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"pulse {pulse}")
    open_request = await conn.fetchval(
        "select true from kring.pulse_request where pulse_id = $1 and resident_id = $2 and not answered",
        pulse,
        resident,
    )
    if not open_request:
        return False
    await conn.execute(
        "update kring.pulse_request set answered = answered or resident_id = $2 where pulse_id = $1", pulse, resident
    )
    return True


async def is_answered(conn: Connection, pulse: PulseId, resident: ResidentId) -> bool:
    return bool(
        await conn.fetchval(
            "select answered from kring.pulse_request where pulse_id = $1 and resident_id = $2", pulse, resident
        )
    )


async def insert_answer(
    conn: Connection, municipality: MunicipalityId, pulse: PulseId, *, welcome: int, helped: int, staying: int
) -> None:
    await conn.execute(
        """
        insert into kring.pulse_answer (municipality_id, pulse_id, welcome, helped, staying)
        values ($1, $2, $3, $4, $5)
        """,
        municipality, pulse, welcome, helped, staying,
    )  # fmt: skip


async def last_pulse(conn: Connection, platform_id: PlatformId) -> datetime | None:
    at: datetime | None = await conn.fetchval(
        "select max(sent_at) from kring.pulse where platform_id = $1", platform_id
    )
    return at


async def rounds(conn: Connection, platform_id: PlatformId, least: int) -> list[PulseRound]:
    """Averages only where at least `least` members answered; below that not even the database hands them out."""
    return each(
        PulseRound,
        await conn.fetch(
            """
            select p.id, p.sent_at,
                (select count(*) from kring.pulse_request r where r.pulse_id = p.id)::int as asked,
                a.n as answered,
                case when a.n >= $2 then a.welcome end as welcome,
                case when a.n >= $2 then a.helped end as helped,
                case when a.n >= $2 then a.staying end as staying
            from kring.pulse p
            cross join lateral (
                select count(*)::int as n, avg(welcome)::float as welcome, avg(helped)::float as helped,
                    avg(staying)::float as staying
                from kring.pulse_answer where pulse_id = p.id) a
            where p.platform_id = $1 order by p.sent_at
            """,
            platform_id, least,
        ),
    )  # fmt: skip


async def due_platforms(conn: Connection, every_days: int) -> list[PlatformId]:
    """Active platforms that have met and were not asked for `every_days`."""
    return [
        PlatformId(record["id"])
        for record in await conn.fetch(
            """
            select f.id from kring.platform f
            where f.state = 'active'
              and not exists (select from kring.pulse p where p.platform_id = f.id
                              and p.sent_at > now() - make_interval(days => $1))
              and exists (select from kring.meeting g where g.platform_id = f.id and g.state = 'held')
            """,
            every_days,
        )
    ]
