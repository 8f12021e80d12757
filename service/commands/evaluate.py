"""`kring evaluate`: how well the bundled encoder reads Dutch notes and what the gate finds, beside other methods."""

import os

# Read when torch and the libraries under numpy start: threads that wait must not keep a busy core from the others, and
# no library may ask a hub for a model.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.bundled import WEIGHTS
from models.errors import ModelError
from models.training import gate_report
from models.training.comparing import Tell
from models.training.corpus import CORPUS
from models.training.evaluating import Results
from models.training.evaluating import evaluate as measure
from models.training.gate import NOTES_FOLDER
from models.training.report import Table as Measured
from models.training.report import markdown, preamble, shortcomings, tables
from service.commands.errors import stop
from service.commands.files import check_output, write_output

PAGE = Path("docs/evaluation.md")
CORES = 2


class Part(StrEnum):
    """What can be measured alone."""

    READING = "reading"
    GATE = "gate"


def evaluate(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"Write the page here; default: {PAGE}, with --quick nowhere.")
    ] = None,
    only: Annotated[
        Part | None,
        typer.Option(
            help="Measure one part, and leave the other as it stands in the page: how notes are read, or what the"
            " de-identification gate finds (a minute)."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what has to be trained first.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn at random.", min=0, max=2**32 - 1)] = 0,
    weights: Annotated[Path, typer.Option(help="Folder of the model to measure.", metavar="FOLDER")] = WEIGHTS,
    corpus: Annotated[Path, typer.Option(help="Folder of the notes.", metavar="FOLDER")] = CORPUS,
) -> None:
    """Measure topics, themes, groups, calibration and speed on notes the encoder was not trained on, and the gate.

    Prints tables and writes them to docs/evaluation.md. Takes about half an hour.
    """
    page = output or (None if quick else PAGE)
    check_output(page)
    _two_cores()
    try:
        with _progress() as tell:
            # a corpus of one's own need not have notes for the gate, unless they are asked for
            of_gate = only is Part.GATE or (only is None and (corpus / NOTES_FOLDER).is_dir())
            reading = None if only is Part.GATE else measure(weights, corpus, seed=seed, quick=quick, tell=tell)
            gate = gate_report.measure(corpus, tell=tell) if of_gate else None
        written = page.read_text("utf-8") if page is not None and page.is_file() else ""
    except ModelError as error:
        raise stop(str(error)) from error
    except OSError as error:
        raise stop(f"{error.filename or corpus}: {error.strerror or error}") from error
    if reading is not None:
        _print(reading)
        written = "\n".join([markdown(reading), *filter(None, [gate_report.section_of(written)])])
    if gate is not None:
        _print_tables(gate_report.tables(gate))
        written = gate_report.with_section(written, gate_report.section(gate))
    if page is not None:
        write_output(page, written)
        typer.echo(f"written: {page}", err=True)


@contextmanager
def _progress() -> Iterator[Tell]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("Reading the corpus", total=None)
        said = ""

        def tell(what: str, done: int, total: int) -> None:
            nonlocal said
            if what != said and not console.is_terminal:
                console.print(what)
            said = what
            bars.update(task, description=what, completed=done, total=total or None)

        yield tell


def _print(results: Results) -> None:
    console = Console()
    console.print(f"{results.model_id}, seed {results.seed}", highlight=False)
    for line in preamble(results):
        console.print(line, highlight=False)
    _print_tables(tables(results))
    console.print("What it cannot do, and where it falls short", style="bold")
    for line in shortcomings(results):
        console.print(f"- {line}", highlight=False)


def _print_tables(measured: list[Measured]) -> None:
    console = Console()
    for one in measured:
        shown = Table(*one.header, title=one.title, title_justify="left")
        for row in one.rows:
            shown.add_row(*row)
        console.print(shown)


def _two_cores() -> None:
    """Keep to two cores, so that speeds mean the same on every machine. Only Linux can be told."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
