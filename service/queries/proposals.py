"""Proposals and their seats."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.need import AgeBand, Form, Meeting, Perspective
from models.plan import MatchSettings
from service.db import Connection
from service.domain import (
    MunicipalityId,
    NeedId,
    PlatformId,
    ProposalId,
    ProposalState,
    ResidentId,
    RunId,
    StaffId,
)
from service.queries.rows import each, maybe


@dataclass(frozen=True, slots=True)
class Proposal:
    id: ProposalId
    run_id: RunId
    theme_id: UUID
    title: str
    theme_label: str
    form: Form
    daypart: str | None
    reasons: list[dict[str, Any]]
    state: ProposalState
    meeting_place: str | None
    meeting_at: datetime | None
    edited_at: datetime | None
    decided_at: datetime | None
    decided_by: StaffId | None
    decided_by_name: str | None
    decision_reason: str | None
    merged_into: ProposalId | None
    platform_id: PlatformId | None  # offers places in this platform, in place of a new group
    created_at: datetime
    seats: int
    long_waiting: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A candidate as the coordinator sees it. `accepted` is the only answer anybody sees.

    `elsewhere`: the other proposal in which this person has a seat now. `arrived` is False for who was brought here by
    a change that was undone: that person was never in this group.
    """

    need_id: NeedId
    resident_id: ResidentId
    reference: str
    text: str | None
    perspective: Perspective
    age_band: AgeBand
    area_name: str
    languages: tuple[str, ...]
    dayparts: tuple[str, ...]
    meeting: Meeting
    waiting_since: datetime
    reasons: list[dict[str, Any]]
    live: bool
    dropped_at: datetime | None
    arrived: bool
    elsewhere: ProposalId | None
    accepted: bool
    can_be_invited: bool
    channel: str | None


LONG_WAIT_DAYS = MatchSettings().long_wait_days
"""From here on waiting is named: nobody waits longer without an alternative (docs/sources.md, "Groups")."""

_PROPOSAL = f"""
    select p.id, p.run_id, p.theme_id, p.title, t.label as theme_label, p.form, p.daypart, p.reasons, p.state,
        p.meeting_place, p.meeting_at, p.edited_at, p.decided_at, p.decided_by, s.name as decided_by_name,
        p.decision_reason, p.merged_into, p.platform_id, p.created_at,
        (select count(*) from kring.proposal_member m where m.proposal_id = p.id and m.live)::int as seats,
        (select count(*) from kring.proposal_member m join kring.need n on n.id = m.need_id
         where m.proposal_id = p.id and m.live
           and n.waiting_since <= now() - interval '{LONG_WAIT_DAYS} days')::int as long_waiting
    from kring.proposal p
    join kring.theme t on t.id = p.theme_id
    left join kring.staff s on s.id = p.decided_by
"""  # noqa: S608 - a number of ours


async def insert_proposal(
    conn: Connection,
    municipality: MunicipalityId,
    *,
    run_id: RunId,
    theme_id: UUID,
    title: str,
    form: Form,
    daypart: str | None,
    reasons: list[dict[str, Any]],
    language: str | None = None,
    meeting: Meeting | None = None,
) -> ProposalId:
    """A draft of a new group. A platform that comes of it seeks newcomers by `language`, `meeting` and `daypart`."""
    return ProposalId(
        await conn.fetchval(
            """
            insert into kring.proposal (municipality_id, run_id, theme_id, title, form, daypart, reasons, language,
                meeting)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id
            """,
            municipality, run_id, theme_id, title, form, daypart, reasons, language, meeting,
        )
    )  # fmt: skip


async def insert_seat(
    conn: Connection,
    municipality: MunicipalityId,
    proposal: ProposalId,
    *,
    need: NeedId,
    resident: ResidentId,
    reasons: list[dict[str, Any]],
) -> None:
    await conn.execute(
        """
        insert into kring.proposal_member (proposal_id, need_id, resident_id, municipality_id, reasons)
        values ($1, $2, $3, $4, $5)
        """,
        proposal, need, resident, municipality, reasons,
    )  # fmt: skip


async def proposal(conn: Connection, proposal_id: ProposalId) -> Proposal | None:
    return maybe(Proposal, await conn.fetchrow(f"{_PROPOSAL} where p.id = $1", proposal_id))


