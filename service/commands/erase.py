"""`kring erase`: erase residents, as their own button does: all that are named, or none."""

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from service import erasure
from service.audit import OPERATOR
from service.commands.errors import clear_errors, settings_or_stop
from service.db import Connection, Pool, connect, transaction
from service.domain import MunicipalityId, ResidentId
from service.errors import NotFound
from service.queries import erasure as rows
from service.queries import municipalities, needs
from service.queries.erasure import Holdings
from service.references import clean_reference
from service.settings import Settings


def erase(
    reference: Annotated[
        list[str], typer.Argument(help="reference of a need; after restoring a backup also a pseudonym of the trail")
    ],
    municipality: Annotated[str, typer.Option(help="slug of the municipality, such as `elzermeer`")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Erase everything about these residents but for counts, the audit trail and the proof of consent.

    Cannot be undone. docs/how-to-erase.md says what is left in backups.
    """
    settings = settings_or_stop()
    with clear_errors():
        found = asyncio.run(_look(settings, municipality, reference))
        for one in found.values():
            typer.echo(_words(one))
        if not yes:
            typer.confirm(f"Erase {len(found)} residents? This cannot be undone.", abort=True, err=True)
        asyncio.run(_erase(settings, municipality, list(found)))
    typer.echo(f"{len(found)} residents erased")


def _words(held: Holdings) -> str:
    named = {
        "consents": held.consents,
        "contact details": held.contacts,
        "seats": held.seats,
        "invitations": held.invitations,
        "memberships": held.memberships,
        "pulses": held.pulses,
        "messages": held.messages,
        "links": held.links,
    }
    return f"{', '.join(held.references)}: " + ", ".join(f"{count} {name}" for name, count in named.items() if count)


async def _look(settings: Settings, slug: str, typed: list[str]) -> dict[ResidentId, Holdings]:
    """What is held of each. Raises NotFound naming all that are unknown."""
    pool = await connect(settings.database_url.get_secret_value(), size=1)
    try:
        here = await _find(pool, slug)
        async with transaction(pool, here) as conn:
            known = {one: await _held(conn, one) for one in typed}
    finally:
        await pool.close()
    unknown = [one for one, held in known.items() if held is None]
    if unknown:
        raise NotFound(f"there is no resident {', '.join(map(repr, unknown))} in {slug}; nobody was erased")
    return dict(held for held in known.values() if held is not None)


async def _held(conn: Connection, typed: str) -> tuple[ResidentId, Holdings] | None:
    try:
        resident: ResidentId | None = ResidentId(UUID(typed))
    except ValueError:
        reference = clean_reference(typed)
        resident = None if reference is None else await needs.resident_by_reference(conn, reference)
    held = None if resident is None else await rows.holdings(conn, resident)
    return None if resident is None or held is None else (resident, held)


async def _erase(settings: Settings, slug: str, residents: list[ResidentId]) -> None:
    pool = await connect(settings.database_url.get_secret_value(), size=1)
    try:
        here = await _find(pool, slug)
        async with transaction(pool, here) as conn:
            for resident in sorted(residents):
                await erasure.erase(conn, here, resident, OPERATOR)
    finally:
        await pool.close()


async def _find(pool: Pool, slug: str) -> MunicipalityId:
    async with pool.acquire() as conn:
        found = await municipalities.municipality_by_slug(conn, slug)
    if found is None:
        raise NotFound(f"there is no municipality {slug!r}")
    return found.id
