"""One theme to groups within the hard bounds.

Solved greedily, then improved. With fit(i, G) the fit of member i in group G,

    fit(i, G) = mean over j in G, j ≠ i of cos(i, j)  ·  (1 if i can come at the group's daypart, else LATE)
                                                      ·  (1 - FAR · km(i, centre of G) / reach)

a draft is better when, in this order: its size is nearer to the size aimed at, its worst fit is higher (in steps of
WORST_STEP, so that a hair's breadth does not decide), the harmonic mean of its fits is higher (gruepr's objective), its
members waited longer. Bounds are never traded: a draft that breaks one is no candidate. This is a heuristic; it may
miss a group that an exact solver would find, and never proposes one that breaks a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.bounds import Pool, km_to_centre
from models.crowd import Bools, Crowd, Ints, Placed, Terms
from models.need import DAYPARTS, Form, Meeting
from models.plan import MatchSettings

WORST_STEP: Final = 0.02
SEEDS: Final = 4
IMPROVEMENTS: Final = 6
FIRSTS_TRIED: Final = 4
LOOK_AHEAD_AT_MOST: Final = 40
"""People in a crowd up to which several first circles are tried; above it there are circles enough to choose from."""
CROWD: Final = 120
"""Themes above this are cut by place, or else by content, before grouping, so that time grows with their number."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A group in the making: rows of the pool in ascending order, and what they would share. `daypart` is a column."""

    rows: tuple[int, ...]
    form: Form
    language: str
    meeting: Meeting
    daypart: int | None


def compose(pool: Pool, rows: Sequence[int], settings: MatchSettings) -> list[Draft]:
    """Groups of one theme; every draft keeps every bound, nobody is in two. Who is left over is in none."""
    drafts: list[Draft] = []
    for part in _parts(pool, np.array(sorted(rows), dtype=np.int_), settings):
        drafts.extend(_compose_part(Crowd(pool, part.tolist(), settings)))
    return drafts


def _parts(pool: Pool, rows: Ints, settings: MatchSettings) -> Iterator[Ints]:
    """The theme as a whole, or halves of halves of at most CROWD people, cut along where they differ most."""
    if len(rows) <= CROWD:
        yield rows
        return
    points = pool.places[rows]
    placed = ~np.isnan(points[:, 0])
    values = pool.vectors[rows].astype(np.float64)
    if placed.any() and km_to_centre(points).max() > settings.reach_km:
        values = np.where(np.isnan(points), points[placed].mean(axis=0), points)
    centred = values - values.mean(axis=0)
    # The first principal direction by three power steps from the widest column: cheap and without a random start.
    direction = np.zeros(values.shape[1])
    direction[int(np.argmax(centred.var(axis=0)))] = 1.0
    for _ in range(3):
        direction = centred.T @ (centred @ direction)
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
    order = np.argsort(np.round(centred @ direction, 9), kind="stable")
    half = len(rows) // 2
    yield from _parts(pool, np.sort(rows[order[:half]]), settings)
    yield from _parts(pool, np.sort(rows[order[half:]]), settings)


def _compose_part(crowd: Crowd) -> list[Draft]:
    """A café first when the crowd could fill one, then circles, then better places for who is worst off."""
    settings = crowd.settings
    free = np.ones(len(crowd.needs), dtype=bool)
    found: list[Placed] = []
    if len(crowd.needs) >= settings.cafe_from:
        cafes = _drafts(crowd, free, Form.CAFE, settings.cafe_max)
        if cafes:
            found.append(cafes[0])
            free[cafes[0].members] = False
    circles = _circles(crowd, free)
    for circle in circles:
        free[circle.members] = False
    found = _with_leftovers(crowd, [*found, *circles], free)
    _improve(crowd, found)
    return [
        Draft(
            tuple(int(row) for row in crowd.rows[one.members]),
            one.form,
            one.terms.language,
            one.terms.meeting,
            one.terms.daypart,
        )
        for one in found
    ]


