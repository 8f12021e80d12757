"""From coordinates to areas: which area a place belongs to, and areas from the files that CBS and PDOK publish."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, inf, radians
from pathlib import Path
from typing import Any

from service.db import Pool, transaction
from service.domain import MunicipalityId
from service.errors import SettingsError
from service.jsonl import NeedRow
from service.queries import municipalities

KM_PER_DEGREE = 111.2  # of latitude
# About the size of a wijk. A resident travels some ten kilometres to a group, so being this far off is bearable.
AREA_KM = 4.0
# The European Netherlands and the six Caribbean islands: south, north, west, east in degrees
NETHERLANDS = ((50.7, 53.7, 3.2, 7.3), (12.0, 12.7, -70.2, -68.1), (17.4, 18.2, -63.3, -62.9))


@dataclass(frozen=True, slots=True)
class Place:
    """An area as a file gives it."""

    code: str
    name: str
    lat: float
    lon: float


def km_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Kilometres on a flat map, right to a per cent within one municipality."""
    east = (other_lon - lon) * cos(radians(lat))
    return float(((other_lat - lat) ** 2 + east**2) ** 0.5) * KM_PER_DEGREE


def is_dutch(lat: float, lon: float) -> bool:
    return any(south <= lat <= north and west <= lon <= east for south, north, west, east in NETHERLANDS)


class Places:
    """The areas of one municipality while a file comes in; makes one where the file has people and the map has none."""

    def __init__(self, pool: Pool, municipality: MunicipalityId) -> None:
        self._pool = pool
        self._municipality = municipality
        self._areas: list[municipalities.Area] | None = None
        self.made = 0

    async def area_of(self, row: NeedRow) -> str:
        """Code of the nearest area, or of a new one; empty, so refused, without a place in the Netherlands."""
        if row.area is None or not is_dutch(row.area.lat, row.area.lon):
            return ""
        lat, lon = row.area.lat, row.area.lon
        known = [(km_between(lat, lon, area.lat, area.lon), area.code) for area in await self._known()]
        km, code = min(known, default=(inf, ""))
        if km <= AREA_KM:
            return code
        return await self._make(round(lat, 2), round(lon, 2))

    async def _known(self) -> list[municipalities.Area]:
        if self._areas is None:
            async with transaction(self._pool, self._municipality) as conn:
                self._areas = await municipalities.areas(conn)
        return self._areas

    async def _make(self, lat: float, lon: float) -> str:
        """Rounded to about a kilometre: an area has a centre, never somebody's address."""
        code = f"{lat:.2f},{lon:.2f}"
        name = f"Gebied rond {lat:.2f}, {lon:.2f}"
        async with transaction(self._pool, self._municipality) as conn:
            await municipalities.put_area(conn, self._municipality, code=code, name=name, lat=lat, lon=lon)
        self._areas = None
        self.made += 1
        return code


def read_places(path: Path) -> list[Place]:
    """The areas in a CSV (`code,name,lat,lon`) or a GeoJSON file as CBS and PDOK publish them.

    Raises SettingsError with one line: which feature or line, and what is wrong with it.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as UTF-8 text ({type(error).__name__})") from error
    places = list(_from_geojson(path, content) if content.lstrip().startswith("{") else _from_csv(path, content))
    if not places:
        raise SettingsError(f"{path}: holds no areas")
    return places


def _from_csv(path: Path, content: str) -> Iterator[Place]:
    reader = csv.DictReader(content.splitlines())
    if missing := {"code", "name", "lat", "lon"} - set(reader.fieldnames or ()):
        raise SettingsError(f"{path}: the first line lacks {', '.join(sorted(missing))}")
    for number, row in enumerate(reader, start=2):
        yield _checked(f"{path}: line {number}", row["code"], row["name"], row["lat"], row["lon"])


def _from_geojson(path: Path, content: str) -> Iterator[Place]:
    try:
        features = json.loads(content)["features"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise SettingsError(f"{path}: is not a GeoJSON FeatureCollection") from error
    for number, feature in enumerate(features, start=1):
        where = f"{path}: feature {number}"
        try:
            given = {key.lower(): value for key, value in feature["properties"].items()}
            points = list(_points(feature["geometry"]["coordinates"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise SettingsError(f"{where}: has no properties or no coordinates") from error
        code = next((given[key] for key in ("buurtcode", "wijkcode", "code", "statcode") if given.get(key)), "")
        name = next((given[key] for key in ("buurtnaam", "wijknaam", "name", "naam", "statnaam") if given.get(key)), "")
        if not points:
            raise SettingsError(f"{where}: has no coordinates")
        # The middle of the bounding box: an area is a coarse place, and its centre need not be finer
        lons, lats = [point[0] for point in points], [point[1] for point in points]
        yield _checked(where, code, name, (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2)


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    """All positions of a geometry, however deep it nests them; longitude first (RFC 7946)."""
    if coordinates and isinstance(coordinates[0], int | float):
        yield float(coordinates[0]), float(coordinates[1])
    else:
        for part in coordinates:
            yield from _points(part)


def _checked(where: str, code: Any, name: Any, lat: Any, lon: Any) -> Place:
    try:
        place = Place(str(code or "").strip()[:40], str(name or "").strip()[:100], float(lat), float(lon))
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: lat and lon must be numbers") from error
    if not place.code or not place.name:
        raise SettingsError(f"{where}: has no code or no name")
    if not is_dutch(place.lat, place.lon):
        raise SettingsError(f"{where}: is not in the Netherlands (are the coordinates WGS84 degrees, not RD metres?)")
    return place
