"""What the bundled encoder is measured on: topics, calibration, "none of these", perspectives, groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.bundled import BundledEncoder
from models.match import MatchSettings, match
from models.need import Need, Perspective
from models.taxonomy import Taxonomy
from models.topics import Suggester, Suggestions
from models.training.corpus import Note
from models.training.metrics import Found, Pairs, expected_calibration_error, found, pairs


@dataclass(frozen=True, slots=True)
class Reading:
    """How the topics of some notes are found. Shares are None where there is no such note."""

    name: str
    notes: int
    """With a topic."""
    known: Found
    """With the perspective."""
    alone: Found
    """From the text alone."""
    calibration: float
    """Expected calibration error of the first suggestion, over notes with and without a topic."""
    none_notes: int
    none_right: float | None
    """Of the notes of no topic, those that get "none"."""
    none_wrong: float
    """Of the notes with a topic, those that get "none"."""


def reading(name: str, notes: Sequence[Note], encoder: BundledEncoder) -> Reading:
    """Measure the suggestions on these notes. Raises ValueError when none of them has a topic."""
    suggester = Suggester(encoder)
    vectors = encoder.encode([note.text for note in notes])
    asks = [note.perspective for note in notes]
    with_it = suggester.of_vectors(vectors, asks)
    column = {topic: at for at, topic in enumerate(encoder.facts.columns)}
    target = np.array([column.get(note.topic or "", len(column)) for note in notes])
    about = [note.topic is not None for note in notes]
    unsure = [not one.sure for one in with_it]
    none = [got for got, has in zip(unsure, about, strict=True) if not has]
    return Reading(
        name=name,
        notes=sum(about),
        known=_found(with_it, notes),
        alone=_found(suggester.of_vectors(vectors), notes),
        calibration=expected_calibration_error(suggester.probabilities(vectors, asks), target),
        none_notes=len(none),
        none_right=float(np.mean(none)) if none else None,
        none_wrong=float(np.mean([got for got, has in zip(unsure, about, strict=True) if has])),
    )


@dataclass(frozen=True, slots=True)
class Side:
    """Notes asked from one side of the problem: the right topic first, or a sibling of it instead."""

    perspective: Perspective
    notes: int
    first_alone: float
    first_known: float
    sibling_alone: float
    sibling_known: float


def sides(notes: Sequence[Note], encoder: BundledEncoder, taxonomy: Taxonomy) -> list[Side]:
    """For each perspective, in order: what knowing it does to how siblings are kept apart."""
    suggester = Suggester(encoder)
    siblings = taxonomy.siblings()
    of_side: dict[Perspective, list[Note]] = defaultdict(list)
    for note in notes:
        if note.topic is not None:
            of_side[note.perspective].append(note)
    measured: list[Side] = []
    for side in Perspective:
        own = of_side[side]
        if own:
            alone = suggester.suggest([note.text for note in own])
            known = suggester.suggest([note.text for note in own], [side] * len(own))
            taken = [
                sum(
                    one.best[0].topic in siblings[note.topic] for one, note in zip(read, own, strict=True) if note.topic
                )
                for read in (alone, known)
            ]
            measured.append(
                Side(
                    side,
                    len(own),
                    _found(alone, own).first,
                    _found(known, own).first,
                    taken[0] / len(own),
                    taken[1] / len(own),
                )
            )
    return measured


def by_domain(notes: Sequence[Note], encoder: BundledEncoder, taxonomy: Taxonomy) -> dict[str, tuple[float, int]]:
    """Label of a domain to the share of its notes whose topic comes first, and how many those are; the worst first."""
    about = [note for note in notes if note.topic is not None]
    suggested = Suggester(encoder).suggest([note.text for note in about], [note.perspective for note in about])
    right: dict[str, list[bool]] = defaultdict(list)
    for note, one in zip(about, suggested, strict=True):
        if note.topic is not None:
            right[taxonomy.topics[note.topic].domain].append(one.best[0].topic == note.topic)
    labels = {domain.id: domain.label for domain in taxonomy.domains}
    shares = {labels[domain]: (sum(own) / len(own), len(own)) for domain, own in right.items()}
    return dict(sorted(shares.items(), key=lambda item: (item[1][0], item[0])))


@dataclass(frozen=True, slots=True)
class Grouping:
    """What the whole engine makes of a pool, from text and perspective only."""

    name: str
    pairs: Pairs
    themes: int
    mixed: int
    """Themes whose members do not share one perspective."""


def grouping(name: str, notes: Sequence[Note], encoder: BundledEncoder, *, seed: int) -> Grouping:
    """Run the engine with its default bounds on these notes."""
    held = {note.id: note for note in notes}
    needs = [Need(note.id, note.text, note.perspective) for note in notes]
    plan = match(needs, encoder=encoder, seed=seed)
    smallest = MatchSettings().circle_min
    return Grouping(
        name=name,
        pairs=pairs([group.members for group in plan.groups], held, smallest=smallest),
        themes=len(plan.themes),
        mixed=sum(len({held[member].perspective for member in theme.members}) > 1 for theme in plan.themes),
    )


def _found(suggested: Sequence[Suggestions], notes: Sequence[Note]) -> Found:
    both = [(one, note) for one, note in zip(suggested, notes, strict=True) if note.topic is not None]
    return found([[best.topic for best in one.best] for one, _ in both], [note.topic for _, note in both])
