"""`kring deidentify`: the de-identification gate on a file, to see what it would stop."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from models.deidentify import find_identifying, redact
from models.rarity import rare_situations
from service.commands.files import SkipBad, check_output, read_file, write_output


def deidentify(
    file: Annotated[Path, typer.Argument(help="Rows with id and text, one JSON object a line.", metavar="FILE.jsonl")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the rows here instead of to standard output.")
    ] = None,
    skip_bad: SkipBad = False,
    warnings: Annotated[
        bool,
        typer.Option("--warnings", help="Add `warnings` to each row: what may tell who somebody is without a name."),
    ] = False,
) -> None:
    """Find identifying details in a file of notes; writes each row with its spans and a redacted text."""
    check_output(output)
    needs = read_file(file, skip_bad=skip_bad).needs
    bar = track(needs, "Reading notes", console=Console(stderr=True), transient=True)
    rows = [as_json(need.id, need.text) | (_warned(need.text) if warnings else {}) for need in bar]
    write_output(output, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    flagged = sum(1 for row in rows if row["spans"])
    also = f", {sum(1 for row in rows if row['warnings'])} with rare situations" if warnings else ""
    typer.echo(f"{len(rows)} notes: {flagged} with identifying details{also}", err=True)


def as_json(note_id: str, text: str) -> dict[str, object]:
    """A row of the file format in docs/sources.md; `start` and `end` are code points of `text`."""
    spans = find_identifying(text)
    return {
        "id": note_id,
        "text": text,
        "spans": [{"start": span.start, "end": span.end, "label": span.label.value} for span in spans],
        "redacted": redact(text, spans),
    }


def _warned(text: str) -> dict[str, object]:
    """Only when asked for: the format without it is a contract."""
    return {"warnings": [{"start": one.start, "end": one.end, "kind": one.kind.value} for one in rare_situations(text)]}