async def lock_proposal(conn: Connection, proposal_id: ProposalId) -> ProposalState | None:
    """Its state, held still until the transaction ends: two coordinators take turns."""
    return (await lock_proposals(conn, [proposal_id])).get(proposal_id)


async def lock_proposals(conn: Connection, wanted: list[ProposalId]) -> dict[ProposalId, ProposalState]:
    """The states of several, held still in one order: who changes two groups never waits for who changes them too."""
    records = await conn.fetch(
        "select id, state from kring.proposal where id = any($1) order by id for update", list(wanted)
    )
    return {ProposalId(record["id"]): ProposalState(record["state"]) for record in records}


async def proposals(conn: Connection, state: ProposalState, *, limit: int = 200) -> list[Proposal]:
    return each(
        Proposal,
        await conn.fetch(f"{_PROPOSAL} where p.state = $1 order by p.created_at desc, p.title limit $2", state, limit),
    )


async def drafts_waiting(conn: Connection) -> int:
    """How many proposals wait for a coordinator."""
    found: int = await conn.fetchval("select count(*)::int from kring.proposal where state = 'draft'")
    return found


async def made_by_run(conn: Connection, run_id: RunId) -> int:
    """How many drafts a run made, whatever became of them since."""
    found: int = await conn.fetchval("select count(*)::int from kring.proposal where run_id = $1", run_id)
    return found


async def seats(conn: Connection, proposal_id: ProposalId) -> list[Seat]:
    return each(
        Seat,
        await conn.fetch(
            """
            select m.need_id, m.resident_id, n.reference, n.text, n.perspective, r.age_band, a.name as area_name,
                n.languages, n.dayparts, n.meeting, n.waiting_since, m.reasons, m.live, m.dropped_at,
                came.undone is not true as arrived,
                (select o.proposal_id from kring.proposal_member o where o.resident_id = m.resident_id and o.live
                   and o.proposal_id <> m.proposal_id) as elsewhere,
                coalesce(i.state = 'accepted', false) as accepted,
                exists (select from kring.standing_consent('invitation') c
                        where c.resident_id = m.resident_id) as can_be_invited,
                v.channel
            from kring.proposal_member m
            join kring.need n on n.id = m.need_id
            join kring.resident r on r.id = m.resident_id
            join kring.area a on a.id = n.area_id
            left join kring.invitation i on i.proposal_id = m.proposal_id and i.resident_id = m.resident_id
            left join vault.contact v on v.resident_id = m.resident_id
            -- true when all that ever brought this person here was undone, null when nothing did: composed by a run
            cross join lateral (
                select bool_and(c.undone_at is not null) as undone from kring.proposal_change c
                where c.residents @> array[m.resident_id] and m.resident_id = any(c.arrived)
                  and m.proposal_id = case c.kind when 'move' then c.other_id else c.proposal_id end) came
            where m.proposal_id = $1
            order by n.reference
            """,
            proposal_id,
        ),
    )


async def rename(conn: Connection, proposal_id: ProposalId, title: str) -> None:
    await conn.execute("update kring.proposal set title = $2, edited_at = now() where id = $1", proposal_id, title)


async def set_meeting(conn: Connection, proposal_id: ProposalId, place: str | None, at: datetime | None) -> None:
    await conn.execute(
        "update kring.proposal set meeting_place = $2, meeting_at = $3, edited_at = now() where id = $1",
        proposal_id, place, at,
    )  # fmt: skip


async def edited(conn: Connection, wanted: list[ProposalId]) -> None:
    """A person worked on these: no later run replaces them."""
    await conn.execute("update kring.proposal set edited_at = now() where id = any($1)", list(wanted))


async def drop_seats(conn: Connection, proposal_id: ProposalId, people: list[ResidentId], by: StaffId) -> None:
    await conn.execute(
        """
        update kring.proposal_member set live = false, dropped_at = now(), dropped_by = $3
        where proposal_id = $1 and resident_id = any($2) and live
        """,
        proposal_id, list(people), by,
    )  # fmt: skip


