"""Platforms: who takes part, when they meet, what happened, in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.need import Form
from service.db import Connection
from service.domain import (
    EndReason,
    MeetingId,
    MunicipalityId,
    PlatformId,
    PlatformState,
    ProposalId,
    ResidentId,
)
from service.queries.rows import each, maybe


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who takes part, by the reference of the need that brought them here."""

    resident_id: ResidentId
    reference: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Platform:
    id: PlatformId
    proposal_id: ProposalId
    name: str
    form: Form
    state: PlatformState
    theme_label: str
    created_at: datetime
    ended_at: datetime | None
    end_reason: EndReason | None
    members: int
    next_meeting: datetime | None
    last_meeting: datetime | None


@dataclass(frozen=True, slots=True)
class Meeting:
    id: MeetingId
    place: str
    starts_at: datetime
    state: str
    attended: int | None
    newcomers: int | None


@dataclass(frozen=True, slots=True)
class Event:
    number: int
    at: datetime
    kind: str
    params: dict[str, Any]


_PLATFORM = """
    select f.id, f.proposal_id, f.name, f.form, f.state, t.label as theme_label, f.created_at, f.ended_at, f.end_reason,
        (select count(*) from kring.membership m where m.platform_id = f.id and m.left_at is null)::int as members,
        (select min(starts_at) from kring.meeting g
         where g.platform_id = f.id and g.state = 'planned' and g.starts_at > now()) as next_meeting,
        (select max(starts_at) from kring.meeting g where g.platform_id = f.id and g.state = 'held') as last_meeting
    from kring.platform f
    join kring.proposal p on p.id = f.proposal_id
    join kring.theme t on t.id = p.theme_id
"""


async def insert_platform(
    conn: Connection, municipality: MunicipalityId, proposal: ProposalId, name: str, form: Form
) -> PlatformId:
    return PlatformId(
        await conn.fetchval(
            """
            insert into kring.platform (municipality_id, proposal_id, name, form) values ($1, $2, $3, $4)
            returning id
            """,
            municipality, proposal, name, form,
        )
    )  # fmt: skip


async def platform(conn: Connection, platform_id: PlatformId) -> Platform | None:
    return maybe(Platform, await conn.fetchrow(f"{_PLATFORM} where f.id = $1", platform_id))


async def platform_of_proposal(conn: Connection, proposal: ProposalId) -> PlatformId | None:
    """What the people of this proposal take part in: the platform they began, or the one they were asked to join."""
    found = await conn.fetchval(
        """
        select f.id from kring.platform f join kring.proposal p on f.proposal_id = p.id or f.id = p.platform_id
        where p.id = $1
        """,
        proposal,
    )
    return None if found is None else PlatformId(found)


async def is_begun_by(conn: Connection, platform_id: PlatformId, proposal: ProposalId) -> bool:
    """Whether the platform came of this proposal; one that offered places in it did not begin it."""
    return bool(
        await conn.fetchval(
            "select exists (select from kring.platform where id = $1 and proposal_id = $2)", platform_id, proposal
        )
    )


async def platforms(conn: Connection) -> list[Platform]:
    return each(Platform, await conn.fetch(f"{_PLATFORM} order by f.state = 'ended', f.created_at desc"))


async def lock_platform(conn: Connection, platform_id: PlatformId) -> PlatformState | None:
    # `no key`: whoever leaves at this moment may still write the event of it, which refers to this row
    found = await conn.fetchval("select state from kring.platform where id = $1 for no key update", platform_id)
    return None if found is None else PlatformState(found)


async def set_state(
    conn: Connection, platform_id: PlatformId, state: PlatformState, end_reason: EndReason | None = None
) -> None:
    await conn.execute(
        """
        update kring.platform
        set state = $2, end_reason = $3, ended_at = case when $2 = 'ended' then now() end where id = $1
        """,
        platform_id, state, end_reason,
    )  # fmt: skip


