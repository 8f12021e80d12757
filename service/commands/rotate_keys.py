"""`kring rotate-keys`: seal all contact details anew with the first key of the vault, while Kring serves."""

import asyncio

import typer
from rich.console import Console
from rich.progress import Progress

from service import rotation
from service.commands.errors import clear_errors, settings_or_stop
from service.resources import open_resources
from service.rotation import Rotated
from service.settings import Settings


def rotate_keys() -> None:
    """Seal all contact details anew with the first key; then say which keys can go (docs/how-to-rotate-keys.md).

    Can be stopped at any moment and started again. Exit status 1 when some details could not be opened.
    """
    settings = settings_or_stop()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with clear_errors():
        key_id, rotated = asyncio.run(_rotate(settings, console))
    typer.echo(f"{rotated.count} contact details were sealed anew; all that can be opened are sealed with {key_id!r}")
    if rotated.unused:
        typer.echo(f"These keys seal nothing any more and can leave the list: {', '.join(map(repr, rotated.unused))}")
    for resident in rotated.broken:
        typer.echo(f"kring: the contact details of resident {resident} are damaged and stay as they are", err=True)
    if rotated.broken:
        raise typer.Exit(1)


async def _rotate(settings: Settings, console: Console) -> tuple[str, Rotated]:
    async with open_resources(settings) as kring:
        total = await rotation.count(kring.pool, kring.vault)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("Sealing", total=total)
            rotated = await rotation.rotate(kring.pool, kring.vault, lambda count: progress.advance(task, count))
        return kring.vault.key_ids[0], rotated
