"""`kring evaluate`: how well the bundled encoder reads Dutch notes, beside other methods."""

import os

# Read when torch and the libraries under numpy start: threads that wait must not keep a busy core from the others, and
# no library may ask a hub for a model.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.bundled import WEIGHTS
from models.errors import ModelError
from models.training.corpus import CORPUS
from models.training.evaluating import Results
from models.training.evaluating import evaluate as measure
from models.training.report import markdown, preamble, shortcomings, tables
from service.commands.errors import stop
from service.commands.files import check_output, write_output

PAGE = Path("docs/evaluation.md")
CORES = 2


def evaluate(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"Write the page here; default: {PAGE}, with --quick nowhere.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what has to be trained first.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn at random.", min=0, max=2**32 - 1)] = 0,
    weights: Annotated[Path, typer.Option(help="Folder of the model to measure.", metavar="FOLDER")] = WEIGHTS,
    corpus: Annotated[Path, typer.Option(help="Folder of the notes.", metavar="FOLDER")] = CORPUS,
) -> None:
    """Measure topics, themes, groups, calibration and speed on notes the encoder was not trained on.

    Prints tables and writes them to docs/evaluation.md. Takes about half an hour.
    """
    page = output or (None if quick else PAGE)
    check_output(page)
    _two_cores()
    try:
        results = _measured(weights, corpus, seed=seed, quick=quick)
    except ModelError as error:
        raise stop(str(error)) from error
    except OSError as error:
        raise stop(f"{error.filename or corpus}: {error.strerror or error}") from error
    _print(results)
    if page is not None:
        write_output(page, markdown(results))
        typer.echo(f"written: {page}", err=True)


def _measured(weights: Path, corpus: Path, *, seed: int, quick: bool) -> Results:
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

        return measure(weights, corpus, seed=seed, quick=quick, tell=tell)


def _print(results: Results) -> None:
    console = Console()
    console.print(f"{results.model_id}, seed {results.seed}", highlight=False)
    for line in preamble(results):
        console.print(line, highlight=False)
    for one in tables(results):
        shown = Table(*one.header, title=one.title, title_justify="left")
        for row in one.rows:
            shown.add_row(*row)
        console.print(shown)
    console.print("What it cannot do, and where it falls short", style="bold")
    for line in shortcomings(results):
        console.print(f"- {line}", highlight=False)


def _two_cores() -> None:
    """Keep to two cores, so that speeds mean the same on every machine. Only Linux can be told."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
