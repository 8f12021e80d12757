"""One block of a theme to groups within the hard bounds.

With fit(i, G) the fit of member i in group G,

    fit(i, G) = mean over j in G, j ≠ i of cos(i, j)  ·  (1 if i can come at the group's daypart, else LATE)
                                                      ·  (1 - FAR · km(i, middle of G) / reach of i)

it goes through the levels of closeness, the closest first: at each level the people are clustered, within a cluster
many possible groups are grown (`models.crowd`), and those that break a bound are thrown away. Of all that is left the
best set in which nobody sits twice is chosen exactly (`models.choosing` states that problem); a place found at a wider
level counts for less. Growing is a heuristic and may miss a group; no bound is ever traded for anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.blocks import Block
from models.bounds import Pool
from models.choosing import Candidates, choose
from models.clusters import clusters
from models.combinations import all_sets
from models.crowd import Bools, Crowd, Floats, Ints, Terms
from models.need import DAYPARTS, Form, Meeting
from models.plan import MatchSettings, Rejected

UNUSED_MOST: Final = 4
"""And around so many of those that hardly any group wanted."""
STARTS_MOST: Final = 10
"""People a group is grown around, for each language, way to meet and daypart."""
CANDIDATES_MOST: Final = 240
"""Possible groups of one cluster that are chosen from: enough for a choice, few enough to choose exactly."""
CAN_COME_BONUSES: Final = (0.05, 0.3)
"""Groups grow twice: mostly after closeness, and mostly after who can come at that daypart."""
ROUNDS_MOST: Final = 2
SETS_OF_MOST: Final = 9
"""So few people make at most 511 sets: all of them are looked at, and nothing has to grow."""
LEVEL_COUNTS: Final = (1.0, 0.8, 0.4)
"""What a place in a group counts that was found at the closest level, the next, and the widest: a circle of eight among
people who are only widely alike is not worth one of five who are really so. Chosen on the rehearsal notes."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A group in the making: rows of the pool in ascending order, and what they would share. `daypart` is a column."""

    rows: tuple[int, ...]
    form: Form
    language: str
    meeting: Meeting
    daypart: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A group of a crowd: who (m,) booleans, under which terms."""

    members: Bools
    terms: Terms
    form: Form


def compose_block(
    block: Block, pool: Pool, settings: MatchSettings, *, rejected: Sequence[Rejected] = ()
) -> list[Draft]:
    """Groups of one block; every draft keeps every bound, nobody is in two. Who is left over is in none."""
    return compose(pool, [pool.row[member] for member in block.members], settings, rejected=rejected)


def compose(
    pool: Pool, rows: Sequence[int], settings: MatchSettings, *, rejected: Sequence[Rejected] = ()
) -> list[Draft]:
    """As `compose_block`, for rows of the pool; meant for some hundred at most."""
    ordered: Ints = np.array(sorted(rows), dtype=np.int_)
    closest = Crowd(pool, ordered.tolist(), settings, level=pool.levels[0], rejected=rejected)
    crowds = [closest, *(closest.at(level) for level in pool.levels[1:])]
    free = np.ones(len(ordered), dtype=bool)
    cafes: list[Found] = []
    for crowd in crowds:
        for inside in _clustered(crowd, pool, free, settings.cafe_from):
            cafe = _best_cafe(crowd, inside)
            if cafe is not None:
                cafes.append(cafe)
                free &= ~cafe.members
    found = [*cafes, *_circles(crowds, pool, free, settings)]
    return [
        Draft(
            tuple(int(row) for row in ordered[one.members]),
            one.form,
            one.terms.language,
            one.terms.meeting,
            one.terms.daypart,
        )
        for one in found
    ]


def _circles(crowds: Sequence[Crowd], pool: Pool, free: Bools, settings: MatchSettings) -> list[Found]:
    """The best set of circles among who is free, chosen from what grew at every level of closeness.

    Who is in none of the chosen ones grows anew, and everything is chosen from again, as long as that helps.
    """
    every = Candidates.none(len(free))
    terms: list[Terms] = []
    left, chosen = free, []
    for _ in range(ROUNDS_MOST):
        if int(left.sum()) < settings.circle_min:
            break
        grown, own = _all_levels(crowds, pool, left, settings)
        if not own:
            break
        every, terms = Candidates.joined([every, grown]), terms + own
        chosen = choose(every, crowds[0].waited, settings.circle_aim)
        left = free & ~every.members[chosen].any(axis=0)
    return [Found(every.members[at], terms[at], Form.CIRCLE) for at in chosen]


def _all_levels(
    crowds: Sequence[Crowd], pool: Pool, free: Bools, settings: MatchSettings
) -> tuple[Candidates, list[Terms]]:
    """Possible circles among who is free, at every level of closeness."""
    grown = [Candidates.none(len(free))]
    terms: list[Terms] = []
    for at, crowd in enumerate(crowds):
        # an encoder with one level has no wider ones, so its only level counts in full
        counts = LEVEL_COUNTS[min(at, len(LEVEL_COUNTS) - 1)] if len(crowds) > 1 else 1.0
        for inside in _clustered(crowd, pool, free, settings.circle_min):
            some, own = _candidates(crowd, inside, Form.CIRCLE, settings.circle_min, settings.circle_max, counts)
            grown.append(some)
            terms += own
    return Candidates.joined(grown), terms


def _clustered(crowd: Crowd, pool: Pool, free: Bools, least: int) -> Iterator[Bools]:
    """Who of those free are, on average, as alike as the level of this crowd asks, in sets of at least so many."""
    left = np.flatnonzero(free)
    for cluster in clusters(pool.vectors[crowd.rows[left]], crowd.level) if left.size >= least else ():
        if len(cluster) >= least:
            inside = np.zeros(len(free), dtype=bool)
            inside[left[cluster]] = True
            yield inside


def _best_cafe(crowd: Crowd, free: Bools) -> Found | None:
    """The fullest café of these people; of equally full ones that in which the worst-placed member fits best."""
    settings = crowd.settings
    candidates, terms = _candidates(crowd, free, Form.CAFE, settings.cafe_min, settings.cafe_max, 1.0)
    if not terms:
        return None
    order = np.lexsort((-candidates.harmonic, -np.round(candidates.worst, 6), -candidates.members.sum(axis=1)))
    return Found(candidates.members[order[0]], terms[int(order[0])], Form.CAFE)


def _candidates(
    crowd: Crowd, free: Bools, form: Form, least: int, most: int, counts: float
) -> tuple[Candidates, list[Terms]]:
    """Possible groups of one form among who is free, the same people only once, and the terms each one keeps."""
    members: list[Bools] = [np.zeros((0, len(free)), dtype=bool)]
    fits = [np.zeros((0, len(free)))]
    terms_of: list[Terms] = []
    used = np.zeros(len(free))
    for terms in crowd.terms(free):
        people = np.flatnonzero(terms.eligible)
        few = len(people) <= SETS_OF_MOST
        for possible in (
            [_every_set(crowd, people, least)] if few else _grown(crowd, terms, used, least=least, most=most)
        ):
            held = possible[crowd.holds(possible, terms, least=least, most=most) & ~crowd.again(possible, form)]
            used += 0 if few else held.sum(axis=0)
            members.append(held)
            fits.append(crowd.fits(held, terms))
            terms_of += [terms] * len(held)
    found = Candidates.of(members, fits, counts)
    kept = _worth_choosing(found, crowd.settings.circle_aim if form is Form.CIRCLE else most)
    return found.only(kept), [terms_of[at] for at in kept]


def _grown(crowd: Crowd, terms: Terms, used: Floats, *, least: int, most: int) -> Iterator[Bools]:
    """Groups grown around the central people, and then around those whom `used`, brought up to date, has least of."""
    for central in (True, False):
        starts = _central(crowd, terms) if central else _unused(crowd, terms, used)
        bonuses = np.repeat(CAN_COME_BONUSES, len(starts))
        yield crowd.grow(np.tile(starts, len(CAN_COME_BONUSES)), terms, bonuses, used, least=least, most=most)


def _every_set(crowd: Crowd, people: Ints, least: int) -> Bools:
    """(sets, m): all sets of at least so many of these people."""
    sets = all_sets(len(people))
    sets = sets[sets.sum(axis=1) >= least]
    every = np.zeros((len(sets), len(crowd.rows)), dtype=bool)
    every[:, people] = sets
    return every


def _worth_choosing(every: Candidates, aim: int) -> Ints:
    """Of the same people only the best terms; of all the rest the best of each size in turn, to leave a choice."""
    best_first = np.lexsort((-every.harmonic, -np.round(every.worst, 6)))
    _, first = np.unique(np.packbits(every.members[best_first], axis=1), axis=0, return_index=True)
    distinct = best_first[np.sort(first)]
    if len(distinct) <= CANDIDATES_MOST:
        return np.sort(distinct)
    sizes = every.members[distinct].sum(axis=1)
    rank = np.zeros(len(distinct), dtype=np.int_)  # how many better ones of its own size each one has
    for size in np.unique(sizes):
        own = np.flatnonzero(sizes == size)
        rank[own] = np.arange(len(own))
    order = np.lexsort((np.abs(sizes - aim), rank))
    return np.sort(distinct[order[:CANDIDATES_MOST]])


def _may_start(crowd: Crowd, terms: Terms) -> Ints:
    """Who can come at the daypart of these terms, or did not say when if they have none."""
    return np.flatnonzero(
        terms.eligible & (~crowd.said_when if terms.daypart is None else crowd.dayparts[:, terms.daypart])
    )


def _central(crowd: Crowd, terms: Terms) -> Ints:
    """Who groups are grown around first: from most to fewest others close to them, and the longest waiter."""
    possible = _may_start(crowd, terms)
    if possible.size <= STARTS_MOST:
        return possible
    central = crowd.cosines[np.ix_(possible, np.flatnonzero(terms.eligible))].sum(axis=1)
    order = np.argsort(-np.round(central, 9), kind="stable")
    # spread over the whole order: eight starts next to one another would grow eight times the same group
    picked = possible[order[np.linspace(0, len(order) - 1, STARTS_MOST - 1).astype(np.int_)]]
    return np.unique(np.append(picked, possible[np.argmax(crowd.waited[possible])]))


def _unused(crowd: Crowd, terms: Terms, used: Floats) -> Ints:
    """Who groups are grown around next: those in fewest of the groups that grew before."""
    possible = _may_start(crowd, terms)
    return np.sort(possible[np.argsort(used[possible], kind="stable")[:UNUSED_MOST]])


def daypart_name(column: int | None) -> str | None:
    """Name of a daypart column."""
    return None if column is None else DAYPARTS[column]
