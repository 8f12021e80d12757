"""Needs: stored, found, listed, closed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from models.encoder import Vector
from models.errors import Param
from models.need import AgeBand, Meeting, Need, Perspective
from service.db import Connection
from service.domain import MunicipalityId, NeedId, NewNeed, ProposalId, ProposalState, ResidentId, StaffId
from service.queries.rows import each, maybe


@dataclass(frozen=True, slots=True)
class NeedRow:
    id: NeedId
    reference: str
    resident_id: ResidentId
    state: str
    text: str | None
    perspective: Perspective
    topics: tuple[str, ...]
    age_band: AgeBand
    area_name: str
    languages: tuple[str, ...]
    dayparts: tuple[str, ...]
    meeting: Meeting
    reach_km: int | None
    submitted_by: StaffId
    submitted_by_name: str
    waiting_since: datetime
    paused_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PoolNeed:
    """A need as the matching reads it: open, consented, not in a group or a proposal already."""

    id: NeedId
    resident_id: ResidentId
    text: str
    perspective: Perspective
    age_band: AgeBand
    area: str
    lat: float
    lon: float
    languages: tuple[str, ...]
    dayparts: tuple[str, ...]
    meeting: Meeting
    reach_km: int | None
    topics: tuple[str, ...]
    waiting_days: int
    noted_by: str

    def as_need(self, apart: Collection[str]) -> Need:
        """As the engine takes it; `apart` holds ids of needs."""
        return Need(
            id=str(self.id),
            text=self.text,
            perspective=self.perspective,
            age_band=self.age_band,
            area=self.area,
            lat=self.lat,
            lon=self.lon,
            reach_km=self.reach_km,
            languages=frozenset(self.languages),
            dayparts=frozenset(self.dayparts),
            meeting=self.meeting,
            waiting_days=self.waiting_days,
            caseworker=self.noted_by,
            topics=self.topics,
            apart=frozenset(apart),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a need so far, for its caseworker: never what the resident answered.

    A group that was approved once stays the answer, whatever the resident said to it: a need that silently went back to
    waiting would tell who declined.
    """

    need_id: NeedId
    proposal_id: ProposalId | None
    proposal_state: ProposalState | None  # a draft or an approved one
    ungrouped_code: str | None  # what the last run that ended found
    ungrouped_params: dict[str, Param] | None


_NEED = """
    select n.id, n.reference, n.resident_id, n.state, n.text, n.perspective, n.topics, r.age_band,
        a.name as area_name, n.languages, n.dayparts, n.meeting, n.reach_km, n.submitted_by,
        s.name as submitted_by_name, n.waiting_since, n.paused_until, n.created_at
    from kring.need n
    join kring.resident r on r.id = n.resident_id
    join kring.area a on a.id = n.area_id
    join kring.staff s on s.id = n.submitted_by
"""


