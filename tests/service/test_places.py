"""Areas from files: what CBS, PDOK and a spreadsheet give, and what they give when something is wrong."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.db import transaction
from service.demo.settings import environment
from service.errors import SettingsError
from service.places import is_dutch, km_between, read_places
from service.queries import municipalities
from service.queries.municipalities import Municipality
from service.resources import Resources
from service.settings import Settings

SQUARE = [[[[5.0, 52.0], [5.2, 52.0], [5.2, 52.1], [5.0, 52.1], [5.0, 52.0]]]]


def geojson(**properties: object) -> str:
    geometry = {"type": "MultiPolygon", "coordinates": SQUARE}
    return json.dumps({"type": "FeatureCollection", "features": [{"properties": properties, "geometry": geometry}]})


def written(folder: Path, content: str) -> Path:
    path = folder / "areas"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_spreadsheet_is_read_with_its_byte_order_mark(tmp_path: Path) -> None:
    [place] = read_places(written(tmp_path, "\ufeffcode,name,lat,lon\nBU01,Binnenstad,52.1,5.1\n"))
    assert (place.code, place.name, place.lat, place.lon) == ("BU01", "Binnenstad", 52.1, 5.1)


def test_a_neighbourhood_of_cbs_has_the_middle_of_its_box_as_centre(tmp_path: Path) -> None:
    [place] = read_places(written(tmp_path, geojson(buurtcode="BU0001", buurtnaam="Oost")))
    assert (place.code, place.name) == ("BU0001", "Oost")
    assert (place.lat, place.lon) == pytest.approx((52.05, 5.1))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "the first line lacks code, lat, lon, name"),
        ("code,name,lat\nBU01,Oost,52.1\n", "lacks lon"),
        ("code,name,lat,lon\nBU01,Oost,noord,5.1\n", "line 2: lat and lon must be numbers"),
        ("code,name,lat,lon\n,Oost,52.1,5.1\n", "line 2: has no code or no name"),
        ("code,name,lat,lon\nBU01,Oost,121000,487000\n", "RD metres"),
        ("code,name,lat,lon\n", "holds no areas"),
        ("{", "is not a GeoJSON FeatureCollection"),
        ('{"features": [{}]}', "feature 1: has no properties or no coordinates"),
        (geojson(iets="anders"), "feature 1: has no code or no name"),
    ],
)
def test_a_broken_file_says_where_and_why(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        read_places(written(tmp_path, content))


def test_the_islands_are_dutch_and_the_gulf_of_guinea_is_not() -> None:
    assert is_dutch(12.15, -68.27)
    assert not is_dutch(0.0, 0.0)


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    assert km_between(52.0, 5.0, 53.0, 5.0) == pytest.approx(111.2)


async def test_a_new_municipality_comes_with_its_areas(settings: Settings, kring: Resources, tmp_path: Path) -> None:
    path = written(tmp_path, "code,name,lat,lon\nBU01,Dorp,52.1,5.1\n")
    arguments = ["import-areas", str(path), "--municipality", "nieuwdorp", "--name", "Nieuwdorp"]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment(settings))
    assert result.exit_code == 0, result.output
    async with kring.pool.acquire() as conn:
        found = await municipalities.municipality_by_slug(conn, "nieuwdorp")
    assert found is not None
    async with transaction(kring.pool, found.id) as conn:
        assert [area.name for area in await municipalities.areas(conn)] == ["Dorp"]


async def test_one_bad_line_stores_no_area(
    settings: Settings, kring: Resources, municipality: Municipality, tmp_path: Path
) -> None:
    path = written(tmp_path, "code,name,lat,lon\nBU09,Goed,52.1,5.1\nBU10,Fout,0,0\n")
    arguments = ["import-areas", str(path), "--municipality", "waterdam"]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment(settings))
    assert result.exit_code == 2
    assert "line 3" in result.stderr
    async with transaction(kring.pool, municipality.id) as conn:
        assert "BU09" not in {area.code for area in await municipalities.areas(conn)}


async def test_neighbours_are_named_with_the_areas_and_replace_those_before(
    settings: Settings, kring: Resources, municipality: Municipality, tmp_path: Path
) -> None:
    path = written(tmp_path, "code,name,lat,lon\nBU01,Binnenstad,52.1,5.1\n")
    arguments = ["import-areas", str(path), "--municipality", "waterdam"]
    for names in (["Zandhoek"], [" Oudeveer ", "Duinrand"], []):
        more = [word for name in names for word in ("--neighbour", name)]
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments + more, env=environment(settings))
        assert result.exit_code == 0, result.output
    async with transaction(kring.pool, municipality.id) as conn:
        assert await municipalities.neighbours(conn, municipality.id) == ("Duinrand", "Oudeveer")


@pytest.mark.parametrize("name", ["", "Oudeveer, Duinrand"])
async def test_a_neighbour_without_a_readable_name_is_refused(settings: Settings, tmp_path: Path, name: str) -> None:
    path = written(tmp_path, "code,name,lat,lon\nBU01,Binnenstad,52.1,5.1\n")
    arguments = ["import-areas", str(path), "--municipality", "waterdam", "--neighbour", name]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment(settings))
    assert result.exit_code == 2
    assert "no name of a municipality" in result.stderr
