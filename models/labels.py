"""Names for themes that cannot give a person away.

A label is made only of words that at least five residents in the theme wrote (or had written), noted by at least three
different caseworkers; published attacks pull a single person's diagnosis out of cluster labels that skip this. When no
telling word passes, the taxonomy's word for what they are about stands in, by the same rule, and broader where it would
reveal a diagnosis. Else the label is a number, and a coordinator gives the theme its name.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from models.need import Need
from models.normalise import dutch_words, plain
from models.plan import MatchSettings
from models.taxonomy import TopicId, taxonomy

_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_NUMBERED: Final = re.compile(r"Thema (\d+)")
MIN_SHARE: Final = 0.6
MIN_LIFT: Final = 4.0
"""A word the field's vocabulary does not know must be used by most of the theme and hardly elsewhere."""
STEM_LEAST: Final = 4
"""Letters of a stem that may vouch for a word; a shorter one begins words of all kinds."""
CANDIDATES: Final = 100
"""Only the words most residents of a theme used are looked at; a rarer one would not be its name."""
MIN_WHOLE: Final = 3
"""A word that hardly anyone used by itself is a fragment of others ("pleegoud"), however often found in them."""
SECOND_TERM: Final = 0.75
"""A second word joins when it scores nearly as well as the first."""


def number_of(label: str) -> int | None:
    """The number of a theme for which no word passed; None when the label is made of words."""
    numbered = _NUMBERED.fullmatch(label)
    return int(numbered[1]) if numbered else None


@lru_cache(maxsize=1)
def _topic_stems() -> tuple[str, ...]:
    """Stems of the words that name the topics of the taxonomy."""
    stems = {stem for topic in taxonomy().topics.values() for stem in topic.words if len(stem) >= STEM_LEAST}
    return tuple(sorted(stems - dutch_words().stop))


class Labeller:
    """Labels the themes of one pool; knows what the whole pool says, to tell a theme's own words from everyone's."""

    def __init__(self, needs: Sequence[Need], settings: MatchSettings, topics: Sequence[TopicId | None] = ()) -> None:
        self._topics = topics
        self._settings = settings
        self._needs = needs
        self._words = [frozenset(_WORD.findall(need.text.lower())) for need in needs]
        self._spread = Counter(word for words in self._words for word in words)

    def label(self, rows: Sequence[int], number: int) -> str:
        """Label of a theme: words that enough people used, else what enough are about, else "Thema" and its number."""
        return self._words_of(rows) or self._topic_of(rows) or f"Thema {number}"

    def _topic_of(self, rows: Sequence[int]) -> str | None:
        """The taxonomy's word for what most are about, or for its domain: broader where it would reveal a diagnosis."""
        topics = taxonomy().topics
        domains = {domain.id: domain.label for domain in taxonomy().domains}
        about = [(row, topics[topic]) for row in rows if self._topics and (topic := self._topics[row]) is not None]
        for named in (
            {row: topic.report_label for row, topic in about},
            {row: domains[topic.domain] for row, topic in about},
        ):
            counts = Counter(named.values())
            for name in sorted(counts, key=lambda name: (-counts[name], name))[:1]:
                if counts[name] >= MIN_SHARE * len(rows) and self._enough([row for row in named if named[row] == name]):
                    return name
        return None

    def _words_of(self, rows: Sequence[int]) -> str | None:
        scores: dict[str, float] = {}
        written = Counter(word for row in rows for word in self._words[row])
        often = [word for word, count in written.items() if count >= MIN_WHOLE]
        for word in sorted(often, key=lambda word: (-written[word], word))[:CANDIDATES]:
            score = self._score(word, rows)
            if score > 0:
                scores[word] = score
        ranked = sorted(scores, key=lambda word: (-scores[word], word))
        if not ranked:
            return None
        first: str = ranked[0]
        second = next((word for word in ranked[1:] if word not in first and first not in word), None)
        if second is None or scores[second] < SECOND_TERM * scores[first]:
            return first.capitalize()
        return f"{first.capitalize()} en {second}"

    def _score(self, word: str, rows: Sequence[int]) -> float:
        """Class-based TF-IDF (Grootendorst 2022, formula 1) on residents instead of occurrences; 0 when not allowed."""
        if plain(word) in dutch_words().stop or plain(word) in dutch_words().abbreviations:
            return 0.0
        users = [row for row in rows if self._uses(row, word)]
        if not self._enough(users):
            return 0.0
        share = len(users) / len(rows)
        in_pool = self._spread[word] / len(self._needs)
        names_topic = plain(word).startswith(_topic_stems())
        if not names_topic and (share < MIN_SHARE or share < MIN_LIFT * in_pool):
            return 0.0
        return share * math.log1p(1 / in_pool) * (2.0 if names_topic else 1.0)

    def _enough(self, rows: Sequence[int]) -> bool:
        """Enough residents, noted by enough different caseworkers, that what they share gives nobody away."""
        caseworkers = {self._needs[row].caseworker for row in rows} - {None}
        return len(rows) >= self._settings.label_residents and len(caseworkers) >= self._settings.label_caseworkers

    def _uses(self, row: int, word: str) -> bool:
        """A resident uses a word on its own or inside a compound: "vechtscheiding" uses "scheiding"."""
        return word in self._words[row] or (len(word) > 4 and any(word in other for other in self._words[row]))
