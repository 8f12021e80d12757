"""Erasing a resident (AVG art. 17): one function behind the resident's own button, `kring erase`, and retention.

First everything that a withdrawal undoes, so that groups, messages and platforms go on as when somebody leaves; then
the rows themselves. What stays are counts under nobody's name, the entries of the audit trail with the pseudonym, and
the proof of consent (docs/decisions/0021).
"""

import asyncio
from typing import Any, Final, Literal, assert_never

import asyncpg

from service import audit, consents
from service.audit import Action, Actor
from service.db import Connection
from service.domain import AMSTERDAM, MunicipalityId, ResidentId
from service.errors import NotFound, PersonInUse
from service.queries import erasure as rows
from service.queries import residents
from service.queries.erasure import Holdings
from service.queries.residents import ConsentRow

TRIES: Final = 500
PAUSE_SECONDS: Final = 0.02
"""Ten seconds in all: whoever holds a person is storing a row or two, and a run that stores is waited for elsewhere."""


async def erase(conn: Connection, municipality: MunicipalityId, resident: ResidentId, actor: Actor) -> Holdings:
    """Erase a resident; what was held. To be called before anything else in its transaction holds a row.

    Raises NotFound when there is no such resident (any more), PersonInUse when others keep holding this one. Who erases
    first wins: whoever is placing, inviting or writing to this resident is waited for, and comes too late afterwards.
    """
    await rows.wait_for_runs(conn)
    await _hold(conn, resident)
    held = await rows.holdings(conn, resident)
    if held is None:
        raise NotFound
    await consents.withdraw_everything(conn, municipality, resident, _how(actor))
    ledger = await residents.consents(conn, resident)
    if not await rows.erase(conn, resident, cause=_cause(actor), proof=[_proof(row) for row in ledger]):
        raise NotFound
    await audit.record(
        conn,
        municipality,
        actor,
        Action.RESIDENT_ERASED,
        object_kind="resident",
        object_id=str(resident),
        resident=resident,
    )
    return held


async def _hold(conn: Connection, resident: ResidentId) -> None:
    """Hold the consents, the invitations and the person, without ever waiting for one while holding another.

    Others take these in any order: a seat looks at the person and then at the consent, an answer the other way round,
    and the last yes of a group comes from the invitations of all to each person. They share what they look at, which
    erasing cannot, so it lets go and tries again.
    """
    for _ in range(TRIES):
        try:
            async with conn.transaction():
                await residents.take_consents(conn, resident)
                if not await rows.hold_person(conn, resident):
                    raise NotFound
                return
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(PAUSE_SECONDS)
    raise PersonInUse


def _how(actor: Actor) -> Literal["link", "caseworker"]:
    return "link" if actor.kind == "resident" else "caseworker"


def _cause(actor: Actor) -> str:
    match actor.kind:
        case "resident" | "operator":
            return actor.kind
        case "staff" | "program":
            return "staff"
        case "worker":
            return "retention"
        case _:
            assert_never(actor.kind)


def _proof(row: ConsentRow) -> dict[str, Any]:
    """What is kept of a consent: which text, whose agreement, from which day to which. Days: an hour could point."""
    ended = row.withdrawn_at if row.withdrawn_at is not None else row.valid_until
    return {
        "purpose": row.purpose,
        "text_version": row.text_version,
        "language": row.language,
        "given_by": row.given_by,
        "given_on": row.given_at.astimezone(AMSTERDAM).date().isoformat(),
        "ended_on": min(row.valid_until, ended).astimezone(AMSTERDAM).date().isoformat(),
    }
