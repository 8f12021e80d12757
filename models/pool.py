"""Needs to a pool: everything the engine compares people by, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from models.age import read_age_band
from models.bounds import Pool, check_ids, places
from models.encoder import Encoder, Vector, Vectors
from models.errors import BadInput
from models.need import Need
from models.taxonomy import TopicId, taxonomy

NONE_KNOWN: Final[Mapping[str, Vector]] = MappingProxyType({})
CONFIRMED_WEIGHT: Final = 1.0
"""A confirmed topic weighs as much as the whole note: a caseworker who names it knows more than a reader of words."""


def pool_of(needs: Sequence[Need], encoder: Encoder, vectors: Mapping[str, Vector] = NONE_KNOWN) -> Pool:
    """The needs as the engine works with them: sorted, age bands read, encoded. Errors as in `models.match`."""
    check_ids(needs)
    places(needs)  # before encoding, which may take minutes
    known = [
        need if need.age_band is not None else replace(need, age_band=read_age_band(need.text, need.perspective))
        for need in sorted(needs, key=lambda need: need.id)
    ]
    drawn = _with_topics(known, _encoded(known, encoder, vectors), encoder)
    return Pool.of(known, encoder.comparable(drawn), *encoder.levels)


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
