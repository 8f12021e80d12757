"""A transaction that leaves a trace: what a route opens, so that nothing of a person is read or changed unseen.

What was done is written down in the transaction that does it. What was refused, or failed, is written down in one of
its own, because the first was rolled back.
"""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from fastapi import Request

from service import audit
from service.audit import Action, Actor, Result
from service.auth import maybe_staff, resources
from service.db import AWAY, Connection, Pool, transaction
from service.domain import MunicipalityId, ResidentId, Staff
from service.errors import KringError
from service.http import API
from service.queries.invitations import Link
from service.resources import Resources

log = structlog.get_logger(__name__)
_ID = re.compile(r"[A-Za-z0-9_.:/{}-]{0,100}", re.ASCII)


@dataclass(slots=True)
class Trace:
    """The entry in the making. A route adds whom it showed, and what the object turned out to be."""

    conn: Connection
    action: Action
    object_kind: str
    object_id: str
    detail: str | None = None
    residents: list[ResidentId] = field(default_factory=list)

    def about(self, residents: Iterable[ResidentId]) -> None:
        """Each of these can read in their own trail that this was done."""
        self.residents += residents


@asynccontextmanager
async def kept(
    request: Request, kring: Resources, who: Staff | Link, action: Action, object_kind: str, object_id: object = ""
) -> AsyncIterator[Trace]:
    """Open the transaction of a route on behalf of `who`; its connection is `trace.conn`."""
    municipality = who.municipality
    actor = actor_of(request, who)
    # what stands in an address may be anything; only what can be an id is written down
    asked = typed if _ID.fullmatch(typed := str(object_id)) else ""
    try:
        async with transaction(kring.pool, municipality) as conn:
            trace = Trace(conn, action, object_kind, asked)
            if isinstance(who, Link):
                trace.about([who.resident_id])
            yield trace
            await _write(conn, municipality, actor, trace, "done")
    except AWAY:
        raise  # the database cannot be told
    except KringError as error:
        await refused(kring.pool, municipality, actor, action, object_kind, asked, detail=_code(error))
        raise
    except Exception:
        try:
            await refused(kring.pool, municipality, actor, action, object_kind, asked, result="failed")
        except Exception as second:  # what went wrong first is what has to be known
            log.error("audit_failed", error=type(second).__name__, kind=action.value)
        raise


async def _write(conn: Connection, municipality: MunicipalityId, actor: Actor, trace: Trace, result: Result) -> None:
    await audit.record_each(
        conn,
        municipality,
        actor,
        trace.action,
        object_kind=trace.object_kind,
        object_id=trace.object_id,
        residents=trace.residents or [None],
        result=result,
        detail=trace.detail,
    )


async def refused(
    pool: Pool,
    municipality: MunicipalityId,
    actor: Actor,
    action: Action,
    object_kind: str,
    object_id: str = "",
    *,
    detail: str | None = None,
    result: Result = "refused",
) -> None:
    """Write down what was not done, in a transaction of its own."""
    async with transaction(pool, municipality) as conn:
        await audit.record(
            conn,
            municipality,
            actor,
            action,
            object_kind=object_kind,
            object_id=object_id,
            resident=ResidentId(actor.id) if actor.kind == "resident" and actor.id else None,
            result=result,
            detail=detail,
        )


def actor_of(request: Request, who: Staff | Link) -> Actor:
    """Staff with the address they come from; of a resident no more than the pseudonym."""
    if isinstance(who, Link):
        return Actor.of_resident(who.resident_id)
    address = None if request.client is None else request.client.host
    return Actor.of_staff(who, "api" if request.url.path.startswith(API) else "page", address)


async def note_refusal(request: Request, error: KringError) -> None:
    """Somebody signed in asked for what their role does not allow, or sent a form that was not shown to them."""
    kring = resources(request)
    staff = await maybe_staff(request, kring)
    if staff is None:
        return
    route = getattr(request.scope.get("route"), "path", "")
    actor = actor_of(request, staff)
    await refused(kring.pool, staff.municipality, actor, Action.ACCESS_REFUSED, "route", route, detail=_code(error))


def _code(error: KringError) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in error.code).strip("_")
