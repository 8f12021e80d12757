"""What residents see and change on their own page, and what they ask a caseworker to change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from models.need import AgeBand, Meeting
from service.db import Connection
from service.domain import InvitationId, MunicipalityId, NeedId, PlatformId, ProposalId, ResidentId
from service.queries.rows import each, maybe

CorrectionField = Literal["text", "age_band"]
"""What a caseworker looks at before it changes."""


@dataclass(frozen=True, slots=True)
class OwnGroup:
    """A group somebody takes part in, or said yes to. `platform_id` is None while it has not begun."""

    platform_id: PlatformId | None
    name: str


@dataclass(frozen=True, slots=True)
class Yes:
    invitation_id: InvitationId
    proposal_id: ProposalId


@dataclass(frozen=True, slots=True)
class Wishes:
    """What of a need its resident decides alone. `area_code`: the area as the municipality names it."""

    area_code: str
    languages: tuple[str, ...]
    dayparts: tuple[str, ...]
    meeting: Meeting
    reach_km: int | None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a resident asked for; `wanted` is a text that passed the gate, or an age band."""

    field: CorrectionField
    wanted: str
    created_at: datetime


async def groups(conn: Connection, resident: ResidentId) -> list[OwnGroup]:
    """Whatever this person said yes to and has not left; the name of a group is unsaid before that yes."""
    return each(
        OwnGroup,
        await conn.fetch(
            """
            select f.id as platform_id, f.name from kring.membership m join kring.platform f on f.id = m.platform_id
            where m.resident_id = $1 and m.left_at is null and f.state <> 'ended'
            union all
            select null, p.title from kring.invitation i
            join kring.proposal p on p.id = i.proposal_id
            join kring.proposal_member s on s.proposal_id = i.proposal_id and s.resident_id = i.resident_id and s.live
            where i.resident_id = $1 and i.state = 'accepted'
              and not exists (select from kring.platform f where f.proposal_id = p.id or f.id = p.platform_id)
            order by name
            """,
            resident,
        ),
    )


async def is_asked(conn: Connection, resident: ResidentId) -> bool:
    """Whether an invitation waits for an answer."""
    return bool(
        await conn.fetchval(
            """
            select exists (select from kring.invitation
            where resident_id = $1 and state = 'sent' and expires_at > now())
            """,
            resident,
        )
    )


async def leave(conn: Connection, resident: ResidentId, platform_id: PlatformId) -> bool:
    """End one membership; False when there is none."""
    found = await conn.fetchval(
        """
        -- now() is when this transaction began: it may have waited for the one in which the resident joined
        update kring.membership set left_at = greatest(joined_at, now())
        where resident_id = $1 and platform_id = $2 and left_at is null returning true
        """,
        resident, platform_id,
    )  # fmt: skip
    return found is not None


async def yes_to(conn: Connection, resident: ResidentId, platform_id: PlatformId | None) -> list[Yes]:
    """The invitations this person said yes to and that led to this platform; None: to none yet."""
    return each(
        Yes,
        await conn.fetch(
            """
            select i.id as invitation_id, i.proposal_id from kring.invitation i
            join kring.proposal p on p.id = i.proposal_id
            left join kring.platform f on f.proposal_id = p.id or f.id = p.platform_id
            where i.resident_id = $1 and i.state = 'accepted' and f.id is not distinct from $2
            order by i.id
            """,
            resident, platform_id,
        ),
    )  # fmt: skip


async def wishes(conn: Connection, need: NeedId) -> Wishes | None:
    return maybe(
        Wishes,
        await conn.fetchrow(
            """
            select a.code as area_code, n.languages, n.dayparts, n.meeting, n.reach_km
            from kring.need n join kring.area a on a.id = n.area_id where n.id = $1
            """,
            need,
        ),
    )


async def put_wishes(conn: Connection, need: NeedId, wanted: Wishes, area_id: UUID) -> None:
    await conn.execute(
        """
        update kring.need set area_id = $2, languages = $3, dayparts = $4, meeting = $5, reach_km = $6
        where id = $1 and state <> 'withdrawn'
        """,
        need, area_id, list(wanted.languages), list(wanted.dayparts), wanted.meeting, wanted.reach_km,
    )  # fmt: skip


async def age_band(conn: Connection, resident: ResidentId) -> AgeBand | None:
    """Held until the transaction ends: whoever seats this person at this moment is waited for."""
    found = await conn.fetchval("select age_band from kring.resident where id = $1 for no key update", resident)
    return None if found is None else AgeBand(found)


async def put_age_band(conn: Connection, resident: ResidentId, wanted: AgeBand) -> None:
    await conn.execute("update kring.resident set age_band = $2 where id = $1", resident, wanted)


async def put_text(conn: Connection, need: NeedId, text: str) -> None:
    """Other words; the vector of the old ones goes with them, and the next run reads the new ones."""
    await conn.execute(
        """
        update kring.need set text = $2, vector = null, vector_model = null where id = $1 and state <> 'withdrawn'
        """,
        need, text,
    )  # fmt: skip


async def put_correction(
    conn: Connection, municipality: MunicipalityId, need: NeedId, field: CorrectionField, wanted: str
) -> None:
    """The last wish counts: an earlier one that nobody decided on goes."""
    await conn.execute("delete from kring.correction_request where need_id = $1 and field = $2", need, field)
    await conn.execute(
        "insert into kring.correction_request (municipality_id, need_id, field, wanted) values ($1, $2, $3, $4)",
        municipality, need, field, wanted,
    )  # fmt: skip


async def corrections(conn: Connection, needs: Sequence[NeedId]) -> list[Correction]:
    return each(
        Correction,
        await conn.fetch(
            "select field, wanted, created_at from kring.correction_request where need_id = any($1) order by field",
            list(needs),
        ),
    )


async def take_correction(conn: Connection, need: NeedId, field: CorrectionField) -> str | None:
    """What was wanted; from here on it is decided. None when somebody else decided, or the resident left."""
    found: str | None = await conn.fetchval(
        "delete from kring.correction_request where need_id = $1 and field = $2 returning wanted", need, field
    )
    return found


async def put_own_page(
    conn: Connection, municipality: MunicipalityId, resident: ResidentId, subject_id: UUID, *, printed: bool
) -> UUID:
    """A message that holds a link to the own page: owed by the worker, or `printed` at once."""
    found: UUID = await conn.fetchval(
        """
        insert into kring.outbox (municipality_id, resident_id, kind, subject_id, state, sent_at)
        values ($1, $2, 'own_page', $3, case when $4 then 'sent' else 'due' end, case when $4 then now() end)
        returning id
        """,
        municipality, resident, subject_id, printed,
    )  # fmt: skip
    return found
