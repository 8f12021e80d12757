"""What the commands on a file of needs share: all rows or one line why not, an output that is whole or not there."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from models.need import Need
from service.commands.errors import stop
from service.jsonl import FileUnreadable, RefusedRow, read_needs

EncoderSetting = Annotated[
    str | None,
    typer.Option(envvar="KRING_ENCODER", help="Folder or hub id of a SentenceTransformer; default: the bundled one."),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Go on without rows that are refused.")]


@dataclass(frozen=True, slots=True)
class NeedsFile:
    """What a file holds."""

    needs: list[Need]
    refused: list[RefusedRow]
    asked: set[str]
    """Ids of the rows that say who asks; the others only got the perspective a need has by default."""


def check_output(path: Path | None) -> None:
    """Stop before minutes of work when their result could not be written; None is standard output."""
    if path is None:
        return
    if path.is_dir():
        raise stop(f"{path}: is a directory")
    if not path.parent.is_dir():
        raise stop(f"{path}: its directory does not exist")
    if not os.access(path.parent, os.W_OK):
        raise stop(f"{path}: its directory cannot be written to")


def read_file(path: Path, *, skip_bad: bool, any_text: bool = False) -> NeedsFile:
    """All rows. A refused one stops the command, or with `skip_bad` is named on standard error and left out."""
    read = NeedsFile([], [], set())
    try:
        for row in read_needs(path, any_text=any_text):
            if isinstance(row, RefusedRow):
                read.refused.append(row)
            else:
                read.needs.append(row.need)
                if "perspective" in row.row.model_fields_set:
                    read.asked.add(row.need.id)
    except FileUnreadable as error:
        raise stop(str(error)) from error
    if read.refused and not skip_bad:
        first, more = read.refused[0], len(read.refused) - 1
        others = f"; {more} more {'row is' if more == 1 else 'rows are'} refused" if more else ""
        raise stop(f"{path}: line {first.line}: {first.reason}{others} (--skip-bad goes on without)")
    for row in read.refused:
        typer.echo(f"{path}: line {row.line}: {row.reason}", err=True)
    return read


def write_output(path: Path | None, content: str | bytes) -> None:
    """To the file, all of it or nothing; to standard output when there is none."""
    try:
        if path is None:
            typer.echo(content, nl=False)
        else:
            _write_whole(path, content.encode() if isinstance(content, str) else content)
    except BrokenPipeError:
        raise  # whoever read along has seen enough; Typer ends quietly
    except OSError as error:
        raise stop(
            f"{path or 'standard output'}: cannot be written ({error.strerror or type(error).__name__})"
        ) from error


def _write_whole(path: Path, content: bytes) -> None:
    """A temporary file beside it takes its place; what a link leads to is replaced, and a device or pipe never is."""
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes a private file; this one gets the mode any new file of this user would have.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
