"""`kring import-needs`: submits a file of needs, as a caseworker would on the page."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from models.need import AgeBand
from service.commands.errors import clear_errors, settings_or_stop, stop
from service.db import connect
from service.domain import Purpose
from service.importing import Assumptions, Imported, find_staff, submit_rows
from service.jsonl import FileUnreadable, GoodRow, RefusedRow, read_needs
from service.settings import Settings
from service.vault import Vault


def import_needs(
    file: Annotated[Path, typer.Argument(help="JSON Lines, as `kring match` reads it")],
    municipality: Annotated[str, typer.Option(help="slug of the municipality, such as `elzermeer`")],
    caseworker: Annotated[str, typer.Option(help="subject of the caseworker who submits")],
    consent: Annotated[
        list[Purpose] | None,
        typer.Option(help="what rows without `consents` consented to, on paper; repeat for more [default: matching]"),
    ] = None,
    age_band: Annotated[
        AgeBand, typer.Option(help="age band of rows that have none and whose text does not tell")
    ] = AgeBand.AGE_40_64,
) -> None:
    """Submit every row of FILE that can be; list each refused row with its line and reason.

    The same file again stores nothing twice. Exit status 1 when rows were refused.
    """
    settings = settings_or_stop()
    assumed = Assumptions(frozenset(consent or [Purpose.MATCHING]), age_band)
    try:
        rows = list(read_needs(file))
    except FileUnreadable as error:
        raise stop(str(error)) from error
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with clear_errors():
        imported = asyncio.run(_submit(settings, municipality, caseworker, rows, assumed, console))
    for refused in sorted(imported.refused, key=lambda row: row.line):
        console.print(f"line {refused.line}: refused: {refused.reason}", markup=False)
    if imported.age_assumed:
        console.print(f"{imported.age_assumed} rows tell no age and were stored as {age_band} (--age-band)")
    if imported.areas_made:
        console.print(
            f"{imported.areas_made} areas made from the coordinates in the file (`kring import-areas` names them)"
        )
    before = f" ({imported.known} of them by an earlier import)" if imported.known else ""
    console.print(f"{len(imported.references)} needs stored{before}, {len(imported.refused)} rows refused")
    if imported.refused:
        raise typer.Exit(1)


async def _submit(
    settings: Settings,
    municipality: str,
    caseworker: str,
    rows: list[GoodRow | RefusedRow],
    assumed: Assumptions,
    console: Console,
) -> Imported:
    vault = Vault.of(settings)
    pool = await connect(settings.database_url.get_secret_value(), size=2)
    try:
        staff = await find_staff(pool, municipality, caseworker)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("Submitting", total=len(rows))
            return await submit_rows(
                pool,
                staff,
                rows,
                assumed,
                vault=vault,
                consent_days=settings.consent_days,
                done=lambda: progress.advance(task),
            )
    finally:
        await pool.close()
