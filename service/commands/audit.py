"""`kring audit`: whether the audit trail is whole, and forgetting what is older than may be kept."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from service.audit import OPERATOR, Action, Anchor, Verified, record, verify
from service.commands.errors import clear_errors, settings_or_stop, stop
from service.db import Connection, connect, nowhere, transaction
from service.domain import ResidentId
from service.migrate import purge_audit
from service.queries import audit as rows
from service.queries import municipalities, needs
from service.references import clean_reference
from service.settings import Settings

audit = typer.Typer(pretty_exceptions_enable=False, add_completion=False, no_args_is_help=True)


@audit.callback()
def about() -> None:
    """The audit trail: who did what to which object, from where, with what result, when."""


@audit.command("verify")
def verify_trail(
    municipality: Annotated[
        str | None, typer.Option(help="slug of one municipality, such as `elzermeer` [default: all of them]")
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            metavar="SEQ:HASH", help="an end of the chain that was written down elsewhere; needs MUNICIPALITY"
        ),
    ] = None,
) -> None:
    """Recompute the chain; find a row that was changed, removed, added past it or put elsewhere.

    Prints where each chain ends: keep that outside the database (the worker logs it each night), and give it back as
    --anchor. Exit status 1 when something is wrong.
    """
    settings = settings_or_stop()
    if anchor is not None and municipality is None:
        raise stop("--anchor is of one chain: name its --municipality")
    try:
        known = None if anchor is None else Anchor.parse(anchor)
    except ValueError as error:
        raise stop("--anchor is written as SEQ:HASH, as this command prints it") from error
    with clear_errors():
        found = asyncio.run(_verify(settings, municipality, known))
    if municipality is not None and not found:
        raise stop(f"there is no municipality {municipality!r}")
    for slug, verified in found.items():
        for problem in verified.problems:
            typer.echo(f"{slug}: {problem}")
        state = "NOT whole" if verified.problems else "whole"
        typer.echo(f"{slug}: {verified.count} entries, {state}; ends at {verified.end}")
    if any(verified.problems for verified in found.values()):
        raise typer.Exit(1)


async def _verify(settings: Settings, slug: str | None, anchor: Anchor | None) -> dict[str, Verified]:
    pool = await connect(settings.database_url.get_secret_value(), size=1)
    try:
        async with nowhere(pool) as conn:
            everywhere = await municipalities.all_municipalities(conn)
        found = {}
        for one in everywhere:
            if slug in {None, one.slug}:
                async with transaction(pool, one.id) as conn:
                    found[one.slug] = await verify(conn, one.id, anchor)
        return found
    finally:
        await pool.close()


@audit.command("show")
def show(
    municipality: Annotated[str, typer.Option(help="slug of the municipality, such as `elzermeer`")],
    reference: Annotated[
        str | None, typer.Option(help="only what concerns the resident of this need, such as 4F7K-29XM")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="how many days back")] = 30,
) -> None:
    """Print entries, oldest first, one JSON object a line: for whoever has to answer "who looked at me?".

    Looking leaves an entry of its own.
    """
    settings = settings_or_stop()
    with clear_errors():
        asyncio.run(_show(settings, municipality, reference, datetime.now(UTC) - timedelta(days=days)))


async def _show(settings: Settings, slug: str, reference: str | None, since: datetime) -> None:
    pool = await connect(settings.database_url.get_secret_value(), size=1)
    try:
        async with nowhere(pool) as conn:
            found = await municipalities.municipality_by_slug(conn, slug)
        if found is None:
            raise stop(f"there is no municipality {slug!r}")
        async with transaction(pool, found.id) as conn:
            resident = await _resident(conn, reference)
            async for entry in rows.entries(conn, found.id):
                if entry.at >= since and resident in {None, entry.resident_id}:
                    typer.echo(json.dumps(_told(entry)))
            await record(
                conn,
                found.id,
                OPERATOR,
                Action.AUDIT_READ,
                object_kind="audit",
                object_id=reference or "",
                resident=resident,
            )
    finally:
        await pool.close()


async def _resident(conn: Connection, reference: str | None) -> ResidentId | None:
    if reference is None:
        return None
    wanted = clean_reference(reference)
    resident = await needs.resident_by_reference(conn, wanted) if wanted else None
    if resident is None:
        raise stop("there is no need with this reference")
    return resident


def _told(entry: rows.Entry) -> dict[str, object]:
    """Without the hash, which only `verify` needs; times in UTC."""
    told = {name: value for name, value in asdict(entry).items() if name not in {"hash", "id", "municipality_id"}}
    return {name: value if value is None or isinstance(value, int) else str(value) for name, value in told.items()}


@audit.command("purge")
def purge(
    days: Annotated[int, typer.Option(min=365, help="how many days back the trail is kept [at least a year]")] = 5
    * 365,
) -> None:
    """Forget entries older than DAYS, from the start of each chain; what is left can still be verified.

    Needs KRING_MIGRATE_URL: the application can only add. The default of five years is that of NEN 7513.
    """
    settings = settings_or_stop()
    if settings.migrate_url is None:
        raise stop("KRING_MIGRATE_URL is needed: only the owner of the schema may shorten the trail")
    with clear_errors():
        purged = asyncio.run(
            purge_audit(settings.migrate_url.get_secret_value(), datetime.now(UTC) - timedelta(days=days))
        )
    for slug, count in purged.items():
        typer.echo(f"{slug}: {count} entries older than {days} days forgotten")
