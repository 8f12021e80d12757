"""`kring import-areas`: the areas of a municipality, its neighbours, and the municipality itself when it is new."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from service.commands.errors import clear_errors, settings_or_stop, stop
from service.db import connect, transaction
from service.errors import NotFound
from service.migrate import add_municipality, set_neighbours
from service.places import Place, read_places
from service.queries import municipalities
from service.settings import Settings


def import_areas(
    file: Annotated[Path, typer.Argument(help="CSV with code,name,lat,lon, or GeoJSON of CBS or PDOK in WGS84")],
    municipality: Annotated[str, typer.Option(help="slug of the municipality, such as `elzermeer`")],
    name: Annotated[
        str | None, typer.Option(help="its name; adds the municipality when it is new (needs KRING_MIGRATE_URL)")
    ] = None,
    neighbour: Annotated[
        list[str] | None,
        typer.Option(help="a municipality nearby that takes part; once for each, in place of those before"),
    ] = None,
) -> None:
    """Add the areas in FILE, or move and rename those that are there already. All of them, or none.

    A neighbour may be named to who waits long without a group: that it can be asked, never how many wait there. Naming
    one needs KRING_MIGRATE_URL.
    """
    settings = settings_or_stop()
    with clear_errors():
        places = read_places(file)
        asyncio.run(_store(settings, municipality, name, places, neighbour or []))
    typer.echo(f"{len(places)} areas of {municipality} stored")


async def _store(settings: Settings, slug: str, name: str | None, places: list[Place], neighbours: list[str]) -> None:
    if (name is not None or neighbours) and settings.migrate_url is None:
        raise stop("KRING_MIGRATE_URL is needed to add a municipality or to name its neighbours")
    if name is not None and settings.migrate_url is not None:
        await add_municipality(settings.migrate_url.get_secret_value(), slug, name)
    if neighbours and settings.migrate_url is not None:
        await set_neighbours(settings.migrate_url.get_secret_value(), slug, neighbours)
    pool = await connect(settings.database_url.get_secret_value(), size=1)
    try:
        async with pool.acquire() as conn:
            found = await municipalities.municipality_by_slug(conn, slug)
        if found is None:
            raise NotFound(f"there is no municipality {slug!r}; --name adds it")
        async with transaction(pool, found.id) as conn:
            for place in places:
                await municipalities.put_area(
                    conn, found.id, code=place.code, name=place.name, lat=place.lat, lon=place.lon
                )
    finally:
        await pool.close()
