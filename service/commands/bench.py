"""`kring bench`: time, memory and quality of matching, beside other methods."""

import os

# Read when the libraries under numpy start, here and in the processes that are measured: threads that wait must not
# keep a busy core from the others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.benchmarks.alone import LIMITS, Limits
from models.benchmarks.benchmark import QUICK_SIZES, SIZES, Results, benchmark
from models.benchmarks.methods import METHODS
from models.benchmarks.report import markdown, preamble, shortcomings, tables
from models.errors import ModelError
from service.commands.errors import stop
from service.commands.files import check_output, write_output

PAGE = Path("docs/benchmarks.md")
PICTURES = "images"
CORES = 2
SMALLEST = 10


def bench(
    sizes: Annotated[
        str | None, typer.Option(help=f"Needs in a pool; default: {','.join(map(str, SIZES))}.", metavar="N,N,…")
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help=f"What to compare; default: {','.join(METHODS)}.", metavar="NAME,NAME,…")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"Pools of {QUICK_SIZES[0]} and {QUICK_SIZES[1]:,}.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=f"Write the page here; default: {PAGE}, for a part of it nowhere."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same pools.", min=0, max=2**32 - 1)] = 0,
    time_limit: Annotated[float, typer.Option(help="Seconds a method may take.", min=0.001)] = LIMITS.seconds,
    memory_limit: Annotated[float, typer.Option(help="MiB a method may take.", min=1)] = LIMITS.mib,
) -> None:
    """Measure matching on made-up pools, beside k-means-constrained, HDBSCAN and greedy neighbours.

    Prints tables; writes them, with a plot, to docs/benchmarks.md. Takes tens of minutes.
    """
    if quick and sizes is not None:
        raise stop("--quick and --sizes contradict each other")
    whole = not quick and sizes is None and methods is None
    page = output or (PAGE if whole else None)
    chosen = _chosen(methods)
    pools = QUICK_SIZES if quick else SIZES if sizes is None else _sizes(sizes)
    check_output(page)
    _check_installed(chosen, drawing=page is not None)
    _two_cores()
    try:
        results = _measured(pools, chosen, seed, Limits(time_limit, memory_limit))
    except ModelError as error:
        raise stop(str(error)) from error
    except OSError as error:
        raise stop(f"{error.filename or 'temporary folder'}: {error.strerror or error}") from error
    _print(results)
    if page is not None:
        _write(page, results)


def _chosen(names: str | None) -> list[str]:
    chosen = list(METHODS) if names is None else list(dict.fromkeys(name.strip() for name in names.split(",")))
    unknown = [name for name in chosen if name not in METHODS]
    if unknown:
        raise stop(f"--methods: {unknown[0] or 'nothing'} is not one of {', '.join(METHODS)}")
    return chosen


def _sizes(given: str) -> list[int]:
    try:
        sizes = sorted({int(size) for size in given.split(",")})
    except ValueError:
        raise stop(f"--sizes: {given} is no list of numbers such as 1000,10000") from None
    if sizes[0] < SMALLEST:
        raise stop(f"--sizes: {sizes[0]} is less than {SMALLEST}")
    return sizes


def _check_installed(chosen: list[str], *, drawing: bool) -> None:
    """Stop before minutes of work when what it stands on is not there."""
    missing = [needs for name in chosen if (needs := METHODS[name].needs) and not METHODS[name].installed()]
    if drawing and find_spec("matplotlib") is None:
        missing.append("matplotlib")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise stop(f"{' and '.join(missing)} {verb} not installed: `uv sync --frozen --inexact --group bench`")


def _measured(sizes: list[int] | tuple[int, ...], methods: list[str], seed: int, limits: Limits) -> Results:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)

        def tell(what: str, done: int, total: int) -> None:
            if not console.is_terminal:
                console.print(what, highlight=False)
            bars.update(task, description=what, completed=done, total=total)

        return benchmark(sizes, methods, seed=seed, limits=limits, tell=tell)


def _print(results: Results) -> None:
    console = Console()
    console.print(f"{results.model_id}, seed {results.seed}", highlight=False)
    console.print(preamble(results), highlight=False)
    for one in tables(results):
        shown = Table(title=one.title, title_justify="left")
        for name in one.header:
            shown.add_column(name, overflow="fold")
        for row in one.rows:
            shown.add_row(*row)
        console.print(shown)
    console.print("What it does not show, and where Kring falls short", style="bold")
    for line in shortcomings(results):
        console.print(f"- {line}", highlight=False)


def _write(page: Path, results: Results) -> None:
    """The picture first: a page never shows one that is not there."""
    # matplotlib takes half a second and belongs to group "bench"; who writes no page does without
    from models.benchmarks.plot import plot  # noqa: PLC0415

    picture = page.parent / PICTURES / f"{page.stem}.svg"
    drawn = plot(results)
    try:
        picture.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise stop(f"{picture.parent}: cannot be made ({error.strerror or type(error).__name__})") from error
    write_output(picture, drawn)
    write_output(page, markdown(results, datetime.now(UTC).date(), picture.relative_to(page.parent).as_posix()))
    typer.echo(f"written: {page} and {picture}", err=True)


def _two_cores() -> None:
    """Keep to two cores, so that times mean the same on every machine. Only Linux can be told."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
