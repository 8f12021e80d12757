"""Erasing a resident: what is held, who holds it still, and the one function of the database that deletes."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from service.db import Connection
from service.domain import ResidentId
from service.queries.rows import maybe


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much Kring holds of one resident, in rows."""

    references: tuple[str, ...]
    consents: int
    contacts: int
    seats: int
    invitations: int
    memberships: int
    pulses: int
    messages: int
    links: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is left of somebody who was erased: the pseudonym, and the proof of what was consented to."""

    resident_id: UUID
    erased_on: date
    cause: str
    consents: list[dict[str, Any]]


async def wait_for_runs(conn: Connection) -> None:
    """Until no run is being stored, and keep the next one from starting to before this transaction ends.

    A run that stores holds its row (`runs.hold_run`) and then people, so whoever holds a person comes here first.
    Computing goes on meanwhile, and so does its heartbeat.
    """
    await conn.execute("select from kring.match_run where state = 'running' order by id for key share")


async def hold_person(conn: Connection, resident: ResidentId) -> bool:
    """Hold the person, the invitations by which others come to them, and that their proposals are there.

    False when there is no such resident. Raises PostgreSQL's LockNotAvailableError when somebody else holds one of
    these at the moment.
    """
    await conn.execute(
        """
        select from kring.proposal where id in (select proposal_id from kring.invitation where resident_id = $1)
        order by id for key share nowait
        """,
        resident,
    )
    await conn.execute("select from kring.invitation where resident_id = $1 order by id for update nowait", resident)
    return await conn.fetchval("select true from kring.resident where id = $1 for update nowait", resident) is True


async def holdings(conn: Connection, resident: ResidentId) -> Holdings | None:
    return maybe(
        Holdings,
        await conn.fetchrow(
            """
            select array(select reference from kring.need n where n.resident_id = r.id order by 1) as references,
                (select count(*) from kring.consent c where c.resident_id = r.id)::int as consents,
                (select count(resident_id) from vault.contact v where v.resident_id = r.id)::int as contacts,
                (select count(*) from kring.proposal_member m where m.resident_id = r.id)::int as seats,
                (select count(*) from kring.invitation i where i.resident_id = r.id)::int as invitations,
                (select count(*) from kring.membership k where k.resident_id = r.id)::int as memberships,
                (select count(*) from kring.pulse_request q where q.resident_id = r.id)::int as pulses,
                (select count(*) from kring.outbox o where o.resident_id = r.id)::int as messages,
                (select count(*) from kring.link l where l.resident_id = r.id)::int as links
            from kring.resident r where r.id = $1
            """,
            resident,
        ),
    )


async def erase(conn: Connection, resident: ResidentId, *, cause: str, proof: list[dict[str, Any]]) -> bool:
    """See revision 0016. False when there is no such resident in this municipality."""
    return await conn.fetchval("select kring.erase_resident($1, $2, $3)", resident, cause, proof) is True


async def erasure(conn: Connection, resident: ResidentId) -> Erasure | None:
    return maybe(
        Erasure,
        await conn.fetchrow(
            "select resident_id, erased_on, cause, consents from kring.erasure where resident_id = $1", resident
        ),
    )
