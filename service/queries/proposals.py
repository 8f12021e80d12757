"""Proposals and their seats."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.need import AgeBand, Form, Meeting, Perspective
from service.db import Connection
from service.domain import MunicipalityId, NeedId, ProposalId, ProposalState, ResidentId, RunId, StaffId
from service.queries.rows import each, maybe


@dataclass(frozen=True, slots=True)
class Proposal:
    id: ProposalId
    run_id: RunId
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
    decided_by_name: str | None
    decision_reason: str | None
    created_at: datetime
    seats: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A candidate as the coordinator sees it. `accepted` is the only answer anybody sees."""

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
    accepted: bool
    can_be_invited: bool
    channel: str | None


_PROPOSAL = """
    select p.id, p.run_id, p.title, t.label as theme_label, p.form, p.daypart, p.reasons, p.state, p.meeting_place,
        p.meeting_at, p.edited_at, p.decided_at, s.name as decided_by_name, p.decision_reason, p.created_at,
        (select count(*) from kring.proposal_member m where m.proposal_id = p.id and m.live)::int as seats
    from kring.proposal p
    join kring.theme t on t.id = p.theme_id
    left join kring.staff s on s.id = p.decided_by
"""


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
) -> ProposalId:
    return ProposalId(
        await conn.fetchval(
            """
            insert into kring.proposal (municipality_id, run_id, theme_id, title, form, daypart, reasons)
            values ($1, $2, $3, $4, $5, $6, $7) returning id
            """,
            municipality, run_id, theme_id, title, form, daypart, reasons,
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
    found = await conn.fetchval("select state from kring.proposal where id = $1 for update", proposal_id)
    return None if found is None else ProposalState(found)


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
                coalesce(i.state = 'accepted', false) as accepted,
                exists (select from kring.consent c where c.resident_id = m.resident_id and c.purpose = 'invitation'
                        and c.withdrawn_at is null and c.valid_until > now()) as can_be_invited,
                v.channel
            from kring.proposal_member m
            join kring.need n on n.id = m.need_id
            join kring.resident r on r.id = m.resident_id
            join kring.area a on a.id = n.area_id
            left join kring.invitation i on i.proposal_id = m.proposal_id and i.resident_id = m.resident_id
            left join vault.contact v on v.resident_id = m.resident_id
            where m.proposal_id = $1
            order by n.reference
            """,
            proposal_id,
        ),
    )


async def rename(conn: Connection, proposal_id: ProposalId, title: str) -> None:
    await conn.execute("update kring.proposal set title = $2, edited_at = now() where id = $1", proposal_id, title)


async def set_meeting(conn: Connection, proposal_id: ProposalId, place: str, at: datetime) -> None:
    await conn.execute(
        "update kring.proposal set meeting_place = $2, meeting_at = $3, edited_at = now() where id = $1",
        proposal_id, place, at,
    )  # fmt: skip


async def drop_seat(conn: Connection, proposal_id: ProposalId, resident: ResidentId, by: StaffId) -> None:
    await conn.execute(
        """
        with dropped as (
            update kring.proposal_member set live = false, dropped_at = now(), dropped_by = $3
            where proposal_id = $1 and resident_id = $2 and live)
        update kring.proposal set edited_at = now() where id = $1
        """,
        proposal_id, resident, by,
    )  # fmt: skip


async def restore_seat(conn: Connection, proposal_id: ProposalId, resident: ResidentId) -> None:
    """The triggers look again: consent, age, and who must not meet."""
    await conn.execute(
        """
        update kring.proposal_member set live = true, dropped_at = null, dropped_by = null
        where proposal_id = $1 and resident_id = $2 and not live
        """,
        proposal_id, resident,
    )  # fmt: skip


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


async def supersede_untouched(conn: Connection) -> None:
    """Before a run stores its drafts: the drafts of earlier runs that nobody worked on make room."""
    await conn.execute(
        """
        with old as (
            update kring.proposal set state = 'superseded' where state = 'draft' and edited_at is null returning id)
        update kring.proposal_member set live = false where proposal_id in (select id from old) and live
        """
    )


async def rejected_groups(conn: Connection) -> list[list[UUID]]:
    """Who sat together in each rejected proposal, so that the same group does not come back at once."""
    return [
        list(record["needs"])
        for record in await conn.fetch(
            """
            select array_agg(m.need_id order by m.need_id) as needs
            from kring.proposal p join kring.proposal_member m on m.proposal_id = p.id
            where p.state = 'rejected' and m.dropped_at is null group by p.id
            """
        )
    ]
