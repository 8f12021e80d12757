"""`kring deidentify`: the de-identification gate on a file, to see what it would stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.progress import track

from models.deidentify import find_identifying, redact
from models.need import Need
from service.commands.match import write_whole
from service.jsonl import FileUnreadable, RefusedRow, read_needs

EXIT_BAD_INPUT: Final = 2


def deidentify(
    file: Annotated[Path, typer.Argument(help="Rows with id and text, one JSON object a line.", metavar="FILE.jsonl")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the rows here instead of to standard output.")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Go on without rows that are refused.")] = False,
) -> None:
    """Find identifying details in a file of notes; writes each row with its spans and a redacted text."""
    if output is not None and (output.is_dir() or not output.parent.is_dir()):
        _stop(f"{output}: {'is a directory' if output.is_dir() else 'its directory does not exist'}")
    needs = _read(file, skip_bad=skip_bad)
    bar = track(needs, "Reading notes", console=Console(stderr=True), transient=True)
    rows = [as_json(need.id, need.text) for need in bar]
    written = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if output is None:
        typer.echo(written, nl=False)
    else:
        try:
            write_whole(output, written)
        except OSError as error:
            _stop(f"{output}: cannot be written ({error.strerror or type(error).__name__})")
    flagged = sum(1 for row in rows if row["spans"])
    typer.echo(f"{len(rows)} notes: {flagged} with identifying details", err=True)


def as_json(note_id: str, text: str) -> dict[str, object]:
    """A row of the file format in DESIGN.md; `start` and `end` are code points of `text`."""
    spans = find_identifying(text)
    return {
        "id": note_id,
        "text": text,
        "spans": [{"start": span.start, "end": span.end, "label": span.label.value} for span in spans],
        "redacted": redact(text, spans),
    }


def _read(file: Path, *, skip_bad: bool) -> list[Need]:
    needs: list[Need] = []
    refused: list[RefusedRow] = []
    try:
        for row in read_needs(file):
            if isinstance(row, RefusedRow):
                refused.append(row)
            else:
                needs.append(row.need)
    except FileUnreadable as error:
        _stop(str(error))
    if refused and not skip_bad:
        first, more = refused[0], len(refused) - 1
        others = f"; {more} more {'row is' if more == 1 else 'rows are'} refused" if more else ""
        _stop(f"{file}: line {first.line}: {first.reason}{others} (--skip-bad goes on without)")
    for bad in refused:
        typer.echo(f"{file}: line {bad.line}: {bad.reason}", err=True)
    return needs


def _stop(message: str) -> NoReturn:
    typer.echo(f"kring deidentify: {message}", err=True)
    raise typer.Exit(EXIT_BAD_INPUT)