def _circles(crowd: Crowd, free: Bools) -> list[Placed]:
    """Circles for who is free. In a small crowd several first ones are tried, as the best one may strand the rest."""
    people = int(free.sum())
    size = _size_aimed_at(people, crowd.settings)
    firsts = _drafts(crowd, free, Form.CIRCLE, size)
    if not firsts:
        return []
    if people > LOOK_AHEAD_AT_MOST or len(firsts[0].members) == people:
        return _circles_after(crowd, free, firsts[0])
    smaller = (
        _drafts(crowd, free, Form.CIRCLE, max(crowd.settings.circle_min, -(-size // 2))) if people < 2 * size else []
    )
    plans = [_circles_after(crowd, free, first) for first in [*firsts[:FIRSTS_TRIED], *smaller[:FIRSTS_TRIED]]]
    return max(plans, key=lambda plan: _worth_of_all(crowd, free, plan))


def _circles_after(crowd: Crowd, free: Bools, first: Placed) -> list[Placed]:
    """This circle, and the best next one for who is left, until there is none."""
    settings = crowd.settings
    left = free.copy()
    found = [first]
    left[first.members] = False
    while int(left.sum()) >= settings.circle_min:
        drafts = _drafts(crowd, left, Form.CIRCLE, _size_aimed_at(int(left.sum()), settings))
        if not drafts:
            break
        found.append(drafts[0])
        left[drafts[0].members] = False
    return found


def _worth_of_all(crowd: Crowd, free: Bools, plan: list[Placed]) -> tuple[float, ...]:
    """More people placed (after leftovers joined) is better, then the worst fit, then waiting."""
    left = free.copy()
    for one in plan:
        left[one.members] = False
    joined = _with_leftovers(crowd, plan, left)
    worst = min(float(crowd.fits(one.members, one.terms).min()) for one in joined)
    return (-int(left.sum()), round(worst, 6), -round(float(crowd.wait_bonus[left].sum()), 6))


def _size_aimed_at(people: int, settings: MatchSettings) -> int:
    """Share people evenly over as many circles as come nearest to the size aimed at: 13 become 7 and 6, 11 stay 11."""
    circles = max(1, round(people / settings.circle_aim))
    return min(settings.circle_max, max(settings.circle_min, -(-people // circles)))


def _drafts(crowd: Crowd, free: Bools, form: Form, size: int) -> list[Placed]:
    """Drafts among who is free, the best per language, way to meet and daypart, best first."""
    drafts: list[tuple[tuple[float, ...], Placed]] = []
    for terms in crowd.terms(free):
        grown = (crowd.grow(start, terms, size) for start in _starts(crowd, terms))
        held = [members for members in grown if crowd.holds(members, terms, form)]
        if held:
            worths = [_worth(crowd, members, terms, size) for members in held]
            best = max(range(len(held)), key=worths.__getitem__)
            drafts.append((worths[best], Placed(held[best], terms, form)))
    drafts.sort(key=lambda draft: draft[0], reverse=True)
    return [draft for _, draft in drafts]


def _starts(crowd: Crowd, terms: Terms) -> list[int]:
    """Who a group is grown around: people with most others close to them who can come, and the longest waiter."""
    can_start = terms.eligible & (~crowd.said_when if terms.daypart is None else crowd.dayparts[:, terms.daypart])
    possible = np.flatnonzero(can_start)
    if not possible.size:
        return []
    central = crowd.cosines[np.ix_(possible, np.flatnonzero(terms.eligible))].sum(axis=1)
    starts = possible[np.argsort(-np.round(central, 9), kind="stable")[: SEEDS - 1]].tolist()
    longest = int(possible[np.argmax(crowd.wait_bonus[possible])])
    return starts if longest in starts else [*starts, longest]


def _worth(crowd: Crowd, members: Ints, terms: Terms, size: int) -> tuple[float, ...]:
    """Larger is better; see the module docstring."""
    fits = np.maximum(crowd.fits(members, terms), 1e-6)
    worst = float(np.floor(fits.min() / WORST_STEP))
    harmonic = float(len(fits) / (1.0 / fits).sum())
    return (-abs(size - len(members)), worst, round(harmonic, 6), round(float(crowd.wait_bonus[members].sum()), 6))


def _with_leftovers(crowd: Crowd, found: list[Placed], free: Bools) -> list[Placed]:
    """Let who is left over join where every bound still holds, longest waiters first. Updates `free`."""
    joined: list[Placed] = []
    for one in found:
        # Terms were made for who was free then; who joins later only has to speak the language and meet that way.
        wider = crowd.widened(one.terms)
        members = one.members
        waiting = np.flatnonzero(free & wider.eligible)
        for index in waiting[np.argsort(-crowd.wait_bonus[waiting], kind="stable")]:
            larger = np.sort(np.append(members, index))
            if crowd.holds(larger, wider, one.form):
                members = larger
                free[index] = False
        joined.append(Placed(members, wider, one.form))
    return joined


def _improve(crowd: Crowd, found: list[Placed]) -> None:
    """Swap the worst-placed person with someone of another group while both groups together get better. In place."""
    for _ in range(IMPROVEMENTS if len(found) > 1 else 0):
        scores = [crowd.fits(one.members, one.terms) for one in found]
        at = min(range(len(found)), key=lambda index: (round(float(scores[index].min()), 6), index))
        swap = _best_swap(crowd, found, at, int(found[at].members[int(np.argmin(scores[at]))]))
        if swap is None:
            return
        other, mine, theirs = swap
        found[at] = replace(found[at], members=mine)
        found[other] = replace(found[other], members=theirs)


def _best_swap(crowd: Crowd, found: list[Placed], at: int, person: int) -> tuple[int, Ints, Ints] | None:
    """The swap of this person that lifts the worst fit of the two groups most, or None when none does."""
    one = found[at]
    without = one.members[one.members != person]
    best: tuple[float, int, Ints, Ints] | None = None
    for index, other in enumerate(found):
        if index == at:
            continue
        before = min(crowd.fits(one.members, one.terms).min(), crowd.fits(other.members, other.terms).min())
        for partner in other.members:
            mine = np.sort(np.append(without, partner))
            theirs = np.sort(np.append(other.members[other.members != partner], person))
            after = min(crowd.fits(mine, one.terms).min(), crowd.fits(theirs, other.terms).min())
            gain = round(float(after - before), 6)
            if gain <= 0 or (best is not None and gain <= best[0]):
                continue
            if crowd.holds(mine, one.terms, one.form) and crowd.holds(theirs, other.terms, other.form):
                best = (gain, index, mine, theirs)
    return None if best is None else best[1:]


def daypart_name(column: int | None) -> str | None:
    """Name of a daypart column."""
    return None if column is None else DAYPARTS[column]
