"""`kring topics`: what each note in a file may be about, to see what a caseworker would be offered."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from models.errors import EncoderUnavailable
from models.topics import SUGGESTED, Suggestions, load_suggester
from service.commands.errors import stop
from service.commands.files import SkipBad, check_output, read_file, write_output

NONE = "none"
AT_ONCE = 1_000


def topics(
    file: Annotated[
        Path,
        typer.Argument(help="Rows with id, text and, if known, perspective; an object a line.", metavar="FILE.jsonl"),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the rows here instead of to standard output.")
    ] = None,
    top: Annotated[int, typer.Option(help="Topics for each note.", min=1, max=50)] = SUGGESTED,
    skip_bad: SkipBad = False,
) -> None:
    """Suggest topics for a file of notes, best first, with calibrated scores.

    Where no topic is likely enough, "none" stands first, with the probability that none fits.
    """
    check_output(output)
    read = read_file(file, skip_bad=skip_bad, any_text=True)
    try:
        suggester = load_suggester()
    except EncoderUnavailable as error:
        raise stop(str(error)) from error
    parts = [read.needs[at : at + AT_ONCE] for at in range(0, len(read.needs), AT_ONCE)]
    rows: list[dict[str, object]] = []
    for part in track(parts, "Reading notes", console=Console(stderr=True), transient=True):
        found = suggester.suggest(
            [need.text for need in part],
            [need.perspective if need.id in read.asked else None for need in part],
            top=top,
        )
        rows += [as_json(need.id, one, top) for need, one in zip(part, found, strict=True)]
    write_output(output, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    none = sum(1 for row in rows if _first(row) == NONE)
    typer.echo(f"{len(rows)} notes: {none} without a likely topic", err=True)


def as_json(note_id: str, found: Suggestions, top: int) -> dict[str, object]:
    """A row of the file format in docs/sources.md."""
    rows: list[dict[str, object]] = [{"topic": one.topic, "score": round(one.score, 4)} for one in found.best]
    if not found.sure:
        rows = [{"topic": NONE, "score": round(found.none, 4)}, *rows][:top]
    return {"id": note_id, "topics": rows}


def _first(row: dict[str, object]) -> object:
    topics = row["topics"]
    return topics[0]["topic"] if isinstance(topics, list) and topics else NONE