async def take_seats(
    conn: Connection, municipality: MunicipalityId, proposal_id: ProposalId, people: dict[ResidentId, NeedId]
) -> None:
    """Seat these people, in one order; the triggers look again at consent, age, and who must not meet.

    A seat that was given up is taken again; the reasons of a new one follow when the group is decided on.
    """
    for resident in sorted(people):
        await conn.execute(
            """
            insert into kring.proposal_member (proposal_id, need_id, resident_id, municipality_id)
            values ($1, $2, $3, $4)
            on conflict (proposal_id, resident_id) do update set live = true, dropped_at = null, dropped_by = null
            """,
            proposal_id, people[resident], resident, municipality,
        )  # fmt: skip


async def merge_into(conn: Connection, proposal_id: ProposalId, target: ProposalId) -> None:
    """The draft makes room for another one, and says which."""
    await conn.execute(
        "update kring.proposal set state = 'superseded', merged_into = $2, edited_at = now() where id = $1",
        proposal_id, target,
    )  # fmt: skip


async def come_back(conn: Connection, target: ProposalId, proposal_id: ProposalId | None) -> None:
    """A draft that was merged into `target` is a draft again."""
    await conn.execute(
        "update kring.proposal set state = 'draft', merged_into = null where id = $2 and merged_into = $1",
        target, proposal_id,
    )  # fmt: skip


async def tell(
    conn: Connection,
    proposal_id: ProposalId,
    *,
    daypart: str | None,
    language: str,
    meeting: Meeting,
    reasons: list[dict[str, Any]],
    of_member: dict[ResidentId, list[dict[str, Any]]],
) -> None:
    """Write down why these people, as it was when somebody decided on them."""
    await conn.execute(
        "update kring.proposal set daypart = $2, language = $3, meeting = $4, reasons = $5 where id = $1",
        proposal_id, daypart, language, meeting, reasons,
    )  # fmt: skip
    await conn.executemany(
        "update kring.proposal_member set reasons = $3 where proposal_id = $1 and resident_id = $2",
        [(proposal_id, resident, of_member[resident]) for resident in sorted(of_member)],
    )


async def decide(
    conn: Connection, proposal_id: ProposalId, state: ProposalState, by: StaffId, reason: str | None
) -> None:
    await conn.execute(
        """
        update kring.proposal set state = $2, decided_by = $3, decided_at = now(), decision_reason = $4 where id = $1
        """,
        proposal_id, state, by, reason,
    )  # fmt: skip


async def free_seats(conn: Connection, proposal_id: ProposalId) -> None:
    """The people of a proposal that will not happen can be grouped again."""
    await conn.execute("update kring.proposal_member set live = false where proposal_id = $1 and live", proposal_id)


async def free_seat(conn: Connection, proposal_id: ProposalId, resident: ResidentId) -> None:
    await conn.execute(
        "update kring.proposal_member set live = false where proposal_id = $1 and resident_id = $2",
        proposal_id, resident,
    )  # fmt: skip


async def seated_in(conn: Connection, resident: ResidentId) -> ProposalId | None:
    found = await conn.fetchval(
        "select proposal_id from kring.proposal_member where resident_id = $1 and live", resident
    )
    return None if found is None else ProposalId(found)


async def leave_drafts(conn: Connection, resident: ResidentId) -> None:
    """The seats of this resident that nobody has decided about yet come free."""
    await conn.execute(
        """
        update kring.proposal_member m set live = false from kring.proposal p
        where p.id = m.proposal_id and p.state = 'draft' and m.resident_id = $1 and m.live
        """,
        resident,
    )


async def supersede_untouched(conn: Connection) -> None:
    """Before a run stores its drafts: the drafts of earlier runs that nobody worked on make room."""
    await conn.execute(
        """
        with old as (
            update kring.proposal set state = 'superseded' where state = 'draft' and edited_at is null returning id)
        update kring.proposal_member set live = false where proposal_id in (select id from old) and live
        """
    )


async def rejected_groups(conn: Connection) -> list[tuple[Form, list[UUID]]]:
    """The form of each rejected proposal and who sat in it, so that the same group does not come back.

    People who were not to join a platform may well be a group of their own.
    """
    return [
        (Form(record["form"]), list(record["needs"]))
        for record in await conn.fetch(
            """
            select p.form, array_agg(m.need_id order by m.need_id) as needs
            from kring.proposal p join kring.proposal_member m on m.proposal_id = p.id
            where p.state = 'rejected' and p.platform_id is null and m.dropped_at is null group by p.id
            """
        )
    ]
