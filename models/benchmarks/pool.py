"""Pools of any size to measure matching on: made-up residents of a made-up municipality, with notes of the corpus.

Only notes the bundled encoder was not trained on are used. There are a few thousand of those, so a large pool needs
each one many times. The first time a note is used as it stands; after that the first part of it is joined to the last
part of another note on the same topic, from the same side if there is one, so that hardly two people tell the same
story and no note gets easier to read than it was. A municipality grows by areas, not by density: twice as many people
live in twice as many.

Nobody has counted who asks a municipality for company, so the shares below are made up: proportions a caseworker would
recognise, the same for every size, and kept in one place so that anybody can argue with them. What is drawn does not
know the note: its "meneer (52)" may have ticked another age.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, cos, isqrt, radians
from typing import Final, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.bounds import EARTH_RADIUS_KM
from models.errors import BadInput
from models.need import DAYPARTS, AgeBand, Meeting, Need, Perspective
from models.training.corpus import Note, Split

T = TypeVar("T")

NONE_SHARE: Final = 0.08
"""People whose note fits no topic; about one in eleven in the notes that were written apart from the corpus."""
POPULARITY: Final = 0.75
"""How often a topic is asked about falls with its rank to this power, less steep than Zipf's law: the first of 300
is asked about by 8 in 100, the last by 1 in 1,000."""
CUT: Final = (0.3, 0.7)
"""Between which shares of its words each of two notes is cut before they are joined."""

AREA_NEEDS: Final = 250
AREA_KM: Final = 3.0
"""Between the centres of neighbouring areas, which lie on a square grid."""
CORNER: Final = (52.0, 5.0)
"""Latitude and longitude of the first area; only the distances between areas mean something."""
PLACE_UNKNOWN: Final = 0.02
REACH_KM: Final[Mapping[float | None, float]] = {None: 0.60, 3.0: 0.08, 5.0: 0.14, 10.0: 0.10, 20.0: 0.08}
"""How far somebody can travel; most did not say."""

LANGUAGES: Final[Mapping[tuple[str, ...], float]] = {
    ("nl",): 0.83,
    ("en", "nl"): 0.06,
    ("ar", "nl"): 0.03,
    ("nl", "tr"): 0.03,
    ("nl", "pl"): 0.01,
    ("uk",): 0.01,
    ("ar",): 0.01,
    ("en",): 0.01,
    ("tr",): 0.01,
}
MEETING: Final[Mapping[Meeting, float]] = {Meeting.IN_PERSON: 0.60, Meeting.EITHER: 0.32, Meeting.ONLINE: 0.08}
DAYPARTS_NAMED: Final[Mapping[int, float]] = {0: 0.10, 2: 0.18, 3: 0.27, 4: 0.24, 5: 0.13, 6: 0.08}
WEEKDAY_EVENING: Final = 2.5
WEEKDAY_DAY: Final = 1.5
"""How much likelier than in a weekend somebody can on a weekday, in the evening and by day."""

AGE_UNKNOWN: Final = 0.40
"""Forms that leave it open; the engine then reads the note."""
AGES: Final[Mapping[AgeBand, float]] = {
    AgeBand.UNDER_12: 0.02,
    AgeBand.AGE_12_15: 0.05,
    AgeBand.AGE_16_17: 0.04,
    AgeBand.AGE_18_24: 0.09,
    AgeBand.AGE_25_39: 0.22,
    AgeBand.AGE_40_64: 0.36,
    AgeBand.AGE_65_PLUS: 0.22,
}
"""Of who may be a minor; parents, partners, other relatives and foster parents are adults in the same proportions."""
MAY_BE_MINOR: Final = frozenset({Perspective.SELF, Perspective.CHILD, Perspective.SIBLING})

WAITING_MEAN: Final = 50
WAITING_MOST: Final = 365
"""Days; most wait for weeks, a few for most of a year."""
CASEWORKER_NEEDS: Final = 12
"""Open needs of one caseworker, who works in one area."""
APART_SHARE: Final = 0.02
"""People to be kept from one other person with the same topic, as those who split up over it: else they never meet."""


@dataclass(frozen=True, slots=True)
class MadePool:
    """Needs in the order of their ids; `notes` says by id of the need what it is really about."""

    needs: tuple[Need, ...]
    notes: Mapping[str, Note]
    areas: int
    as_written: float
    """Share of the needs whose note stands in the corpus as it is."""


def unseen(parts: Mapping[Split, Sequence[Note]]) -> list[Note]:
    """The notes that no weights were trained on; calibration did use those of the development split."""
    return [note for used in (Split.ELSEWHERE, Split.TEST, Split.DEVELOPMENT) for note in parts[used]]


def make_pool(size: int, notes: Sequence[Note], *, seed: int) -> MadePool:
    """A pool of this many needs. Same size, notes and seed, same pool. Raises BadInput when no note has a topic."""
    rng = np.random.default_rng([seed, size])
    written = list(_written(size, notes, rng, popularity=np.random.default_rng(seed)))
    people = [replace(note, id=f"p{number:07d}", text=text) for number, (note, text) in enumerate(written)]
    areas = ceil(size / AREA_NEEDS)
    return MadePool(
        needs=tuple(_needs(people, areas, rng)),
        notes={person.id: person for person in people},
        areas=areas,
        as_written=sum(note.text == text for note, text in written) / size if size else 0.0,
    )


def _written(size: int, notes: Sequence[Note], rng: Generator, *, popularity: Generator) -> Iterator[tuple[Note, str]]:
    """For each person a note and what of it was written down; the same topics are popular in pools of every size."""
    of_topic: dict[str, list[Note]] = defaultdict(list)
    for note in sorted(notes, key=lambda note: note.id):
        of_topic[note.topic or ""].append(note)
    for own in of_topic.values():
        rng.shuffle(own)
    topics = sorted(topic for topic in of_topic if topic)
    if not topics:
        raise BadInput("no_notes", notes=len(notes))
    popular = np.arange(1, len(topics) + 1) ** -POPULARITY
    none = NONE_SHARE if of_topic[""] else 0.0
    chances = [none, *((1 - none) * popularity.permutation(popular / popular.sum()))]
    used: Counter[str] = Counter()
    for drawn in rng.choice(["", *topics], size=size, p=chances):
        topic = str(drawn)
        own = of_topic[topic]
        used[topic] += 1
        if used[topic] <= len(own):
            yield own[used[topic] - 1], own[used[topic] - 1].text
        else:
            one = own[int(rng.integers(len(own)))]
            others = [note for note in own if note is not one] or [one]
            alike = [note for note in others if note.perspective is one.perspective] or others
            yield one, _joined(one, alike[int(rng.integers(len(alike)))], rng.uniform(*CUT, size=2))


def _joined(one: Note, other: Note, shares: NDArray[np.float64]) -> str:
    first, last = one.text.split(), other.text.split()
    return " ".join([*first[: round(shares[0] * len(first))], *last[round(shares[1] * len(last)) :]])


def _needs(people: Sequence[Note], areas: int, rng: Generator) -> Iterator[Need]:
    """Everything but the note, drawn for all at once."""
    size = len(people)
    area = rng.integers(areas, size=size) if areas else np.zeros(0, dtype=np.int64)
    unknown = rng.random(size) < PLACE_UNKNOWN
    reach = _drawn(REACH_KM, size, rng)
    languages = _drawn(LANGUAGES, size, rng)
    meeting = _drawn(MEETING, size, rng)
    adults = {band: share for band, share in AGES.items() if not _is_minor(band)}
    ages = {True: _drawn(AGES, size, rng), False: _drawn(adults, size, rng)}
    open_age = rng.random(size) < AGE_UNKNOWN
    dayparts = _dayparts(size, rng)
    waiting = np.minimum(rng.exponential(WAITING_MEAN, size), WAITING_MOST).astype(int)
    caseworker = rng.integers(-(-AREA_NEEDS // CASEWORKER_NEEDS), size=size)
    apart = _apart(people, rng)
    for at, person in enumerate(people):
        lat, lon = (None, None) if unknown[at] else _centre(int(area[at]), areas)
        yield Need(
            id=person.id,
            text=person.text,
            perspective=person.perspective,
            age_band=None if open_age[at] else ages[person.perspective in MAY_BE_MINOR][at],
            lat=lat,
            lon=lon,
            area=None if unknown[at] else f"area {area[at] + 1}",
            reach_km=reach[at],
            languages=frozenset(languages[at]),
            dayparts=dayparts[at],
            meeting=meeting[at],
            waiting_days=int(waiting[at]),
            caseworker=f"c{area[at]}-{caseworker[at]}",
            apart=apart.get(person.id, frozenset()),
        )


def _drawn(shares: Mapping[T, float], size: int, rng: Generator) -> list[T]:
    kinds = list(shares)
    weights = np.array(list(shares.values()))
    return [kinds[at] for at in rng.choice(len(kinds), size=size, p=weights / weights.sum())]


def _is_minor(band: AgeBand) -> bool:
    return Need("", "", age_band=band).is_minor


def _dayparts(size: int, rng: Generator) -> list[frozenset[str]]:
    """Draws without replacement, likelier parts first: the largest of log weight plus Gumbel noise (Yellott 1977)."""
    weights = np.array([_weight(daypart) for daypart in DAYPARTS])
    noisy: NDArray[np.float64] = np.log(weights) + rng.gumbel(size=(size, len(DAYPARTS)))
    order = np.argsort(-noisy, axis=1)
    named = _drawn(DAYPARTS_NAMED, size, rng)
    return [frozenset(DAYPARTS[part] for part in parts[:count]) for parts, count in zip(order, named, strict=True)]


def _weight(daypart: str) -> float:
    day, part = daypart.split("-")
    if day in {"sat", "sun"}:
        return 1.0
    return WEEKDAY_EVENING if part == "evening" else WEEKDAY_DAY


def _apart(people: Sequence[Note], rng: Generator) -> dict[str, frozenset[str]]:
    """One side of each pair says so, as one caseworker wrote it down."""
    told = rng.random(len(people)) < APART_SHARE
    last: dict[str | None, str] = {}
    found: dict[str, frozenset[str]] = {}
    for person, tells in zip(people, told, strict=True):
        if tells and person.topic in last:
            found[person.id] = frozenset({last[person.topic]})
        last[person.topic] = person.id
    return found


def _centre(area: int, areas: int) -> tuple[float, float]:
    """Degrees of an area on the smallest square grid that holds them all."""
    side = isqrt(areas - 1) + 1
    degree = radians(1) * EARTH_RADIUS_KM
    lat = CORNER[0] + (area // side) * AREA_KM / degree
    return lat, CORNER[1] + (area % side) * AREA_KM / (degree * cos(radians(CORNER[0])))
