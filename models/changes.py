"""The kinds of change a coordinator can make, and what each asks of a set of people; see `models.relaxation`.

A kind has a price for sets of people, a way to make it happen in a pool, and a way to be told. What it makes happen is
how it is checked: the changed pool goes through `violations` like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.bounds import SLACK, Pool, km_between, middle, violations
from models.combinations import Combinations, Floats, Ints
from models.errors import Param
from models.need import DAYPARTS, Form, Meeting, Need, Perspective
from models.plan import Code, Group, MatchSettings, Reason


@dataclass(frozen=True, slots=True)
class Priced:
    """What a change asks of each set `at` (k,), in each of its variants: `price` (k, v), the least it takes."""

    at: Ints
    price: Floats


@dataclass(frozen=True, slots=True)
class Chosen:
    """A set of people, the variant of the change, and how much of it."""

    people: Combinations
    members: tuple[int, ...]  # local
    variant: int
    amount: float


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change: what it asks of sets, what the pool is once it is made, and how it is told."""

    price: Callable[[Combinations], Priced]
    applied: Callable[[Chosen], tuple[Pool, tuple[int, ...]]]
    told: Callable[[Chosen], Reason]


def is_group(pool: Pool, together: Sequence[int], settings: MatchSettings) -> bool:
    """Whether these people are a circle within every bound, in one of the two ways to meet."""
    members = [pool.needs[at] for at in together]
    languages = sorted(frozenset.intersection(*(member.languages for member in members)))
    said = [member for member in members if member.dayparts]
    daypart = max(DAYPARTS, key=lambda name: sum(name in member.dayparts for member in said)) if said else None
    late = tuple(member.id for member in said if daypart not in member.dayparts)
    ids = tuple(member.id for member in members)
    return any(
        not violations(
            Group("", "", Form.CIRCLE, ids, language, meeting, daypart, late, dict.fromkeys(ids, 0.0)), pool, settings
        )
        for language in languages[:1]
        for meeting in (Meeting.IN_PERSON, Meeting.ONLINE)
    )


def groups_now(people: Combinations) -> Ints:
    """Sets that are a group as they are."""
    at = np.flatnonzero(people.fills_circle & people.nobody_alone & people.enough_can_come)
    return at[people.can_meet(at)]


def _price_of_more(people: Combinations) -> Priced:
    """Only the sets that the least number is enough for: nobody asks after the others."""
    settings = people.settings
    for more in range(1, settings.circle_min):
        size = people.sizes + more
        at = np.flatnonzero(
            (size >= settings.circle_min) & (size <= settings.circle_max) & people.enough_can_come_with(more)
        )
        near = people.middle_is_close(at)
        members = people.sets[at]
        enough = ((people.close_counts[at] + more * near >= settings.min_close) | ~members).all(axis=1)
        enough &= (near & members).sum(axis=1) + more - 1 >= settings.min_close
        at = at[enough]
        at = at[people.can_meet(at)]
        if at.size:
            return Priced(at, np.full((len(at), 1), float(more)))
    return Priced(np.zeros(0, dtype=np.int_), np.zeros((0, 1)))


def _with_more(chosen: Chosen) -> tuple[Pool, tuple[int, ...]]:
    """The pool with newcomers in the middle of the set; their note is its mean, they have no word of their own."""
    people, more = chosen.people.people, int(chosen.amount)
    members = list(chosen.members)
    needs = [people.needs[at] for at in members]
    said = [need for need in needs if need.dayparts]
    best = max(DAYPARTS, key=lambda name: sum(name in need.dayparts for need in said)) if said else None
    ways = {need.meeting for need in needs} - {Meeting.EITHER}
    newcomer = replace(
        needs[0],
        text="",
        languages=frozenset.intersection(*(need.languages for need in needs)),
        dayparts=frozenset({best} if best else ()),
        meeting=ways.pop() if ways else Meeting.EITHER,
        reach_km=None,
        apart=frozenset(),
    )
    added = tuple(replace(newcomer, id=f"{newcomer.id}+{number}") for number in range(1, more + 1))
    mean = people.vectors[members].astype(np.float64).sum(axis=0)
    known = people.places[members][~np.isnan(people.places[members, 0])]
    place = middle(known) if len(known) else np.full(3, np.nan)
    columns = np.array([name in newcomer.dayparts for name in DAYPARTS])
    size = len(people.needs)
    return replace(
        people,
        needs=people.needs + added,
        vectors=np.vstack([people.vectors, np.tile(mean / np.linalg.norm(mean), (more, 1)).astype(np.float32)]),
        places=np.vstack([people.places, np.tile(place, (more, 1))]),
        reach=np.append(people.reach, np.full(more, np.nan)),
        dayparts=np.vstack([people.dayparts, np.tile(columns, (more, 1))]),
        row={**people.row, **{need.id: size + at for at, need in enumerate(added)}},
    ), (*members, *range(size, size + more))


