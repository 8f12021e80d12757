"""Rare situations in a note: what tells who somebody is without a name, as "the only family with triplets" does.

They are warned about and never stop a need: only a person can judge how rare something is in their own municipality.
Word lists only (`rarity.toml`), so that each warning can be explained. That a few facts together point out one person
is the "singling out" of Opinion 05/2014 on anonymisation techniques (WP216).
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from models.phrases import compiled, sentences


class Rare(StrEnum):
    """Why somebody can be recognised."""

    ONLY_ONE = "only_one"
    PUBLIC_ROLE = "public_role"
    KNOWN_FAMILY = "known_family"
    IN_THE_NEWS = "in_the_news"
    PRIZE = "prize"
    MULTIPLE_BIRTH = "multiple_birth"
    ONE_OF_FEW = "one_of_few"
    MOST_OF_ALL = "most_of_all"
    LARGE_FAMILY = "large_family"
    KNOWN_BY_ALL = "known_by_all"
    RECOGNISABLE_HOME = "recognisable_home"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class RareSituation:
    """text[start:end] of the note, in code points, and why somebody can be recognised by it."""

    kind: Rare
    start: int
    end: int


def rare_situations(note: str) -> tuple[RareSituation, ...]:
    """The rare situations in `note`, in order and without overlap. Never raises on any string.

    Of two at one place the longer is told, since it is what has to be written differently.
    """
    rules, harmless = _rules()
    found: list[RareSituation] = []
    for sentence in sentences(note):
        innocent = [set(range(*place)) for place in sentence.found(harmless)]
        for kind, pattern in rules:
            for first, last in sentence.found(pattern):
                if not any(set(range(first, last)) & words for words in innocent):
                    found.append(RareSituation(kind, sentence.words[first].start, sentence.words[last - 1].end))
    return _without_overlap(found)


def _without_overlap(found: list[RareSituation]) -> tuple[RareSituation, ...]:
    order = list(Rare)
    kept: list[RareSituation] = []
    for one in sorted(found, key=lambda one: (one.start - one.end, one.start, order.index(one.kind))):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda one: one.start))


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[tuple[Rare, re.Pattern[str]], ...], re.Pattern[str]]:
    """The data file that ships with the package; read once, it never changes while running."""
    data = tomllib.loads(files("models").joinpath("rarity.toml").read_text("utf-8"))
    lists = data["lists"]
    rules = tuple((Rare(group["kind"]), compiled(group["phrases"], lists)) for group in data["situation"])
    return rules, compiled(data["harmless"]["phrases"], lists)
