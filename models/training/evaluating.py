"""The whole of `kring evaluate`: everything that is measured, in one run, on notes the encoder was not trained on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.bundled import WEIGHTS, BundledEncoder
from models.taxonomy import TopicId, taxonomy
from models.training.comparing import Compared, NoteSet, Tell, compare, lineup
from models.training.corpus import CORPUS, Note, Register, Split, fingerprint, held_out, notes
from models.training.footprint import Footprint, footprint
from models.training.measuring import Grouping, Reading, Side, by_domain, grouping, reading, sides
from models.training.metrics import plain_and_hard, pools
from models.training.train import TAUGHT_FILE, train

TIMED_COMPARED: Final = 500
TIMED_KRING: Final = 5_000


@dataclass(frozen=True, slots=True)
class Results:
    """All numbers of one run. `unseen` is empty when training was left out."""

    model_id: str
    seed: int
    quick: bool
    taught_on_these: bool
    """Whether the weights were made from the training notes of this very corpus."""
    counts: dict[str, int]
    readings: list[Reading]
    seen: list[Compared]
    unseen: list[Compared]
    groupings: list[Grouping]
    sides: list[Side]
    domains: dict[str, tuple[float, int]]
    footprint: Footprint


def evaluate(
    weights: Path = WEIGHTS, corpus: Path = CORPUS, *, seed: int = 0, quick: bool = False, tell: Tell = lambda *_: None
) -> Results:
    """Measure the encoder in `weights`, and beside it the other methods.

    `quick` leaves out what has to be trained first. Raises EncoderUnavailable and BadInput for weights and corpus that
    cannot be read.
    """
    encoder = BundledEncoder(weights)
    known = taxonomy()
    parts = notes(corpus)
    elsewhere = parts[Split.ELSEWHERE]
    ours = [note for used in (Split.TRAIN, Split.DEVELOPMENT, Split.TEST) for note in parts[used]]
    tell("Finding topics", 0, 0)
    readings = _readings(parts[Split.TEST], elsewhere, encoder)
    side = sides([*parts[Split.TEST], *elsewhere], encoder, known)
    groupings = [
        grouping(f"elsewhere, {kind}", of_kind, encoder, seed=seed)
        for kind, of_kind in plain_and_hard(elsewhere).items()
        if of_kind
    ]
    taught = [note for note in parts[Split.TRAIN] if note.topic is not None]
    timed = [note.text for note in taught[:TIMED_COMPARED]]
    methods = lineup(weights, taught, known, seed=seed, quick=quick, tell=tell)
    seen = compare(methods, _seen_sets(parts[Split.TEST], elsewhere, seed), timed=timed, seed=seed, tell=tell)
    hidden = held_out(known)
    unseen: list[Compared] = []
    if not quick:
        of_hidden = [note for note in ours if note.topic in hidden or note.topic is None]
        unseen, groups = _unseen(of_hidden, taught, hidden, corpus, seed, tell)
        groupings += groups
    tell("Measuring speed and memory", 0, 0)
    return Results(
        model_id=encoder.model_id,
        seed=seed,
        quick=quick,
        taught_on_these=_taught_on(weights) == fingerprint(parts[Split.TRAIN]),
        counts={
            "training": len(parts[Split.TRAIN]),
            "development": len(parts[Split.DEVELOPMENT]),
            "test": len(parts[Split.TEST]),
            "elsewhere": len(elsewhere),
            "topics": len({note.topic for note in ours if note.topic}),
            "topics held out": len(hidden),
        },
        readings=readings,
        seen=seen,
        unseen=unseen,
        groupings=groupings,
        sides=side,
        domains=by_domain([*parts[Split.TEST], *elsewhere], encoder, known),
        footprint=footprint(weights, [note.text for note in parts[Split.TRAIN][:TIMED_KRING]]),
    )


def _readings(test: Sequence[Note], elsewhere: Sequence[Note], encoder: BundledEncoder) -> list[Reading]:
    sets = {"test, all": list(test)}
    sets |= {f"test, {register}": [note for note in test if note.register is register] for register in Register}
    sets |= {f"elsewhere, {kind}": own for kind, own in plain_and_hard(elsewhere).items()}
    return [reading(name, own, encoder) for name, own in sets.items() if any(note.topic for note in own)]


def _seen_sets(test: Sequence[Note], elsewhere: Sequence[Note], seed: int) -> list[NoteSet]:
    """The test notes in pools of fifty topics, as a municipality has them; the notes from elsewhere all together."""
    sets = [
        NoteSet(f"test {kind}", own, pools(own, seed=seed)) for kind, own in plain_and_hard(_about(test)).items() if own
    ]
    return sets + [
        NoteSet(f"elsewhere {kind}", own, [own]) for kind, own in plain_and_hard(_about(elsewhere)).items() if own
    ]


def _unseen(
    of_hidden: Sequence[Note],
    taught: Sequence[Note],
    hidden: frozenset[TopicId],
    corpus: Path,
    seed: int,
    tell: Tell,
) -> tuple[list[Compared], list[Grouping]]:
    """Everything trained once more without the held-out topics, then shown all notes of those."""
    sets = [NoteSet(kind, (), [own]) for kind, own in plain_and_hard(_about(of_hidden)).items() if own]
    left = [note for note in taught if note.topic not in hidden]
    with tempfile.TemporaryDirectory(prefix="kring-") as held:
        twin = Path(held) / "weights"
        train(
            twin,
            corpus=corpus,
            without=hidden,
            seed=seed,
            progress=lambda done, total: tell("Training a twin without the held-out topics", done, total),
        )
        methods = lineup(twin, left, taxonomy(), seed=seed, quick=True, tell=tell)
        rows = compare(methods, sets, timed=(), seed=seed, tell=tell)
        tell("Grouping notes on topics never seen", 0, 0)
        encoder = BundledEncoder(twin)
        groups = [
            grouping(f"topics never seen, {kind}", own, encoder, seed=seed)
            for kind, own in plain_and_hard(of_hidden).items()
            if own
        ]
    return rows, groups


def _about(some: Sequence[Note]) -> list[Note]:
    return [note for note in some if note.topic is not None]


def _taught_on(weights: Path) -> str:
    file = weights / TAUGHT_FILE
    return file.read_text("ascii").strip() if file.is_file() else ""