async def lock_submission(conn: Connection, submission_key: UUID) -> None:
    """The same form sent twice at the same moment: the second waits here, and then finds what the first stored."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", str(submission_key))


async def insert_need(
    conn: Connection,
    municipality: MunicipalityId,
    resident: ResidentId,
    need: NewNeed,
    *,
    reference: str,
    area_id: UUID,
    by: StaffId,
) -> NeedId:
    return NeedId(
        await conn.fetchval(
            """
            insert into kring.need (municipality_id, resident_id, reference, submission_key, text, perspective,
                topics, area_id, languages, dayparts, meeting, submitted_by, noted_by,
                waiting_since, reach_km)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, coalesce($14, now()), $15)
            returning id
            """,
            municipality, resident, reference, need.submission_key, need.text, need.perspective, list(need.topics),
            area_id, list(need.languages), list(need.dayparts), need.meeting, by, need.noted_by or str(by),
            need.waiting_since, need.reach_km,
        )
    )  # fmt: skip


async def reference_of_submission(conn: Connection, submission_key: UUID) -> str | None:
    found: str | None = await conn.fetchval(
        "select reference from kring.need where submission_key = $1", submission_key
    )
    return found


async def resident_by_reference(conn: Connection, reference: str) -> ResidentId | None:
    found = await conn.fetchval("select resident_id from kring.need where reference = $1", reference)
    return None if found is None else ResidentId(found)


async def need_by_reference(conn: Connection, reference: str) -> NeedRow | None:
    return maybe(NeedRow, await conn.fetchrow(f"{_NEED} where n.reference = $1", reference))


async def needs_of_resident(conn: Connection, resident: ResidentId) -> list[NeedRow]:
    return each(NeedRow, await conn.fetch(f"{_NEED} where n.resident_id = $1 order by n.created_at", resident))


async def page_of_needs(
    conn: Connection, *, submitted_by: StaffId | None, after: str | None, limit: int
) -> list[NeedRow]:
    """Newest first; everybody's when `submitted_by` is None, as a coordinator sees them.

    `after` is the last reference of the page before. An import stores many needs at one moment, so paging by the moment
    would lose some between two pages.
    """
    return each(
        NeedRow,
        await conn.fetch(
            f"""{_NEED} where ($1::uuid is null or n.submitted_by = $1)
              and ($2::text is null
                   or (n.created_at, n.id) < (select a.created_at, a.id from kring.need a where a.reference = $2))
            order by n.created_at desc, n.id desc limit $3""",  # noqa: S608 - _NEED is a constant
            submitted_by, after, limit,
        ),
    )  # fmt: skip


async def outcomes(conn: Connection, wanted: list[NeedId]) -> dict[NeedId, Outcome]:
    records = await conn.fetch(
        """
        select n.id as need_id, p.id as proposal_id, p.state as proposal_state, u.code as ungrouped_code,
            u.params as ungrouped_params
        from kring.need n
        left join lateral (
            select p.id, p.state from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
            where m.need_id = n.id
              -- who declined loses the seat (live), who was dropped before the decision was never asked (dropped_at)
              and ((p.state = 'approved' and m.dropped_at is null) or (p.state = 'draft' and m.live))
            order by p.state = 'approved' desc, p.created_at desc limit 1) p on true
        left join kring.ungrouped u on u.need_id = n.id and u.run_id = (
            select r.id from kring.match_run r where r.state = 'done' order by r.finished_at desc limit 1)
        where n.id = any($1)
        """,
        list(wanted),
    )
    return {found.need_id: found for found in each(Outcome, records)}


async def pool(
    conn: Connection, *, as_of: datetime | None = None, only: Sequence[NeedId] | None = None
) -> list[PoolNeed]:
    """`as_of`: the moment until which waiting counts, now by itself. `only`: those of the pool among these."""
    return each(
        PoolNeed,
        await conn.fetch(
            """
            select n.id, n.resident_id, n.text, n.perspective, r.age_band, a.name as area, a.lat, a.lon,
                n.languages, n.dayparts, n.meeting, n.reach_km, n.topics, n.noted_by,
                greatest(0, extract(day from coalesce($1, now()) - n.waiting_since))::int as waiting_days
            from kring.need n
            join kring.resident r on r.id = n.resident_id
            join kring.area a on a.id = n.area_id
            where n.state = 'open'
              and (n.paused_until is null or n.paused_until <= now())
              -- the ledger itself, not a flag copied from it
              and exists (select from kring.standing_consent('matching') c where c.resident_id = n.resident_id)
              -- a person has one live seat, so whoever has one waits for its outcome; a draft nobody touched does not
              -- count, because this run replaces it
              and not exists (select from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
                              where m.resident_id = n.resident_id and m.live
                                and not (p.state = 'draft' and p.edited_at is null))
              and ($2::uuid[] is null or n.id = any($2))
            order by n.id
            """,
            as_of,
            None if only is None else list(only),
        ),
    )


async def vectors(conn: Connection, wanted: list[NeedId]) -> dict[NeedId, Vector]:
    """The stored vectors of these needs, each with the encoder that made it; a need without one is not in it."""
    rows = await conn.fetch(
        "select id, vector, vector_model from kring.need where id = any($1) and vector is not null", wanted
    )
    return {
        NeedId(row["id"]): Vector(row["vector_model"], np.frombuffer(row["vector"], dtype="<f4").astype(np.float32))
        for row in rows
    }


async def put_vectors(conn: Connection, made: Mapping[NeedId, Vector]) -> None:
    """Store vectors, in place of those of another encoder; a need that was withdrawn meanwhile gets none."""
    await conn.executemany(
        "update kring.need set vector = $2, vector_model = $3 where id = $1 and state <> 'withdrawn'",
        # in one order: two that store vectors never wait for each other
        [(need, made[need].values.astype("<f4").tobytes(), made[need].model_id) for need in sorted(made)],
    )


async def close_need(conn: Connection, need: NeedId) -> None:
    await conn.execute("update kring.need set state = 'closed' where id = $1 and state = 'open'", need)


async def reopen_needs(conn: Connection, resident: ResidentId) -> None:
    """Somebody who wanted nothing more wants it after all; what was withdrawn has no words left to open."""
    await conn.execute("update kring.need set state = 'open' where resident_id = $1 and state = 'closed'", resident)


async def pause_need(conn: Connection, need: NeedId, days: int) -> None:
    await conn.execute(
        "update kring.need set paused_until = now() + make_interval(days => $2) where id = $1", need, days
    )


async def withdraw_needs(conn: Connection, resident: ResidentId) -> None:
    """The row stays for the counts; the words go."""
    await conn.execute(
        """
        update kring.need set state = 'withdrawn', text = null, topics = '{}', vector = null, vector_model = null
        where resident_id = $1
        """,
        resident,
    )
