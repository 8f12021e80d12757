"""Numbers learnt on the development notes, after the model is fitted and before the test notes are looked at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundled import FACTS_FILE, BundledEncoder, Facts
from models.need import Perspective
from models.taxonomy import Taxonomy
from models.topics import SUGGESTED, Suggester
from models.training.corpus import Note
from models.training.measuring import grouping
from models.training.metrics import plain_and_hard

TEMPERATURES: Final = np.geomspace(0.3, 3.0, 40)
PERSPECTIVE_WEIGHTS: Final = np.linspace(0.0, 1.0, 11)
NONE_SHARE: Final = 0.1
"""Of the notes that come in, those that fit no topic (docs/sources.md, Understanding Dutch notes)."""
PAIR_PRECISION: Final = {"plain": 0.9, "hard": 0.6}
"""Of the pairs in a group, those that share a topic: by kind of note (docs/sources.md, Groups)."""
POOL_NOTES: Final = 8
"""Notes a topic needs to be in the pool that groups are composed from."""
LADDER: Final = (1.4, 1.0, 0.65)
"""Levels as multiples of the one that is sound by itself. Who finds a group among the closest is out of reach of worse
ones, so those left over may look wider than would be sound for all; steps chosen on the rehearsal notes."""
CLOSE_TRIED: Final = np.arange(0.90, 0.19, -0.01)
WRONG: Final = 0.5
"""What three wrong suggestions cost, where a right one gains 1: who reads past them trusts the next less."""


def uncalibrated(columns: Sequence[str], notes: Sequence[Note], taxonomy: Taxonomy) -> Facts:
    """Facts of a model just fitted: who asks about which topic is counted, the rest is not learnt yet."""
    return Facts(
        name="kring-nl-1",
        columns=tuple(columns),
        levels=(0.5,),
        temperature=1.0,
        sure_from=0.0,
        perspective_weight=0.0,
        perspectives=_perspectives(columns, notes, taxonomy),
    )


def write(facts: Facts, folder: Path) -> None:
    """Beside the weights, as JSON: a person can read what was learnt."""
    (folder / FACTS_FILE).write_text(json.dumps(asdict(facts), indent=1, ensure_ascii=False) + "\n", "utf-8")


def calibrated(folder: Path, notes: Sequence[Note]) -> Facts:
    """The facts of the model in `folder` with everything learnt on these notes, which it was not fitted on."""
    encoder = BundledEncoder(folder)
    known = [note for note in notes if note.topic is None or note.topic in encoder.facts.columns]
    vectors = encoder.encode([note.text for note in known])
    asks = [note.perspective for note in known]
    column = {topic: at for at, topic in enumerate(encoder.facts.columns)}
    target = np.array([column[note.topic] if note.topic else len(column) for note in known])
    fitted = chosen = encoder.facts
    least = np.inf
    for weight in PERSPECTIVE_WEIGHTS:
        for temperature in TEMPERATURES:
            tried = replace(fitted, temperature=float(temperature), perspective_weight=float(weight))
            chances = _chances(encoder, tried, vectors, asks)
            loss = float(-np.log(np.clip(chances[np.arange(len(target)), target], 1e-12, None)).mean())
            if loss < least - 1e-6:
                least, chosen = loss, tried
    chances = _chances(encoder, chosen, vectors, asks)
    sound = _close_from(encoder, known)
    return replace(
        chosen,
        sure_from=_sure_from(chances, target),
        levels=tuple(round(step * sound, 3) for step in LADDER),
    )


def _chances(
    encoder: BundledEncoder, facts: Facts, vectors: NDArray[np.float32], asks: Sequence[Perspective]
) -> NDArray[np.float64]:
    encoder.facts = facts
    return Suggester(encoder).probabilities(vectors, asks)


def _sure_from(chances: NDArray[np.float64], target: NDArray[np.int_]) -> float:
    """The confidence from which suggesting pays: a right topic in the first three gains 1, three wrong ones cost WRONG.

    A tenth of the notes that come in fit no topic, so those weigh a tenth here, however many there are.
    """
    three = np.argsort(-chances[:, :-1], axis=1)[:, :SUGGESTED]
    sure = chances[:, :-1].max(axis=1)
    guessed = sure > chances[:, -1]
    none = target == chances.shape[1] - 1
    gain = np.where((three == target[:, None]).any(axis=1), 1.0, -WRONG)
    weight = np.where(none, NONE_SHARE / max(none.sum(), 1), (1 - NONE_SHARE) / max((~none).sum(), 1))
    candidates = np.unique(np.round(sure, 3))
    worth = [float((weight * gain)[guessed & (sure >= at)].sum()) for at in candidates]
    return float(candidates[int(np.argmax(worth))])


def _close_from(encoder: BundledEncoder, notes: Sequence[Note]) -> float:
    """The lowest closeness from which groups composed of these notes are as sound as we want them.

    Measured with the engine itself, on the topics that have notes enough for a group and a tenth of notes of none,
    plain notes and others apart. Held from there on up: a lucky dip at one value is no reason to trust it.
    """
    count = Counter(note.topic for note in notes)
    pools: dict[str, list[Note]] = {}
    for kind, own in plain_and_hard(notes).items():
        pool = [note for note in own if note.topic is not None and count[note.topic] >= POOL_NOTES]
        pools[kind] = [*pool, *[note for note in own if note.topic is None][: len(pool) // 9]]
    chosen = 1.0
    for close_from in CLOSE_TRIED:
        encoder.facts = replace(encoder.facts, levels=(float(close_from),))
        measured = {kind: grouping(kind, pool, encoder, seed=0).pairs.right for kind, pool in pools.items()}
        if any(right is not None and right < PAIR_PRECISION[kind] for kind, right in measured.items()):
            break
        chosen = float(close_from)
    return round(chosen, 2)


def _perspectives(columns: Sequence[str], notes: Sequence[Note], taxonomy: Taxonomy) -> dict[str, tuple[float, ...]]:
    """P(who asks | topic) for each column but "none", which anybody may ask; smoothed, so nothing is impossible."""
    counted: Counter[tuple[str, Perspective]] = Counter((note.topic, note.perspective) for note in notes if note.topic)
    found: dict[str, tuple[float, ...]] = {}
    totals = {topic: sum(counted[topic, asks] for asks in Perspective) for topic in columns}
    everyone = Counter(note.perspective for note in notes)
    for asks in Perspective:
        expected = everyone[asks] / len(notes)
        found[asks.value] = tuple(
            round((counted[topic, asks] + 1) / (totals[topic] + len(Perspective)) / max(expected, 0.01), 4)
            for topic in columns
            if topic in taxonomy.topics
        )
    return found
