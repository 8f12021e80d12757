"""`kring match`: the whole engine on a file, without a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from models.encoder import load_encoder
from models.errors import ModelError
from models.match import match as run_engine
from models.need import Need
from models.plan import Group, Plan, Progress, Reason, Stage
from service.commands.errors import stop
from service.commands.files import EncoderSetting, NeedsFile, SkipBad, check_output, read_file, write_output
from service.wording import sentence

STAGES: Final = {Stage.ENCODING: "Reading notes", Stage.THEMES: "Finding themes", Stage.GROUPS: "Composing groups"}


def match(
    file: Annotated[Path, typer.Argument(help="Needs, one JSON object a line.", metavar="FILE.jsonl")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the plan here instead of to standard output.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same file and seed, same plan.", min=0, max=2**32 - 1)] = 0,
    skip_bad: SkipBad = False,
    encoder: EncoderSetting = None,
) -> None:
    """Find themes and groups in a file of needs, with the reasons; no database needed."""
    check_output(output)
    read = read_file(file, skip_bad=skip_bad)
    try:
        plan = _planned(read.needs, encoder_setting=encoder or None, seed=seed)
    except ModelError as error:
        raise stop(f"{file}: {error}") from error
    write_output(output, json.dumps(as_json(plan, refused=len(read.refused)), ensure_ascii=False, indent=2) + "\n")
    typer.echo(_summary(plan, read), err=True)


def as_json(plan: Plan, *, refused: int = 0) -> dict[str, Any]:
    """The plan in the file format of docs/sources.md, with what a coordinator needs to check it beside it."""
    placed = sum(len(group.members) for group in plan.groups)
    return {
        "groups": [_group(group) for group in plan.groups],
        "themes": [
            {
                "theme": theme.id,
                "label": theme.label,
                "perspective": theme.perspective.value if theme.perspective else None,
                "members": list(theme.members),
                "advice": [_worded(reason) for reason in plan.advice.get(theme.id, ())],
            }
            for theme in plan.themes
        ],
        "ungrouped": [
            {
                "id": one.id,
                "why": sentence(one.reason),
                **_coded(one.reason),
                "alternatives": [_worded(reason) for reason in one.alternatives],
            }
            for one in plan.ungrouped
        ],
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


def _worded(reason: Reason) -> dict[str, Any]:
    return {**_coded(reason), "text": sentence(reason)}


def _coded(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code.value, "params": dict(reason.params)}


def _summary(plan: Plan, read: NeedsFile) -> str:
    placed = sum(len(group.members) for group in plan.groups)
    refused = f", {len(read.refused)} rows refused" if read.refused else ""
    return (
        f"{len(read.needs)} needs: {placed} in {len(plan.groups)} groups, "
        f"{len(plan.themes)} themes, {len(plan.ungrouped)} without a group{refused}"
    )
