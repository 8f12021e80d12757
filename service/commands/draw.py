"""`kring draw`: a fair draw with quotas, that anyone can repeat."""

from __future__ import annotations

import csv
import io
import json
import secrets
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from models.errors import ModelError
from models.lottery import Draw, Lottery, Problem, QuotasImpossible, fair_lottery, read_quotas
from models.lottery import draw as draw_panel
from service.commands.draw_report import explained, relaxed, report, rows_of_quotas
from service.commands.errors import stop
from service.commands.files import check_output, write_output
from service.commands.people_csv import Source, read_people, read_source, read_tables

SEEDS: Final = 2**32
DIGITS: Final = 9
"""Of a chance or probability in a file; finer than the solver is."""


def draw(
    file: Annotated[Path, typer.Argument(help="CSV with a row for each person.", metavar="PEOPLE.csv")],
    quotas: Annotated[
        Path, typer.Option(help="TOML with the quotas; docs/how-to-draw.md tells how.", metavar="Q.toml")
    ],
    seats: Annotated[int, typer.Option(help="People to draw.")],
    seed: Annotated[
        int | None, typer.Option(help="Same files and seed, same panel. Without it one is made.", min=0)
    ] = None,
    id_column: Annotated[str, typer.Option(help="Column that names a person.")] = "id",
    household: Annotated[
        str | None, typer.Option(help="Column that people of one household share; one of them at most is drawn.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write panel, chances and lottery here, as JSON.")
    ] = None,
    chances: Annotated[Path | None, typer.Option(help="Write the chance of each person here, as CSV.")] = None,
    reserves: Annotated[int, typer.Option(help="Reserves to draw for who does not come.", min=0)] = 0,
) -> None:
    """Draw a panel that keeps the quotas, with chances as equal as the quotas allow.

    The ids of who is drawn go to standard output, one a line; the report goes to standard error.
    """
    for path in (output, chances):
        check_output(path)
    if seats < 1:
        raise stop(f"--seats: {seats} is too few; draw 1 or more")
    console = Console(stderr=True, highlight=False, markup=False)
    sources = (read_source(file), read_source(quotas))
    lottery = _lottery(file, quotas, sources, seats=seats, id_column=id_column, household=household, console=console)
    drawn = draw_panel(lottery, secrets.randbelow(SEEDS) if seed is None else seed, reserves=reserves)
    if output is not None:
        write_output(output, json.dumps(as_json(drawn, *sources), ensure_ascii=False, indent=1) + "\n")
    if chances is not None:
        write_output(chances, _chances_csv(lottery, id_column))
    report(console, drawn, people=sources[0], quotas=sources[1], seed_made=seed is None, reserves_asked=reserves)
    write_output(None, "".join(f"{name}\n" for name in drawn.panel))


def as_json(drawn: Draw, people: Source, quotas: Source) -> dict[str, Any]:
    """All there is to know about a draw, and to repeat it with; ids and counts, none of the values of a person."""
    lottery = drawn.lottery
    return {
        "seats": lottery.problem.seats,
        "seed": drawn.seed,
        "people": {"file": people.name, "sha256": people.sha256, "count": len(lottery.problem.people)},
        "quotas_file": {"file": quotas.name, "sha256": quotas.sha256},
        "made_with": {name: version(name) for name in ("numpy", "scipy")},
        "panel": list(drawn.panel),
        "reserves": [{"id": one.id, "replaces": list(one.replaces)} for one in drawn.reserves],
        "quotas": [
            {"feature": row.feature, "value": row.value, "min": row.least, "max": row.most}
            | {"people": row.people, "drawn": row.drawn}
            for row in rows_of_quotas(drawn)
        ],
        "chances": {name: round(chance, DIGITS) for name, chance in lottery.chances.items()},
        "lottery": {
            "cells": [sorted(name for house in cell.members for name in house) for cell in lottery.problem.cells],
            "panels": [
                {"probability": round(float(probability), DIGITS), "from_each_cell": counts.tolist()}
                for probability, counts in zip(lottery.probabilities, lottery.panels, strict=True)
            ],
        },
    }


def _lottery(
    file: Path,
    quotas: Path,
    sources: tuple[Source, Source],
    *,
    seats: int,
    id_column: str,
    household: str | None,
    console: Console,
) -> Lottery:
    tables = read_tables(quotas, sources[1])
    people = read_people(file, sources[0], id_column=id_column, household_column=household, needed=list(tables))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        problem = Problem.of(people, read_quotas(tables, people, seats), seats)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
            task = bars.add_task("Looking for panels", total=None)
            return fair_lottery(
                problem, lambda found: bars.update(task, description=f"Weighing panels: {found} so far")
            )
    except QuotasImpossible as error:
        refused = stop(f"{quotas}: {explained(error)}")
        for line in relaxed(error):
            console.print(line, soft_wrap=True)
        raise refused from error
    except ModelError as error:
        raise stop(f"{quotas}: {explained(error)}") from error


def _chances_csv(lottery: Lottery, id_column: str) -> str:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow([id_column, "chance"])
    rows.writerows([name, f"{chance:.{DIGITS}f}"] for name, chance in lottery.chances.items())
    return written.getvalue()
