"""What coordinators changed in drafts, and the people of drafts as the matching models read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from models.need import AgeBand, Meeting, Perspective
from service.db import Connection
from service.domain import NeedId, ProposalId, ResidentId, RunId, StaffId
from service.queries.rows import each, maybe

Kind = Literal["drop", "restore", "move", "merge", "rename", "meeting"]
SHOWN = 5  # changes a page tells of; older ones are undone one after another


@dataclass(frozen=True, slots=True)
class Change:
    """Something a person did to a draft. `people`: how many it was about, those who withdrew since included.

    `other_id`: of a move where to, of a merge which draft was taken in. `title`, `meeting_*`: what stood there before.
    """

    id: UUID
    kind: Kind
    proposal_id: ProposalId
    proposal_title: str
    other_id: ProposalId | None
    other_title: str | None
    residents: tuple[ResidentId, ...]
    references: tuple[str, ...]
    people: int
    title: str | None
    meeting_place: str | None
    meeting_at: datetime | None
    made_by_name: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a seat, or one that was given up, as the matching models read a need."""

    proposal_id: ProposalId
    live: bool
    need_id: NeedId
    resident_id: ResidentId
    reference: str
    text: str
    perspective: Perspective
    age_band: AgeBand
    area_name: str
    lat: float
    lon: float
    languages: tuple[str, ...]
    dayparts: tuple[str, ...]
    meeting: Meeting
    reach_km: int | None
    topics: tuple[str, ...]
    waiting_days: int
    vector: bytes | None
    vector_model: str | None


_CHANGE = """
    select c.id, c.kind, c.proposal_id, p.title as proposal_title, c.other_id, o.title as other_title, c.residents,
        array(select n.reference from kring.proposal_member m join kring.need n on n.id = m.need_id
              where m.proposal_id = c.proposal_id and m.resident_id = any(c.residents) order by 1) as references,
        c.people, c.title, c.meeting_place, c.meeting_at, s.name as made_by_name, c.made_at
    from kring.proposal_change c
    join kring.proposal p on p.id = c.proposal_id
    left join kring.proposal o on o.id = c.other_id
    left join kring.staff s on s.id = c.made_by
    where (c.proposal_id = $1 or c.other_id = $1) and c.undone_at is null
"""


async def insert_change(
    conn: Connection,
    kind: Kind,
    proposal: ProposalId,
    *,
    by: StaffId | None,
    other: ProposalId | None = None,
    residents: list[ResidentId] | None = None,
    arrived: list[ResidentId] | None = None,
) -> None:
    """Write down what is about to be done; what the draft says at this moment goes with it."""
    await conn.execute(
        """
        insert into kring.proposal_change (municipality_id, kind, proposal_id, other_id, residents, arrived, people,
            made_by, title, meeting_place, meeting_at)
        select p.municipality_id, $1, p.id, $3, $4, $5, cardinality($4::uuid[]), $6,
            case when $1 = 'rename' then p.title end,
            case when $1 = 'meeting' then p.meeting_place end,
            case when $1 = 'meeting' then p.meeting_at end
        from kring.proposal p where p.id = $2
        """,
        kind, proposal, other, sorted(residents or []), sorted(arrived or []), by,
    )  # fmt: skip


async def last_change(conn: Connection, proposal: ProposalId) -> Change | None:
    """The change that can be undone first, made here or between this draft and another."""
    return maybe(Change, await conn.fetchrow(f"{_CHANGE} order by c.step desc limit 1", proposal))


async def changes(conn: Connection, proposal: ProposalId) -> list[Change]:
    """The last changes that stand, newest first."""
    return each(Change, await conn.fetch(f"{_CHANGE} order by c.step desc limit $2", proposal, SHOWN))


async def mark_undone(conn: Connection, change: UUID, by: StaffId) -> None:
    await conn.execute(
        "update kring.proposal_change set undone_at = now(), undone_by = $2 where id = $1 and undone_at is null",
        change, by,
    )  # fmt: skip


async def people(conn: Connection, proposals: list[ProposalId]) -> list[Person]:
    """Everybody with a seat in these, the given-up ones too; who withdrew has no words left and is not in it."""
    return each(
        Person,
        await conn.fetch(
            """
            select m.proposal_id, m.live, n.id as need_id, n.resident_id, n.reference, n.text, n.perspective,
                r.age_band, a.name as area_name, a.lat, a.lon, n.languages, n.dayparts, n.meeting,
                n.reach_km, n.topics,
                greatest(0, extract(day from now() - n.waiting_since))::int as waiting_days, n.vector, n.vector_model
            from kring.proposal_member m
            join kring.need n on n.id = m.need_id
            join kring.resident r on r.id = m.resident_id
            join kring.area a on a.id = n.area_id
            where m.proposal_id = any($1) and n.state <> 'withdrawn'
            order by n.reference
            """,
            list(proposals),
        ),
    )


async def apart_among(conn: Connection, residents: list[ResidentId]) -> list[tuple[UUID, UUID]]:
    """The pairs among these people who must not meet."""
    return [
        (record["resident_a"], record["resident_b"])
        for record in await conn.fetch(
            "select resident_a, resident_b from kring.apart where resident_a = any($1) and resident_b = any($1)",
            list(residents),
        )
    ]


async def close_from(conn: Connection, model: str) -> float | None:
    """The dot product from which notes were close in the last run with this encoder; None when no run said."""
    found: float | None = await conn.fetchval(
        """
        select close_from from kring.match_run
        where state = 'done' and encoder = $1 and close_from is not null order by finished_at desc limit 1
        """,
        model,
    )
    return found


async def last_runs(conn: Connection) -> list[RunId]:
    """The last run that ended well and the one before it, newest first."""
    return [
        RunId(record["id"])
        for record in await conn.fetch(
            "select id from kring.match_run where state = 'done' order by finished_at desc, id limit 2"
        )
    ]


async def groups_of_run(conn: Connection, run: RunId) -> dict[ProposalId, frozenset[UUID]]:
    """The needs a run put together, whatever became of the draft since; not who was brought there by hand."""
    return {
        ProposalId(record["id"]): frozenset(record["needs"])
        for record in await conn.fetch(
            """
            select p.id, array_agg(m.need_id) as needs
            from kring.proposal p join kring.proposal_member m on m.proposal_id = p.id
            where p.run_id = $1 and not exists (
                select from kring.proposal_change c
                where c.residents @> array[m.resident_id] and m.resident_id = any(c.arrived)
                  and m.proposal_id = case c.kind when 'move' then c.other_id else c.proposal_id end)
            group by p.id
            """,
            run,
        )
    }
