"""Kring's encoder and other methods on the same texts, in the same run: the one table that compares them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final

import torch

from models.taxonomy import Taxonomy
from models.training.baselines import Beside, Kring, Logistic, Lsa, Method, MiniLm, Tfidf
from models.training.bertopics import BerTopic
from models.training.corpus import Note
from models.training.machine import steady
from models.training.metrics import Found, ami, found, ward_ami
from models.training.neural import SmallTransformer, StaticContrastive

Tell = Callable[[str, int, int], None]
"""What is going on, and how far: done of total; a total of 0 means that nobody knows."""

CORES: Final = 2
NOT_INSTALLED: Final = "not installed: `uv sync --frozen --inexact --group evaluate`"


@dataclass(frozen=True, slots=True)
class NoteSet:
    """Notes with a topic, and the pools in which themes are looked for among them."""

    name: str
    notes: Sequence[Note]
    pools: Sequence[Sequence[Note]]


@dataclass(frozen=True, slots=True)
class Score:
    """Of one method on one set; None where the method names no topics, or there is no pool."""

    found: Found | None
    ami: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One method: `scores` by the name of the set; `remark` says why there is nothing to show, or what to know."""

    name: str
    scores: Mapping[str, Score]
    notes_a_second: float | None = None
    remark: str = ""


def lineup(
    kring: Path, taught: Sequence[Note], taxonomy: Taxonomy, *, seed: int, quick: bool, tell: Tell
) -> Iterator[Method]:
    """Each method in turn, fitted; `quick` leaves out those that take minutes to fit."""
    encoder = Kring(kring)
    yield encoder
    yield Tfidf()
    yield Lsa(seed)
    if MiniLm.installed():
        minilm = MiniLm()
        minilm.fit(taught)
        yield minilm
    if quick:
        return
    tell(f"Fitting {Logistic.name}", 0, 0)
    logistic = Logistic(seed)
    logistic.fit(taught)
    yield logistic
    transformer = SmallTransformer(seed=seed, progress=_told(tell, SmallTransformer.name))
    transformer.fit(taught)
    yield transformer
    static = StaticContrastive(taxonomy, seed=seed, progress=_told(tell, StaticContrastive.name))
    static.fit(taught)
    yield static
    beside = Beside("Kring beside the static embedding", encoder, static)
    beside.fit(taught)
    yield beside


def compare(
    methods: Iterator[Method], sets: Sequence[NoteSet], *, timed: Sequence[str], seed: int, tell: Tell
) -> list[Compared]:
    """Every method on every set, and BERTopic with the MiniLM among them; `timed` texts are for the speed alone."""
    rows: list[Compared] = []
    minilm: MiniLm | None = None
    for method in methods:
        tell(f"Measuring {method.name}", 0, 0)
        if isinstance(method, MiniLm):
            minilm = method
        scores = {one.name: _score(method, one) for one in sets}
        rows.append(Compared(method.name, scores, _speed(method.encode, timed)))
    if minilm is None:
        rows.append(Compared(MiniLm.name, {}, remark=NOT_INSTALLED))
    if minilm is None or not BerTopic.installed():
        rows.append(Compared(BerTopic.name, {}, remark=NOT_INSTALLED))
    else:
        tell(f"Measuring {BerTopic.name}", 0, 0)
        rows.append(_bertopic(BerTopic(minilm, seed=seed), sets, timed))
    return rows


def _score(method: Method, measured: NoteSet) -> Score:
    ranks = method.topics([note.text for note in measured.notes]) if measured.notes else None
    themes = [ward_ami(method.encode([note.text for note in pool]), _topics(pool)) for pool in measured.pools]
    return Score(found(ranks, _topics(measured.notes)) if ranks else None, fmean(themes) if themes else None)


def _bertopic(method: BerTopic, sets: Sequence[NoteSet], timed: Sequence[str]) -> Compared:
    scores: dict[str, Score] = {}
    outliers: list[str] = []
    for measured in sets:
        clusters = [method.clusters([note.text for note in pool]) for pool in measured.pools]
        themes = [ami(one, _topics(pool)) for one, pool in zip(clusters, measured.pools, strict=True)]
        scores[measured.name] = Score(None, fmean(themes) if themes else None)
        alone = [one == -1 for pool in clusters for one in pool]
        outliers += [f"{measured.name} {fmean(alone):.0%}"] if alone else []
    return Compared(method.name, scores, _speed(method.clusters, timed), f"outliers: {', '.join(outliers)}")


def _topics(notes: Sequence[Note]) -> list[str]:
    return [note.topic for note in notes if note.topic is not None]


def _speed(read: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float | None:
    if not texts:
        return None
    torch.set_num_threads(CORES)
    started = time.perf_counter()
    read(texts)
    seconds = time.perf_counter() - started
    steady()
    return len(texts) / seconds


def _told(tell: Tell, name: str) -> Callable[[int, int], None]:
    return lambda done, total: tell(f"Training the {name}", done, total)
