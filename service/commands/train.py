"""`kring train`: the bundled encoder, from the corpus."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models.bundled import FACTS_FILE, WEIGHTS, BundledEncoder
from models.errors import ModelError
from models.training import train as training
from models.training.corpus import CORPUS
from service.commands.errors import stop


def train(
    seed: Annotated[
        int, typer.Option(help="Same corpus and seed, same weights.", min=0, max=2**32 - 1)
    ] = training.SEED,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Put the model in this folder.", metavar="FOLDER")
    ] = WEIGHTS,
    corpus: Annotated[
        Path, typer.Option(help="Folder with the notes and words to learn from.", metavar="FOLDER")
    ] = CORPUS,
) -> None:
    """Train the encoder on the corpus and calibrate it; some minutes on two CPU cores, less than thirty."""
    _check_folder(output)
    started = time.monotonic()
    console = Console(stderr=True)
    columns = (TextColumn("Training"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
            task = bars.add_task("", total=None)
            made = training.train(
                output,
                corpus=corpus,
                seed=seed,
                progress=lambda done, total: bars.update(task, completed=done, total=total),
            )
    except ModelError as error:
        raise stop(f"{corpus}: {error}") from error
    except OSError as error:
        raise stop(f"{error.filename or corpus}: {error.strerror or error}") from error
    typer.echo(
        f"{made.folder}: {made.notes} notes, {made.topics} topics, {made.megabytes:.1f} MB,"
        f" {time.monotonic() - started:.0f} seconds, {BundledEncoder(made.folder).model_id}"
    )


def _check_folder(folder: Path) -> None:
    """Stop before minutes of work. What is in the folder is replaced, so it has to be a model or nothing at all."""
    if folder.exists() and not folder.is_dir():
        raise stop(f"{folder}: is no folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / FACTS_FILE).is_file():
        raise stop(f"{folder}: holds something else than a model of Kring, and would be replaced")
    if not folder.parent.is_dir():
        raise stop(f"{folder.parent}: does not exist")
    if not os.access(folder.parent, os.W_OK):
        raise stop(f"{folder.parent}: cannot be written to")
