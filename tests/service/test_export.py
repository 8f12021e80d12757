"""Copies that leave Kring: whole, about the right people, written down in the trail, and for one pair of eyes."""

import asyncio
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from service import export
from service.cli import app
from service.db import transaction
from service.demo.settings import environment
from service.domain import Staff
from service.errors import NotFound
from service.resources import Resources
from service.settings import Settings
from tests import factories
from tests.factories import Submitted
from tests.service.filled import PUBLIC, fill, tables

Owner = asyncpg.Connection
Command = Callable[..., Result]
WORDS = "Zoekt iemand die ook 's nachts werkt en overdag voor een kind met epilepsie zorgt."


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, ["export", "--municipality", "waterdam", *map(str, arguments)])

    return run


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def _member(kring: Resources, coordinator: Staff) -> Submitted:
    """Somebody in a platform, with words of their own, asked in a pulse, by a link."""
    people = (
        await factories.submit(kring, coordinator, text=WORDS, contact=factories.email("nachtwerker")),
        *await factories.some_people(kring, coordinator, 4),
    )
    invited = await factories.approved(kring, coordinator, people=people)
    await factories.link(kring, coordinator, invited.invitations[0])
    for invitation in invited.invitations:
        await factories.answer(kring, coordinator, invitation)
    return people[0]


