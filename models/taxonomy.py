"""The topics on which residents meet as lotgenoten: what they are called, what they mean, who asks.

The data is `taxonomy.toml`. A topic is offered to a caseworker and never decides anything; what a topic reveals about a
person is written beside it, so that a report can say something broader instead.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import NewType

from models.errors import BadInput
from models.need import Perspective

TopicId = NewType("TopicId", str)


@dataclass(frozen=True, slots=True)
class Domain:
    """A part of social support; topics are listed under it."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Topic:
    """Something people can have in common.

    `broader` is set when the label itself reveals a diagnosis: the term that stands in for it in a report. `words` are
    stems of the topic's own words; half of its notes in the corpus do without them.
    """

    id: TopicId
    label: str
    description: str
    domain: str
    related: tuple[TopicId, ...]
    perspectives: tuple[Perspective, ...]
    words: tuple[str, ...]
    broader: str | None

    @property
    def reveals(self) -> bool:
        """True when the label itself reveals a diagnosis."""
        return self.broader is not None

    @property
    def report_label(self) -> str:
        """What a report may call it."""
        return self.broader or self.label


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All domains and topics, in the order of the file."""

    domains: tuple[Domain, ...]
    topics: Mapping[TopicId, Topic]

    def topic(self, wanted: str) -> Topic:
        """The topic with this id. Raises BadInput when there is none."""
        found = self.topics.get(TopicId(wanted))
        if found is None:
            raise BadInput("unknown_topic", topic=wanted)
        return found

    def siblings(self) -> dict[TopicId, set[TopicId]]:
        """Topics easily taken for each other, whichever of the two names the other."""
        both: dict[TopicId, set[TopicId]] = {topic: set() for topic in self.topics}
        for topic in self.topics.values():
            for other in topic.related:
                both[topic.id].add(other)
                both[other].add(topic.id)
        return both

    def of_domain(self, domain: Domain) -> tuple[Topic, ...]:
        """The topics of a domain, by label."""
        return tuple(sorted((t for t in self.topics.values() if t.domain == domain.id), key=lambda t: t.label))


@lru_cache(maxsize=1)
def taxonomy() -> Taxonomy:
    """The taxonomy that ships with Kring; read once, it never changes while running.

    Raises BadInput when the file contradicts itself: a repeated id, a related topic or a domain that is not there.
    """
    data = tomllib.loads(files("models").joinpath("taxonomy.toml").read_text("utf-8"))
    domains = tuple(Domain(row["id"], row["label"]) for row in data["domain"])
    topics: dict[TopicId, Topic] = {}
    for row in data["topic"]:
        topic = Topic(
            id=TopicId(row["id"]),
            label=row["label"],
            description=row["description"],
            domain=row["domain"],
            related=tuple(TopicId(other) for other in row["related"]),
            perspectives=tuple(Perspective(asks) for asks in row["perspectives"]),
            words=tuple(row["words"]),
            broader=row.get("broader"),
        )
        if topic.id in topics:
            raise BadInput("repeated_topic", topic=topic.id)
        topics[topic.id] = topic
    known = {domain.id for domain in domains}
    for topic in topics.values():
        if topic.domain not in known:
            raise BadInput("unknown_domain", topic=topic.id, domain=topic.domain)
        for other in topic.related:
            if other not in topics or other == topic.id:
                raise BadInput("unknown_related_topic", topic=topic.id, related=other)
    return Taxonomy(domains, topics)
