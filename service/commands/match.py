"""`kring match`: the whole engine on a file, without a database."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from models.encoder import load_encoder
from models.errors import ModelError
from models.match import match as run_engine
from models.need import Need
from models.plan import Group, Plan, Progress, Reason, Stage
from service.jsonl import FileUnreadable, RefusedRow, read_needs
from service.wording import sentence

EXIT_BAD_INPUT: Final = 2
STAGES: Final = {Stage.ENCODING: "Reading notes", Stage.THEMES: "Finding themes", Stage.GROUPS: "Composing groups"}


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file holds."""

    needs: list[Need]
    refused: list[RefusedRow]


def match(
    file: Annotated[Path, typer.Argument(help="Needs, one JSON object a line.", metavar="FILE.jsonl")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the plan here instead of to standard output.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same file and seed, same plan.", min=0, max=2**32 - 1)] = 0,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Go on without rows that are refused.")] = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            envvar="KRING_ENCODER", help="Folder or hub id of a SentenceTransformer; default: the bundled one."
        ),
    ] = None,
) -> None:
    """Find themes and groups in a file of needs, with the reasons; no database needed."""
    if output is not None and (problem := _cannot_write(output)) is not None:
        _stop(f"{output}: {problem}")
    read = _read(file, skip_bad=skip_bad)
    try:
        plan = _planned(read.needs, encoder_setting=encoder or None, seed=seed)
    except ModelError as error:
        _stop(f"{file}: {error}")
    written = json.dumps(as_json(plan, refused=len(read.refused)), ensure_ascii=False, indent=2) + "\n"
    if output is None:
        typer.echo(written, nl=False)
    else:
        try:
            write_whole(output, written)
        except OSError as error:
            _stop(f"{output}: cannot be written ({error.strerror or type(error).__name__})")
    typer.echo(_summary(plan, read), err=True)


def as_json(plan: Plan, *, refused: int = 0) -> dict[str, Any]:
    """The plan in the file format of DESIGN.md, with what a coordinator needs to check it beside it."""
    placed = sum(len(group.members) for group in plan.groups)
    return {
        "groups": [_group(group) for group in plan.groups],
        "themes": [
            {
                "theme": theme.id,
                "label": theme.label,
                "perspective": theme.perspective.value,
                "members": list(theme.members),
            }
            for theme in plan.themes
        ],
        "ungrouped": [{"id": one.id, "why": sentence(one.reason), **_coded(one.reason)} for one in plan.ungrouped],
        "run": {
            "model": plan.model_id,
            "seed": plan.seed,
            "needs": placed + len(plan.ungrouped),
            "refused": refused,
            "grouped": placed,
            "groups": len(plan.groups),
            "themes": len(plan.themes),
        },
    }


def write_whole(path: Path, content: str) -> None:
    """Write all of it or nothing: a temporary file beside it takes its place. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes a private file; the plan gets the mode any new file of this user would have.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _cannot_write(path: Path) -> str | None:
    """Why this file cannot be written, known before minutes of work; None when it seems it can."""
    if path.is_dir():
        return "is a directory"
    if not path.parent.is_dir():
        return "its directory does not exist"
    if not os.access(path.parent, os.W_OK):
        return "its directory cannot be written to"
    return None


def _read(file: Path, *, skip_bad: bool) -> _Read:
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
    for row in refused:
        typer.echo(f"{file}: line {row.line}: {row.reason}", err=True)
    return _Read(needs, refused)


def _planned(needs: list[Need], *, encoder_setting: str | None, seed: int) -> Plan:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("Loading the encoder", total=None)

        def show(progress: Progress) -> None:
            bars.update(task, description=STAGES[progress.stage], completed=progress.done, total=progress.total)

        return run_engine(needs, encoder=load_encoder(encoder_setting), seed=seed, progress=show)


def _group(group: Group) -> dict[str, Any]:
    return {
        "theme": group.theme_id,
        "label": group.label,
        "form": group.form.value,
        "members": list(group.members),
        "reasons": [_worded(reason) for reason in group.reasons],
        "language": group.language,
        "meeting": group.meeting.value,
        "daypart": group.daypart,
        "needs_other_time": list(group.needs_other_time),
        "closeness": dict(group.closeness),
        "member_reasons": {
            member: [_worded(reason) for reason in reasons] for member, reasons in group.member_reasons.items()
        },
    }


def _worded(reason: Reason) -> Mapping[str, Any]:
    return {**_coded(reason), "text": sentence(reason)}


def _coded(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code.value, "params": dict(reason.params)}


def _summary(plan: Plan, read: _Read) -> str:
    placed = sum(len(group.members) for group in plan.groups)
    refused = f", {len(read.refused)} rows refused" if read.refused else ""
    return (
        f"{len(read.needs)} needs: {placed} in {len(plan.groups)} groups, "
        f"{len(plan.themes)} themes, {len(plan.ungrouped)} without a group{refused}"
    )


def _stop(message: str) -> NoReturn:
    typer.echo(f"kring match: {message}", err=True)
    raise typer.Exit(EXIT_BAD_INPUT)