async def test_everything_of_a_resident_is_gathered(kring: Resources, coordinator: Staff) -> None:
    one = await _member(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        held = await export.gather(conn, one.resident, contact=factories.email("nachtwerker"))
    assert [own.need.text for own in held.needs] == [WORDS]
    assert held.needs[0].theme == "mantelzorg"
    assert {row.purpose for row in held.consents} == factories.EVERY_PURPOSE
    assert [invitation.state for invitation in held.invitations] == ["accepted"]
    assert len(held.memberships) == 1
    assert {message.kind for message in held.messages} == {"invitation", "started"}
    assert [link.purpose for link in held.links] == ["invitation"]
    assert held.contact == factories.email("nachtwerker")


async def test_nothing_of_anybody_else_is_gathered(kring: Resources, coordinator: Staff) -> None:
    await _member(kring, coordinator)
    other = await factories.submit(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        held = await export.gather(conn, other.resident)
    assert (held.invitations, held.memberships, held.messages, held.links, held.contact) == ((), (), (), (), None)
    assert WORDS not in repr(held)


async def test_somebody_of_another_municipality_is_not_gathered(
    kring: Resources, coordinator: Staff, other_coordinator: Staff
) -> None:
    theirs = await factories.submit(kring, other_coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        with pytest.raises(NotFound):
            await export.gather(conn, theirs.resident)


# --- kring export --resident ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".html", ".txt", ".json"])
async def test_the_copy_of_a_resident_has_words_and_address_in_every_form(
    kring: Resources, coordinator: Staff, owner: Owner, command: Command, tmp_path: Path, suffix: str
) -> None:
    one = await factories.submit(kring, coordinator, text="Zoekt een maatje.", contact=factories.email("maatje"))
    path = tmp_path / f"kopie{suffix}"
    done = await asyncio.to_thread(command, "--resident", one.reference.lower(), "-o", path)
    written = path.read_text(encoding="utf-8")
    assert done.exit_code == 0, done.output
    assert [word for word in (one.reference, "Zoekt een maatje.", "maatje@voorbeeld.test") if word not in written] == []
    assert path.stat().st_mode & 0o077 == 0
    assert await _actions(owner, one) == {"contact.read", "resident.exported"}


async def _actions(owner: Owner, one: Submitted) -> set[str]:
    """What the operator did with this resident, as the trail has it."""
    return {
        row["action"]
        for row in await owner.fetch(
            "select action from kring.audit where resident_id = $1 and actor_kind = 'operator'", one.resident
        )
    }


async def test_a_program_reads_the_copy_back(
    kring: Resources, coordinator: Staff, command: Command, tmp_path: Path
) -> None:
    one = await _member(kring, coordinator)
    await asyncio.to_thread(command, "--resident", one.reference, "-o", tmp_path / "kopie.json")
    read = json.loads((tmp_path / "kopie.json").read_text(encoding="utf-8"))
    assert read["needs"][0]["need"]["text"] == WORDS
    assert read["contact"] == {"channel": "email", "value": "nachtwerker@voorbeeld.test"}
    assert len(read["memberships"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resident", "2222-2222", "-o", "kopie.html"), "there is no need '2222-2222' in waterdam"),
        (("--resident", "nobody", "-o", "kopie.html"), "there is no need 'nobody' in waterdam"),
        (
            ("--resident", "2222-2222", "-o", "kopie.pdf"),
            "kopie.pdf: give it a name that ends in .html or",
        ),
        (("-o", "alles.json"), "alles.json: give it a name that ends in .zip"),
        (("--resident", "2222-2222", "--contacts", "-o", "kopie.html"), "--contacts is for a whole municipality"),
        (("-o", "nergens/alles.zip"), "nergens/alles.zip: its directory does not exist"),
        (("--municipality", "nowhere", "-o", "alles.zip"), "there is no municipality 'nowhere'"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line_and_writes_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = await asyncio.to_thread(command, *arguments)
    assert (done.exit_code, done.stderr.startswith(f"kring: {said}"), done.stderr.count("\n")) == (2, True, 1), (
        done.stderr
    )
    assert await asyncio.to_thread(_names, tmp_path) == []


# --- kring export --municipality --------------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, list[dict[str, object]]]:
    """Rows by table; the text of the read-me apart."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {
            name.removesuffix(".jsonl"): [json.loads(line) for line in archive.read(name).decode().splitlines()]
            for name in archive.namelist()
            if name.endswith(".jsonl")
        }


async def test_every_table_is_in_the_copy_of_a_municipality_with_every_row_of_it_and_no_other(
    kring: Resources, coordinator: Staff, other_coordinator: Staff, owner: Owner, command: Command, tmp_path: Path
) -> None:
    await fill(kring, coordinator)
    await fill(kring, other_coordinator)
    done = await asyncio.to_thread(command, "-o", tmp_path / "alles.zip")
    assert done.exit_code == 0, done.output
    copied = _read(tmp_path / "alles.zip")
    expected = {
        table.removeprefix("kring."): await owner.fetchval(
            f"select count(*) from {table} where municipality_id = $1", coordinator.municipality
        )
        for table in await tables(owner)
        if table.startswith("kring.") and table != PUBLIC
    }
    assert {name: len(rows) for name, rows in copied.items()} == {
        name: count for name, count in expected.items() if name not in {"sign_in", "staff_session"}
    }
    assert {row["municipality_id"] for rows in copied.values() for row in rows} == {str(coordinator.municipality)}


async def test_what_opens_something_is_not_in_the_copy(
    kring: Resources, coordinator: Staff, owner: Owner, command: Command, tmp_path: Path
) -> None:
    await fill(kring, coordinator)
    await asyncio.to_thread(command, "-o", tmp_path / "alles.zip")
    copied = _read(tmp_path / "alles.zip")
    assert copied["link"]
    assert "token_hash" not in copied["link"][0]
    assert {"staff_session", "sign_in", "contact"}.isdisjoint(copied)
    assert (tmp_path / "alles.zip").stat().st_mode & 0o077 == 0


async def test_contact_details_come_along_when_asked_for_and_each_stands_in_the_trail(
    kring: Resources, coordinator: Staff, owner: Owner, command: Command, tmp_path: Path
) -> None:
    one = await factories.submit(kring, coordinator, contact=factories.email("maatje"))
    await asyncio.to_thread(command, "--contacts", "-o", tmp_path / "alles.zip")
    assert _read(tmp_path / "alles.zip")["contacts"] == [
        {"resident_id": str(one.resident), "channel": "email", "value": "maatje@voorbeeld.test"}
    ]
    assert await _actions(owner, one) == {"contact.read", "municipality.exported"}


async def test_a_copy_that_breaks_off_leaves_no_file(
    kring: Resources, coordinator: Staff, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await factories.submit(kring, coordinator)

    def broken(*_: object, **__: object) -> None:
        raise NotFound("the disk is full")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", broken)
    done = await asyncio.to_thread(command, "-o", tmp_path / "alles.zip")
    assert done.exit_code == 2
    assert await asyncio.to_thread(_names, tmp_path) == []
