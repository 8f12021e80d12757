"""What Kring holds about one resident, and all rows of a municipality: read in whole, for a copy that leaves Kring."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.errors import Param
from models.need import AgeBand, Form
from service.db import Connection
from service.domain import NeedId, ResidentId, Role
from service.queries.rows import each, maybe


@dataclass(frozen=True, slots=True)
class Person:
    age_band: AgeBand
    created_at: datetime
    kept_apart: int  # from how many others; who they are is about them
    drafts: int  # proposals nobody decided on yet; what those are about stays unsaid (docs/decisions/0003)


@dataclass(frozen=True, slots=True)
class Found:
    """What Kring made of a need: its theme, and why there was no group, both in the last run that said so."""

    need_id: NeedId
    theme: str | None
    ungrouped_code: str | None
    ungrouped_params: dict[str, Param] | None


@dataclass(frozen=True, slots=True)
class OwnInvitation:
    """`reasons`: why this person was asked, as code and parameters."""

    title: str
    form: Form
    state: str
    created_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None
    expires_at: datetime
    reasons: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class OwnMembership:
    platform: str
    form: Form
    joined_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnPulse:
    """Asked and answered; what was answered is stored without its author, so nobody can hand it out."""

    platform: str
    sent_at: datetime
    answered: bool


@dataclass(frozen=True, slots=True)
class OwnMessage:
    kind: str
    state: str
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnLink:
    purpose: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Look:
    """An entry of the audit trail. Staff are named by what they are, never by who."""

    at: datetime
    actor_kind: str
    roles: tuple[Role, ...]
    origin: str
    action: str
    result: str


async def person(conn: Connection, resident: ResidentId) -> Person | None:
    return maybe(
        Person,
        await conn.fetchrow(
            """
            select r.age_band, r.created_at,
                (select count(*) from kring.apart a where r.id in (a.resident_a, a.resident_b))::int as kept_apart,
                (select count(*) from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
                 where m.resident_id = r.id and m.live and p.state = 'draft')::int as drafts
            from kring.resident r where r.id = $1
            """,
            resident,
        ),
    )


async def found_for(conn: Connection, resident: ResidentId) -> dict[NeedId, Found]:
    records = await conn.fetch(
        """
        select n.id as need_id, t.label as theme, u.code as ungrouped_code, u.params as ungrouped_params
        from kring.need n
        left join lateral (
            select t.label from kring.theme_need m join kring.theme t on t.id = m.theme_id
            join kring.match_run r on r.id = m.run_id
            where m.need_id = n.id order by r.finished_at desc nulls last limit 1) t on true
        left join lateral (
            select u.code, u.params from kring.ungrouped u join kring.match_run r on r.id = u.run_id
            where u.need_id = n.id order by r.finished_at desc nulls last limit 1) u on true
        where n.resident_id = $1
        """,
        resident,
    )
    return {found.need_id: found for found in each(Found, records)}


async def invitations(conn: Connection, resident: ResidentId) -> list[OwnInvitation]:
    return each(
        OwnInvitation,
        await conn.fetch(
            """
            select p.title, p.form, i.state, i.created_at, i.sent_at, i.answered_at, i.expires_at, m.reasons
            from kring.invitation i
            join kring.proposal p on p.id = i.proposal_id
            join kring.proposal_member m on m.proposal_id = i.proposal_id and m.resident_id = i.resident_id
            where i.resident_id = $1 order by i.created_at, i.id
            """,
            resident,
        ),
    )


async def memberships(conn: Connection, resident: ResidentId) -> list[OwnMembership]:
    return each(
        OwnMembership,
        await conn.fetch(
            """
            select f.name as platform, f.form, m.joined_at, m.left_at
            from kring.membership m join kring.platform f on f.id = m.platform_id
            where m.resident_id = $1 order by m.joined_at, f.id
            """,
            resident,
        ),
    )


async def pulses(conn: Connection, resident: ResidentId) -> list[OwnPulse]:
    return each(
        OwnPulse,
        await conn.fetch(
            """
            select f.name as platform, p.sent_at, q.answered
            from kring.pulse_request q
            join kring.pulse p on p.id = q.pulse_id join kring.platform f on f.id = p.platform_id
            where q.resident_id = $1 order by p.sent_at, p.id
            """,
            resident,
        ),
    )


async def messages(conn: Connection, resident: ResidentId) -> list[OwnMessage]:
    return each(
        OwnMessage,
        await conn.fetch(
            """
            select kind, state, created_at, sent_at from kring.outbox where resident_id = $1 order by created_at, id
            """,
            resident,
        ),
    )


async def links(conn: Connection, resident: ResidentId) -> list[OwnLink]:
    return each(
        OwnLink,
        await conn.fetch(
            """
            select purpose, created_at, expires_at, revoked_at from kring.link
            where resident_id = $1 order by created_at, id
            """,
            resident,
        ),
    )


async def looks(conn: Connection, resident: ResidentId) -> list[Look]:
    """Newest first. The roles are those of today; of an account that is gone there are none."""
    return each(
        Look,
        await conn.fetch(
            """
            select a.at, a.actor_kind, coalesce(s.roles, '{}') as roles, a.origin, a.action, a.result
            from kring.audit a
            left join kring.staff s on s.id = a.actor_id and a.actor_kind in ('staff', 'program')
            where a.resident_id = $1 order by a.at desc, a.id
            """,
            resident,
        ),
    )


# --- a whole municipality -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableOf:
    """A table with rows of a municipality, and its columns in their order."""

    name: str
    columns: tuple[str, ...]


async def tables(conn: Connection) -> list[TableOf]:
    """Every table of Kring, as the catalogue has it, so that a new one is never forgotten. Not the vault's."""
    return each(
        TableOf,
        await conn.fetch(
            """
            select c.relname::text as name, array_agg(a.attname::text order by a.attnum) as columns
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind = 'r' and c.relnamespace = 'kring'::regnamespace
              and exists (select from pg_attribute m where m.attrelid = c.oid and m.attname = 'municipality_id')
              and has_column_privilege(c.oid, a.attnum, 'select')
            group by c.relname order by c.relname
            """
        ),
    )


async def rows_of(conn: Connection, table: TableOf) -> AsyncIterator[dict[str, Any]]:
    """All rows of this municipality, a few hundred at a time. Needs a transaction."""
    names = ", ".join(f'"{column}"' for column in table.columns)
    # names from the catalogue, quoted; row-level security keeps every other municipality out
    async for record in conn.cursor(f'select {names} from kring."{table.name}"', prefetch=500):  # noqa: S608
        yield dict(record)


async def residents(conn: Connection) -> list[ResidentId]:
    return [ResidentId(record["id"]) for record in await conn.fetch("select id from kring.resident order by id")]


async def with_contact(conn: Connection) -> list[ResidentId]:
    return [
        ResidentId(record["resident_id"])
        for record in await conn.fetch("select resident_id from vault.contact order by resident_id")
    ]
