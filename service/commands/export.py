"""`kring export`: everything held about one resident, or everything of a municipality that leaves."""

import asyncio
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer
from pydantic import TypeAdapter

from service import addresses, audit
from service import export as exports
from service.addresses import Why
from service.audit import OPERATOR, Action
from service.commands.errors import clear_errors, settings_or_stop, stop
from service.commands.files import check_output
from service.db import Pool, connect, transaction
from service.errors import NotFound
from service.export import OwnData
from service.queries import export as rows
from service.queries import municipalities, needs
from service.queries.municipalities import Municipality
from service.references import clean_reference
from service.settings import Settings
from service.vault import Vault
from service.web import my_file
from service.web.pages import render

OWN_DATA: Final = TypeAdapter(OwnData)
READ_ME: Final = """\
Everything Kring held of {name} on {now}.

A file for each table, in JSON Lines: one row a line, UTF-8; times in ISO 8601, bytes in base64. A vector of a need is
32-bit floats, little-endian. Columns refer to each other by id; what they mean is written in the migrations of Kring
(service/migrations/versions). What opened something is left out: links, sign-ins, keys.
{contacts}
This is personal data: about residents, though by pseudonym, and about staff.

{tables}
"""
WITH_CONTACTS: Final = "contacts.jsonl has the contact details in clear: keep it apart, and remove it soon."
WITHOUT_CONTACTS: Final = "Contact details are not in it (--contacts)."


def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="file to write; of a resident .html, .txt or .json, else .zip")
    ],
    municipality: Annotated[str, typer.Option(help="slug of the municipality, such as `elzermeer`")],
    resident: Annotated[
        str | None, typer.Option(metavar="REFERENCE", help="only what is held about this resident")
    ] = None,
    contacts: Annotated[
        bool, typer.Option("--contacts", help="of a municipality: also the contact details, opened with the keys")
    ] = False,
) -> None:
    """Write what is held about one resident (AVG art. 15), or with no --resident everything of a municipality.

    Whoever gets a copy stands in the audit trail. The file can be read by its owner alone.
    """
    settings = settings_or_stop()
    check_output(output)
    wanted = (".zip",) if resident is None else (".html", ".txt", ".json")
    if output.suffix not in wanted:
        raise stop(f"{output}: give it a name that ends in {' or '.join(wanted)}")
    if contacts and resident is not None:
        raise stop("--contacts is for a whole municipality; the copy of a resident has them")
    with clear_errors():
        told = asyncio.run(
            _municipality(settings, municipality, output, contacts=contacts)
            if resident is None
            else _resident(settings, municipality, resident, output)
        )
    typer.echo(told)


async def _resident(settings: Settings, slug: str, typed: str, output: Path) -> str:
    vault = Vault.of(settings)
    pool = await connect(settings.database_url.get_secret_value(), size=1)
    try:
        here = await _find(pool, slug)
        reference = clean_reference(typed)
        async with transaction(pool, here.id) as conn:
            found = None if reference is None else await needs.resident_by_reference(conn, reference)
            if found is None:
                raise NotFound(f"there is no need {typed!r} in {slug}")
            contact = await addresses.read(conn, vault, here.id, found, Why.EXPORT, OPERATOR)
            held = await exports.gather(conn, found, contact=contact)
            await audit.record(
                conn, here.id, OPERATOR, Action.RESIDENT_EXPORTED,
                object_kind="resident", object_id=str(found), resident=found,
            )  # fmt: skip
    finally:
        await pool.close()
    with _private(output) as file:
        file.write(_copy(held, here.name, output.suffix).encode())
    return f"what is held about {reference} is in {output}"


def _copy(held: OwnData, municipality_name: str, suffix: str) -> str:
    """As the page of the resident hands it out, as plain text, or all of it for a program."""
    if suffix == ".json":
        return OWN_DATA.dump_json(held, indent=2).decode() + "\n"
    content = my_file.content(held, municipality_name, datetime.now(UTC))
    if suffix == ".html":
        return render("resident/file.html", file=content, as_json=my_file.as_json(content))
    return _as_text(content)


def _as_text(content: dict[str, Any]) -> str:
    sections: dict[str, list[dict[str, Any]]] = content["Onderdelen"]
    parts = [_items({name: value for name, value in content.items() if name != "Onderdelen"})]
    for title, items in sections.items():
        parts.append(f"{title}\n{'-' * len(title)}")
        parts += map(_items, items)
    return "\n\n".join(parts) + "\n"


def _items(item: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in item.items())


async def _municipality(settings: Settings, slug: str, output: Path, *, contacts: bool) -> str:
    vault = Vault.of(settings) if contacts else None
    pool = await connect(settings.database_url.get_secret_value(), size=1)
    try:
        here = await _find(pool, slug)
        await _tell(pool, here, contacts=contacts)
        with _private(output) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            counts = await _tables(pool, here, archive)
            if vault is not None:
                counts["contacts"] = await _contacts(pool, here, vault, archive)
            archive.writestr("README.txt", _read_me(here, counts, contacts=contacts))
    finally:
        await pool.close()
    return f"{sum(counts.values())} rows of {here.name} are in {output}"


async def _tell(pool: Pool, here: Municipality, *, contacts: bool) -> None:
    """The entries in the trail first, one a resident: no copy is made that nobody hears of."""
    async with transaction(pool, here.id) as conn:
        await audit.record_each(
            conn, here.id, OPERATOR, Action.MUNICIPALITY_EXPORTED,
            object_kind="municipality", object_id=str(here.id),
            residents=[None, *await rows.residents(conn)], detail="contacts" if contacts else None,
        )  # fmt: skip


async def _tables(pool: Pool, here: Municipality, archive: zipfile.ZipFile) -> dict[str, int]:
    """All tables as of one moment, so that every id that is referred to is there."""
    counts: dict[str, int] = {}
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute("select set_config('kring.municipality', $1, true)", str(here.id))
        for table in await exports.tables(conn):
            counts[table.name] = 0
            with archive.open(f"{table.name}.jsonl", "w") as file:
                async for line in exports.lines(conn, table):
                    file.write(line.encode())
                    counts[table.name] += 1
    return counts


async def _contacts(pool: Pool, here: Municipality, vault: Vault, archive: zipfile.ZipFile) -> int:
    opened: list[dict[str, str]] = []
    async with transaction(pool, here.id) as conn:
        for resident in await rows.with_contact(conn):
            contact = await addresses.read(conn, vault, here.id, resident, Why.EXPORT, OPERATOR)
            if contact is not None:
                opened.append({"resident_id": str(resident), "channel": contact.channel, "value": contact.value})
    archive.writestr("contacts.jsonl", "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in opened))
    return len(opened)


def _read_me(here: Municipality, counts: dict[str, int], *, contacts: bool) -> str:
    return READ_ME.format(
        name=here.name,
        now=datetime.now(UTC).isoformat(timespec="seconds"),
        contacts=WITH_CONTACTS if contacts else WITHOUT_CONTACTS,
        tables="\n".join(f"{name}.jsonl: {count} rows" for name, count in sorted(counts.items())),
    )


async def _find(pool: Pool, slug: str) -> Municipality:
    async with pool.acquire() as conn:
        found = await municipalities.municipality_by_slug(conn, slug)
    if found is None:
        raise NotFound(f"there is no municipality {slug!r}")
    return found


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    """A file for its owner's eyes, there in whole or not at all."""
    path = path.resolve()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as file:
        try:
            yield file
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    Path(file.name).replace(path)
