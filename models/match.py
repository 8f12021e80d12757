"""The matching engine as one pure function: needs, an encoder and a seed in, a plan out.

Same needs, encoder, settings and seed give the same plan, byte for byte, whatever the order of the needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from models.age import read_age_band
from models.bounds import Pool, check_ids, places
from models.composition import compose
from models.encoder import Encoder, Vector, Vectors
from models.errors import BadInput
from models.need import Need
from models.plan import Group, MatchSettings, Plan, Progress, Reason, Stage, Theme, Ungrouped
from models.reasons import described, why_not
from models.taxonomy import TopicId, taxonomy
from models.themes import find_themes

# The engine's whole vocabulary in one place, for who calls it.
__all__ = ["Group", "MatchSettings", "Plan", "Progress", "Reason", "Stage", "Theme", "Ungrouped", "match", "pool_of"]

DEFAULTS = MatchSettings()
NONE_KNOWN: Final[Mapping[str, Vector]] = MappingProxyType({})
CONFIRMED_WEIGHT: Final = 1.0
"""A confirmed topic weighs as much as the whole note: a caseworker who names it knows more than a reader of words."""


def match(
    needs: Sequence[Need],
    *,
    encoder: Encoder,
    vectors: Mapping[str, Vector] = NONE_KNOWN,
    settings: MatchSettings = DEFAULTS,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
) -> Plan:
    """Find themes in the needs and compose groups within the hard bounds.

    `vectors` holds what this encoder made of notes earlier, by id of the need; the rest is encoded here. An age band
    that is missing is read from the note. `progress` is called from this thread and may be slow or raise; what it
    raises goes to the caller, and nothing is left half done. An empty pool gives an empty plan.
    Raises BadInput for repeated ids, someone apart from themselves, places not on earth, vectors with NaN, and vectors
    that another encoder made.
    """
    tell = progress or _silent
    tell(Progress(Stage.ENCODING, 0, len(needs)))
    pool = pool_of(needs, encoder, vectors)
    tell(Progress(Stage.ENCODING, len(needs), len(needs)))
    tell(Progress(Stage.THEMES, 0, 1))
    themes = find_themes(pool, settings, seed=seed) if needs else ()
    tell(Progress(Stage.THEMES, 1, 1))
    groups: list[Group] = []
    for done, theme in enumerate(themes):
        tell(Progress(Stage.GROUPS, done, len(themes)))
        rows = [pool.row[member] for member in theme.members]
        groups.extend(described(draft, theme, pool, settings) for draft in compose(pool, rows, settings))
    tell(Progress(Stage.GROUPS, len(themes), len(themes)))
    return Plan(tuple(groups), themes, _ungrouped(groups, themes, pool, settings), encoder.model_id, seed)


def pool_of(needs: Sequence[Need], encoder: Encoder, vectors: Mapping[str, Vector] = NONE_KNOWN) -> Pool:
    """The needs as the engine works with them: sorted, age bands read, encoded. Errors as in `match`."""
    check_ids(needs)
    places(needs)  # before encoding, which may take minutes
    known = [
        need if need.age_band is not None else replace(need, age_band=read_age_band(need.text, need.perspective))
        for need in sorted(needs, key=lambda need: need.id)
    ]
    drawn = _with_topics(known, _encoded(known, encoder, vectors), encoder)
    return Pool.of(known, encoder.comparable(drawn), encoder.close_from)


def _encoded(needs: Sequence[Need], encoder: Encoder, vectors: Mapping[str, Vector]) -> Vectors:
    """(n, d): the vectors that are known, and new ones for the other notes. Cosines of two encoders mean nothing."""
    for need in needs:
        other = vectors.get(need.id)
        if other is not None and other.model_id != encoder.model_id:
            raise BadInput("mixed_vectors", id=need.id, model=other.model_id, encoder=encoder.model_id)
    missing = [at for at, need in enumerate(needs) if need.id not in vectors]
    fresh = encoder.encode([needs[at].text for at in missing])
    if not vectors:
        return fresh
    kept = {need.id: vectors[need.id].values for need in needs if need.id in vectors}
    sizes = {values.shape for values in kept.values()} | ({fresh.shape[1:]} if missing else set())
    if len(sizes) > 1:
        raise BadInput("mixed_vectors", model=encoder.model_id, sizes=len(sizes))
    rows = dict(zip((needs[at].id for at in missing), fresh, strict=True)) | kept
    return np.array([rows[need.id] for need in needs], dtype=np.float32)


def _with_topics(needs: Sequence[Need], vectors: Vectors, encoder: Encoder) -> Vectors:
    """Vectors drawn towards the topics a caseworker confirmed: a person's word counts beside the reader's."""
    named = sorted({topic for need in needs for topic in need.topics})
    if not named:
        return vectors
    meaning = dict(zip(named, encoder.encode([_in_words(topic) for topic in named]), strict=True))
    drawn = vectors.astype(np.float64)
    for row, need in enumerate(needs):
        if need.topics:
            drawn[row] += CONFIRMED_WEIGHT * np.mean([meaning[topic] for topic in need.topics], axis=0)
    lengths = np.linalg.norm(drawn, axis=1, keepdims=True)
    return np.asarray(drawn / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def _in_words(topic: str) -> str:
    """What a topic says; a municipality's own topic, which the taxonomy does not know, says its name."""
    known = taxonomy().topics.get(TopicId(topic))
    return f"{known.label}. {known.description}" if known else topic.replace("_", " ")


def _ungrouped(
    groups: Sequence[Group], themes: Sequence[Theme], pool: Pool, settings: MatchSettings
) -> tuple[Ungrouped, ...]:
    """Everyone in no group, in the order of their ids, with the reason."""
    placed = {member for group in groups for member in group.members}
    theme_of = {member: theme for theme in themes for member in theme.members}
    groups_of: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        groups_of[group.theme_id].append(group)
    answers: list[Ungrouped] = []
    for row, need in enumerate(pool.needs):
        if need.id not in placed:
            theme = theme_of.get(need.id)
            answers.append(why_not(row, theme, groups_of[theme.id] if theme else (), pool, settings))
    return tuple(answers)


def _silent(_: Progress) -> None:
    """Tell nobody."""
