"""Platforms with room: who is in them, who was asked before, and the drafts that offer places in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.need import Form, Meeting
from service.db import Connection
from service.domain import MunicipalityId, NeedId, PlatformId, PlatformState, ProposalId, ResidentId, RunId
from service.queries.needs import PoolNeed
from service.queries.rows import each, maybe


@dataclass(frozen=True, slots=True)
class Places:
    """A platform as far as joining goes. `language` and `meeting` None: its proposal is of before they were kept.

    `asked`: people who were invited, said no yes, and whose time to answer is not over. Who said no keeps the place
    until then: that it came free sooner would tell on them. `draft`: the proposal in which places wait for a decision;
    `worked_on`: a person changed that one.
    """

    id: PlatformId
    name: str
    form: Form
    state: PlatformState
    theme_id: UUID
    language: str | None
    meeting: Meeting | None
    daypart: str | None
    members: int
    asked: int
    draft: ProposalId | None
    worked_on: bool


_PLACES = """
    select f.id, f.name, f.form, f.state, own.theme_id, own.language, own.meeting, own.daypart,
        (select count(*) from kring.membership m where m.platform_id = f.id and m.left_at is null)::int as members,
        (select count(*) from kring.invitation i join kring.proposal p on p.id = i.proposal_id
         where (p.id = f.proposal_id or p.platform_id = f.id)
           and i.state <> 'accepted' and i.expires_at > now()
           -- a yes that was taken back later was a place, and left it for everybody to see
           and not exists (select from kring.membership k
                           where k.platform_id = f.id and k.resident_id = i.resident_id))::int as asked,
        draft.id as draft, coalesce(draft.edited_at is not null, false) as worked_on
    from kring.platform f
    join kring.proposal own on own.id = f.proposal_id
    left join kring.proposal draft on draft.platform_id = f.id and draft.state = 'draft'
"""


async def going(conn: Connection) -> list[Places]:
    """The platforms that newcomers may be sought for: neither paused nor ended."""
    return each(Places, await conn.fetch(f"{_PLACES} where f.state in ('forming', 'active') order by f.id"))


async def places(conn: Connection, platform_id: PlatformId) -> Places | None:
    return maybe(Places, await conn.fetchrow(f"{_PLACES} where f.id = $1", platform_id))


async def members(conn: Connection, wanted: Sequence[PlatformId]) -> list[tuple[PlatformId, PoolNeed]]:
    """The needs with which the members of these platforms came in, of those who still consent to being matched."""
    records = await conn.fetch(
        """
        select m.platform_id, n.id, n.resident_id, n.text, n.perspective, r.age_band, a.name as area, a.lat, a.lon,
            n.languages, n.dayparts, n.meeting, n.reach_km, n.topics, n.noted_by, 0 as waiting_days
        from kring.membership m
        join kring.platform f on f.id = m.platform_id
        join kring.proposal p on p.id = f.proposal_id or p.platform_id = f.id
        join kring.proposal_member s on s.proposal_id = p.id and s.resident_id = m.resident_id and s.live
        join kring.need n on n.id = s.need_id
        join kring.resident r on r.id = n.resident_id
        join kring.area a on a.id = n.area_id
        where m.platform_id = any($1) and m.left_at is null and n.text is not null
          and exists (select from kring.standing_consent('matching') c where c.resident_id = m.resident_id)
        order by m.platform_id, n.id
        """,
        list(wanted),
    )
    found = each(PoolNeed, records)
    return [(PlatformId(record["platform_id"]), need) for record, need in zip(records, found, strict=True)]


async def kept_apart(conn: Connection, wanted: Sequence[ResidentId]) -> list[tuple[ResidentId, NeedId]]:
    """For these residents the open needs of those whom they must not meet."""
    return [
        (ResidentId(record["resident_id"]), NeedId(record["need_id"]))
        for record in await conn.fetch(
            """
            select w.resident_id, n.id as need_id
            from unnest($1::uuid[]) as w (resident_id)
            join kring.apart a on w.resident_id in (a.resident_a, a.resident_b)
            join kring.need n on n.resident_id in (a.resident_a, a.resident_b) and n.resident_id <> w.resident_id
            where n.state = 'open'
            """,
            list(wanted),
        )
    ]


async def not_again(conn: Connection, wanted: Sequence[PlatformId]) -> list[tuple[PlatformId, NeedId]]:
    """Open needs of people who are not offered these platforms again.

    They were invited and did not say yes, a coordinator took them out of such an offer, or turned it down. Who said yes
    and found the last place gone may be offered another.
    """
    return [
        (PlatformId(record["platform_id"]), NeedId(record["need_id"]))
        for record in await conn.fetch(
            """
            select distinct f.id as platform_id, n.id as need_id
            from kring.platform f
            join kring.proposal p on p.id = f.proposal_id or p.platform_id = f.id
            join kring.proposal_member m on m.proposal_id = p.id
            join kring.need n on n.resident_id = m.resident_id and n.state = 'open'
            left join kring.invitation i on i.proposal_id = p.id and i.resident_id = m.resident_id
            where f.id = any($1) and (i.state <> 'accepted' or m.dropped_at is not null or p.state = 'rejected'
                -- a membership is for once: who left does not come back by a run
                or exists (select from kring.membership k where k.platform_id = f.id
                           and k.resident_id = m.resident_id))
            """,
            list(wanted),
        )
    ]


async def insert_draft(
    conn: Connection,
    municipality: MunicipalityId,
    run_id: RunId,
    platform: Places,
    *,
    language: str | None,
    meeting: Meeting | None,
    reasons: list[dict[str, Any]],
) -> ProposalId:
    """A proposal that offers places in this platform, under its name."""
    return ProposalId(
        await conn.fetchval(
            """
            insert into kring.proposal (municipality_id, run_id, theme_id, platform_id, title, form, daypart, language,
                meeting, reasons)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id
            """,
            municipality, run_id, platform.theme_id, platform.id, platform.name, platform.form, platform.daypart,
            language, meeting, reasons,
        )
    )  # fmt: skip


async def platform_joined(conn: Connection, proposal: ProposalId) -> PlatformId | None:
    """The platform that this proposal offers places in; None for one of a new group."""
    found = await conn.fetchval("select platform_id from kring.proposal where id = $1", proposal)
    return None if found is None else PlatformId(found)


async def proposals_of(conn: Connection, platform_id: PlatformId) -> list[ProposalId]:
    """Its own proposal and those that offered places in it, in the order in which they are held."""
    return [
        ProposalId(record["id"])
        for record in await conn.fetch(
            """
            select p.id from kring.proposal p join kring.platform f on p.id = f.proposal_id or p.platform_id = f.id
            where f.id = $1 order by p.id
            """,
            platform_id,
        )
    ]


async def supersede_draft(conn: Connection, platform_id: PlatformId) -> None:
    """An offer that nobody will decide on any more: its people can be grouped again."""
    await conn.execute(
        """
        with old as (
            update kring.proposal set state = 'superseded' where platform_id = $1 and state = 'draft' returning id)
        update kring.proposal_member set live = false where proposal_id in (select id from old) and live
        """,
        platform_id,
    )
