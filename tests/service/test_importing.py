"""Files of needs: each row stands or falls alone, and the same file again stores nothing twice."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from models.need import AgeBand
from service.cli import app
from service.db import transaction
from service.demo.settings import environment
from service.domain import Purpose, Staff
from service.errors import NotFound
from service.importing import Assumptions, Imported, find_staff, submit_rows
from service.jsonl import read_needs
from service.queries import municipalities, residents
from service.resources import Resources
from service.settings import Settings

MATCHING = Assumptions(frozenset({Purpose.MATCHING}), AgeBand.AGE_40_64)


def row(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "text": f"Zoekt andere mantelzorgers om mee te praten over de nachten, en over nummer {name} op de wachtlijst.",
        "perspective": "partner",
        "age_band": "65_plus",
        "area": {"lat": 52.1001, "lon": 5.1001},
        "languages": ["nl"],
        "dayparts": ["mon-evening"],
        "meeting": "either",
        "waiting_days": 12,
        "caseworker": "c01",
        **changes,
    }


def written(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "needs.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


async def submitted(kring: Resources, staff: Staff, path: Path, assumed: Assumptions = MATCHING) -> Imported:
    return await submit_rows(kring.pool, staff, list(read_needs(path)), assumed, vault=kring.vault, consent_days=365)


async def count(kring: Resources, staff: Staff) -> int:
    async with transaction(kring.pool, staff.municipality) as conn:
        found: int = await conn.fetchval("select count(*) from kring.need")
    return found


async def test_a_refused_row_takes_no_good_row_with_it(kring: Resources, caseworker: Staff, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        row("a"),
        row("b", text="Bel mevrouw Jansen op 06 12345678."),
        row("c", area={"lat": 40.0, "lon": 5.0}),
        row("d", languages=["xx"]),
        row("e", perspective="neighbour"),
        row("f"),
    )
    imported = await submitted(kring, caseworker, path)
    assert set(imported.references) == {"a", "f"}
    assert [(refused.line, refused.reason.split(":")[0]) for refused in imported.refused] == [
        (2, "text"), (3, "area"), (4, "languages"), (5, "perspective"),
    ]  # fmt: skip
    assert await count(kring, caseworker) == 2


async def test_a_refusal_names_the_kind_of_detail_and_not_the_detail(
    kring: Resources, caseworker: Staff, tmp_path: Path
) -> None:
    imported = await submitted(kring, caseworker, written(tmp_path, row("a", text="Bel mevrouw Jansen: 06 12345678.")))
    assert "PHONE" in imported.refused[0].reason
    assert "Jansen" not in imported.refused[0].reason


async def test_the_same_file_again_stores_nothing_twice(kring: Resources, caseworker: Staff, tmp_path: Path) -> None:
    path = written(tmp_path, row("a"), row("b"))
    first, second = await submitted(kring, caseworker, path), await submitted(kring, caseworker, path)
    assert first.references == second.references
    assert (first.known, second.known) == (0, 2)
    assert await count(kring, caseworker) == 2


async def test_an_import_that_was_cut_off_goes_on_where_it_was(
    kring: Resources, caseworker: Staff, tmp_path: Path
) -> None:
    before = await submitted(kring, caseworker, written(tmp_path, row("a"), row("b")))
    after = await submitted(kring, caseworker, written(tmp_path, row("a"), row("b"), row("c")))
    assert before.references.items() < after.references.items()
    assert await count(kring, caseworker) == 3


@pytest.mark.parametrize("who", ["a", "b"])
async def test_an_apart_pair_holds_whichever_row_names_it(
    kring: Resources, caseworker: Staff, tmp_path: Path, who: str
) -> None:
    rows = {name: row(name) for name in "ab"}
    rows[who]["apart"] = ["b" if who == "a" else "a"]
    await submitted(kring, caseworker, written(tmp_path, *rows.values()))
    async with transaction(kring.pool, caseworker.municipality) as conn:
        assert len(await residents.apart_pairs(conn)) == 1


async def test_the_age_of_a_child_is_read_from_the_note(
    kring: Resources, caseworker: Staff, owner: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    text = "Meisje van 15 helpt haar zieke moeder thuis en wil andere jongeren ontmoeten."
    imported = await submitted(
        kring, caseworker, written(tmp_path, row("a", text=text, perspective="child", age_band=None))
    )
    assert imported.age_assumed == 0
    assert await owner.fetchval("select age_band from kring.resident") == "12_15"
    assert await owner.fetchval("select given_by from kring.consent") == "representative"


async def test_a_row_that_tells_no_age_gets_the_declared_one_and_is_counted(
    kring: Resources, caseworker: Staff, owner: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    imported = await submitted(kring, caseworker, written(tmp_path, row("a", age_band=None)))
    assert imported.age_assumed == 1
    assert await owner.fetchval("select age_band from kring.resident") == "40_64"


async def test_consent_for_inviting_without_an_address_is_refused(
    kring: Resources, caseworker: Staff, tmp_path: Path
) -> None:
    imported = await submitted(kring, caseworker, written(tmp_path, row("a", consents=["matching", "invitation"])))
    assert imported.refused[0].reason.startswith("contact:")


async def test_confirmed_topics_come_along(
    kring: Resources, caseworker: Staff, owner: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    await submitted(
        kring, caseworker, written(tmp_path, row("a", topics=["dementia_partner", "male_carer", "male_carer"]))
    )
    assert await owner.fetchval("select topics from kring.need") == ["dementia_partner", "male_carer"]


@pytest.mark.parametrize(
    "topics", [["dementia_partner", "heimwee"], ["dementia_partner", "male_carer", "copd", "stroke_self"]]
)
async def test_a_row_with_topics_that_cannot_be_stored_is_refused(
    kring: Resources, caseworker: Staff, tmp_path: Path, topics: list[str]
) -> None:
    """What somebody confirmed is not dropped silently: the person who imports decides what to do with it."""
    imported = await submitted(kring, caseworker, written(tmp_path, row("a", topics=topics), row("b")))
    assert set(imported.references) == {"b"}
    assert imported.refused[0].reason.startswith("topics:")
    assert "heimwee" not in imported.refused[0].reason


async def test_people_where_the_map_has_no_area_get_one_together(
    kring: Resources, caseworker: Staff, tmp_path: Path
) -> None:
    far = [row(name, area={"lat": 52.9 + step, "lon": 6.5}) for name, step in (("a", 0.0), ("b", 0.01), ("c", 0.2))]
    imported = await submitted(kring, caseworker, written(tmp_path, row("near"), *far))
    assert len(imported.references) == 4
    assert imported.areas_made == 2
    async with transaction(kring.pool, caseworker.municipality) as conn:
        made = {area.code for area in await municipalities.areas(conn)} - {"BU01", "BU02"}
    assert made == {"52.90,6.50", "53.10,6.50"}


async def test_a_manager_imports_no_needs(kring: Resources) -> None:
    with pytest.raises(NotFound, match="no caseworker"):
        await find_staff(kring.pool, "waterdam", "manager")


async def test_who_imports_must_exist(kring: Resources) -> None:
    with pytest.raises(NotFound, match="no caseworker"):
        await find_staff(kring.pool, "waterdam", "nobody")
    with pytest.raises(NotFound, match="no municipality"):
        await find_staff(kring.pool, "nergens", "caseworker")


async def test_the_command_lists_what_it_refused_and_stores_the_rest(
    settings: Settings, kring: Resources, caseworker: Staff, tmp_path: Path
) -> None:
    path = written(tmp_path, row("a"), row("b", text=""), row("c"))
    arguments = ["import-needs", str(path), "--municipality", "waterdam", "--caseworker", "caseworker"]
    # in a thread: the command has a loop of its own
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment(settings))
    assert result.exit_code == 1
    assert "line 2: refused: text: is empty" in result.stderr
    assert "2 needs stored, 1 rows refused" in result.stderr
    assert await count(kring, caseworker) == 2


def test_a_file_that_is_not_there_is_one_line(settings: Settings) -> None:
    arguments = ["import-needs", "nergens.jsonl", "--municipality", "waterdam", "--caseworker", "caseworker"]
    result = CliRunner().invoke(app, arguments, env=environment(settings))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "nergens.jsonl" in result.stderr
