"""`kring encode`: a file of notes as a matrix of vectors."""

import io
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from models.encoder import load_encoder
from models.errors import EncoderUnavailable
from service.commands.errors import stop
from service.commands.files import EncoderSetting, SkipBad, check_output, read_file, write_output

AT_ONCE = 1_000


def encode(
    file: Annotated[Path, typer.Argument(help="Rows with id and text, one JSON object a line.", metavar="FILE.jsonl")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Write the matrix here.", metavar="OUT.npy")],
    skip_bad: SkipBad = False,
    encoder: EncoderSetting = None,
) -> None:
    """Turn notes into vectors: float32, a row for each note in the order of the file, unit length."""
    check_output(output)
    read = read_file(file, skip_bad=skip_bad, any_text=True)
    texts = [need.text for need in read.needs]
    try:
        reader = load_encoder(encoder or None)
    except EncoderUnavailable as error:
        raise stop(str(error)) from error
    starts = range(0, len(texts), AT_ONCE) or [0]  # no note at all still is a matrix: (0, d)
    bar = track(starts, "Reading notes", console=Console(stderr=True), transient=True)
    vectors = np.vstack([reader.encode(texts[at : at + AT_ONCE]) for at in bar])
    written = io.BytesIO()
    np.save(written, vectors, allow_pickle=False)
    write_output(output, written.getvalue())
    typer.echo(f"{len(vectors)} notes, {vectors.shape[1]} dimensions, by {reader.model_id}", err=True)