def _told_more(chosen: Chosen) -> Reason:
    return Reason(Code.MORE_PEOPLE, {"more": int(chosen.amount)})


def _price_of_daypart(people: Combinations) -> Priced:
    at = np.flatnonzero(people.fills_circle & people.nobody_alone)
    at = at[people.can_meet(at)]
    return Priced(at, people.short_of_daypart[at])


def _at_daypart(chosen: Chosen) -> tuple[Pool, tuple[int, ...]]:
    daypart, people = DAYPARTS[chosen.variant], chosen.people.people
    missing = [at for at in chosen.members if people.needs[at].dayparts and daypart not in people.needs[at].dayparts]
    asked = missing[: int(chosen.amount)]
    needs = _changed(people, asked, lambda need: replace(need, dayparts=need.dayparts | {daypart}))
    return replace(people, needs=needs), chosen.members


def _told_daypart(chosen: Chosen) -> Reason:
    params: dict[str, Param] = {"daypart": DAYPARTS[chosen.variant], "size": len(chosen.members)}
    return Reason(Code.OTHER_DAYPART, params | {"ask": int(chosen.amount)})


def _price_of_travel(people: Combinations) -> Priced:
    at = np.flatnonzero(people.fills_circle & people.nobody_alone & people.enough_can_come & (people.online_only == 0))
    return Priced(at, people.km_short(at)[:, None])


def _travelling(chosen: Chosen) -> tuple[Pool, tuple[int, ...]]:
    people = chosen.people
    return replace(people.people, reach=np.maximum(people.reach_km, chosen.amount)), chosen.members


def _told_travel(chosen: Chosen) -> Reason:
    people, members = chosen.people.people, list(chosen.members)
    known = [at for at in members if not np.isnan(people.places[at, 0])]
    km = km_between(people.places[known], middle(people.places[known]))
    now = min(float(reach) for way, reach in zip(km, chosen.people.reach_km[known], strict=True) if way > reach + SLACK)
    areas = sorted({area for at in members if (area := people.needs[at].area)})
    params: dict[str, Param] = {"km": chosen.amount, "now": round(now, 1), "size": len(members)}
    return Reason(Code.TRAVEL_FURTHER, params | {"areas": ", ".join(areas)})


def _price_of_online(people: Combinations) -> Priced:
    at = np.flatnonzero(
        people.fills_circle & people.nobody_alone & people.enough_can_come & (people.in_person_only > 0)
    )
    return Priced(at, people.in_person_only[at].astype(np.float64)[:, None])


def _online(chosen: Chosen) -> tuple[Pool, tuple[int, ...]]:
    people = chosen.people.people
    asked = [at for at in chosen.members if people.needs[at].meeting is Meeting.IN_PERSON]
    return replace(
        people, needs=_changed(people, asked, lambda need: replace(need, meeting=Meeting.EITHER))
    ), chosen.members


def _told_online(chosen: Chosen) -> Reason:
    return Reason(Code.MEET_ONLINE, {"size": len(chosen.members), "ask": int(chosen.amount)})


def mixing(perspective: Perspective, count: int) -> Kind:
    """With people of this other side; they are the last `count` of those looked at."""

    def price(people: Combinations) -> Priced:
        at = groups_now(people)
        theirs = people.sets[at, -count:].sum(axis=1)
        at = at[(theirs > 0) & (theirs < people.sizes[at])]
        return Priced(at, people.sets[at, -count:].sum(axis=1).astype(np.float64)[:, None])

    def told(chosen: Chosen) -> Reason:
        return Reason(Code.MIX_PERSPECTIVES, {"perspective": perspective.value, "size": len(chosen.members)})

    return Kind(price, lambda chosen: (chosen.people.people, chosen.members), told)


KINDS: Final = (
    Kind(_price_of_more, _with_more, _told_more),
    Kind(_price_of_daypart, _at_daypart, _told_daypart),
    Kind(_price_of_travel, _travelling, _told_travel),
    Kind(_price_of_online, _online, _told_online),
)
"""In the order of ORDER; MIX_PERSPECTIVES needs other people, LARGER_GROUP a group that is there."""


def _changed(pool: Pool, asked: Sequence[int], change: Callable[[Need], Need]) -> tuple[Need, ...]:
    return tuple(change(need) if at in asked else need for at, need in enumerate(pool.needs))