async def join(conn: Connection, municipality: MunicipalityId, platform_id: PlatformId, resident: ResidentId) -> None:
    await conn.execute(
        "insert into kring.membership (platform_id, resident_id, municipality_id) values ($1, $2, $3)",
        platform_id, resident, municipality,
    )  # fmt: skip


async def leave(conn: Connection, resident: ResidentId) -> list[PlatformId]:
    """End every membership of this resident; the platforms that lost somebody."""
    return [
        PlatformId(record["platform_id"])
        for record in await conn.fetch(
            """
            -- now() is when this transaction began: it may have waited for the one in which the resident joined
            update kring.membership set left_at = greatest(joined_at, now())
            where resident_id = $1 and left_at is null returning platform_id
            """,
            resident,
        )
    ]


async def members(conn: Connection, platform_id: PlatformId) -> list[Member]:
    """Those who take part now, the first to join first."""
    return each(
        Member,
        await conn.fetch(
            """
            select m.resident_id, n.reference, m.joined_at from kring.membership m
            join kring.platform f on f.id = m.platform_id
            -- who found no place the first time has two seats; the last one is that of the yes that counted
            join lateral (
                select s.need_id from kring.proposal_member s
                join kring.proposal p on p.id = s.proposal_id and (p.id = f.proposal_id or p.platform_id = f.id)
                where s.resident_id = m.resident_id order by s.live desc, p.created_at desc limit 1) seat on true
            join kring.need n on n.id = seat.need_id
            where m.platform_id = $1 and m.left_at is null order by m.joined_at, n.reference
            """,
            platform_id,
        ),
    )


async def insert_meeting(
    conn: Connection, municipality: MunicipalityId, platform_id: PlatformId, place: str, at: datetime
) -> MeetingId:
    return MeetingId(
        await conn.fetchval(
            """
            insert into kring.meeting (municipality_id, platform_id, place, starts_at) values ($1, $2, $3, $4)
            returning id
            """,
            municipality, platform_id, place, at,
        )
    )  # fmt: skip


async def meetings(conn: Connection, platform_id: PlatformId) -> list[Meeting]:
    return each(
        Meeting,
        await conn.fetch(
            """
            select id, place, starts_at, state, attended, newcomers from kring.meeting
            where platform_id = $1 order by starts_at
            """,
            platform_id,
        ),
    )


async def record_attendance(
    conn: Connection, platform_id: PlatformId, meeting: MeetingId, *, attended: int, newcomers: int
) -> datetime | None:
    """When the meeting was; None when this platform has no such meeting, or it was cancelled."""
    at: datetime | None = await conn.fetchval(
        """
        update kring.meeting set state = 'held', attended = $3, newcomers = $4
        where id = $2 and platform_id = $1 and state <> 'cancelled' returning starts_at
        """,
        platform_id, meeting, attended, newcomers,
    )  # fmt: skip
    return at


async def cancel_meeting(conn: Connection, platform_id: PlatformId, meeting: MeetingId) -> datetime | None:
    at: datetime | None = await conn.fetchval(
        """
        update kring.meeting set state = 'cancelled'
        where id = $2 and platform_id = $1 and state = 'planned' returning starts_at
        """,
        platform_id, meeting,
    )  # fmt: skip
    return at


async def record_event(
    conn: Connection, municipality: MunicipalityId, platform_id: PlatformId, kind: str, **params: object
) -> None:
    await conn.execute(
        "insert into kring.platform_event (municipality_id, platform_id, kind, params) values ($1, $2, $3, $4)",
        municipality, platform_id, kind, params,
    )  # fmt: skip


async def events(conn: Connection, platform_id: PlatformId) -> list[Event]:
    return each(
        Event,
        await conn.fetch(
            "select number, at, kind, params from kring.platform_event where platform_id = $1 order by number desc",
            platform_id,
        ),
    )
