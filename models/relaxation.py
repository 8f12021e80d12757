"""For people left over: the smallest change that would make a group possible, and what is always there to offer.

Let R be the people left over of one theme, and let S ⊆ R be *sound* when nobody in S is kept apart, all are about one
age and share a language; those three are never relaxed. Write k for `circle_min`, K for `circle_max`. Each kind of
change has a price; the smallest change of a kind is the least price over all S (k ≤ |S| ≤ K but for the first):

    MORE_PEOPLE      min m: S with m newcomers in the middle of S is a group, |S| + m ≥ k. A newcomer's note is the mean
                     of the notes of S, and the place the middle of theirs; a newcomer comes when they do, meets as they
                     do, and speaks their language
    OTHER_DAYPART    min over daypart d of ⌈share · said(S)⌉ - can(S, d): who would have to agree to d
    TRAVEL_FURTHER   min r: S is a group once reach(i) = max(reach(i), r), so r = max of km(i, middle of S) over the i
                     in S whose way is longer than they travel now; told rounded up to a tenth, so that it stays true
    MEET_ONLINE      min |{i in S: meets in person only}|: who would have to agree to meet online
    MIX_PERSPECTIVES min number of people of the other side in S ⊆ R ∪ R', at least one of each

with every other bound of `models.bounds` as it is. Up to `PEOPLE_MOST` people all S are looked at, so the least is
exact, down to one of the finitely many distances there are. More people are looked at in `WINDOWS_MOST` sets of
`WINDOW`: around who waits longest, those with the fewest obstacles between them, then around the longest waiter not
seen yet. The least is then the least of those, and still true: nothing is told that was not built as a group and passed
by `violations`.

Kinds are ordered by what they ask of the people who wait (`ORDER`): nothing but that others come; to be one more in a
group that is full; to meet people of another side; another moment; a longer way at each meeting; a screen instead of a
room; a group in another municipality; one other person instead of a group; and last, another talk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

import numpy as np

from models.age import age_circle
from models.bounds import SLACK, Pool, Violation, form_bounds, violations
from models.changes import KINDS, Chosen, Kind, Priced, groups_now, is_group, mixing
from models.combinations import PEOPLE_MOST, Combinations
from models.need import Need, Perspective
from models.plan import Code, Group, MatchSettings, Reason

ORDER: Final = (
    Code.MORE_PEOPLE,
    Code.LARGER_GROUP,
    Code.MIX_PERSPECTIVES,
    Code.OTHER_DAYPART,
    Code.TRAVEL_FURTHER,
    Code.MEET_ONLINE,
    Code.ASK_NEIGHBOUR,
    Code.MEET_ONE_TO_ONE,
    Code.TALK_AGAIN,
)
"""What asks least of the people who wait comes first; see the module docstring."""
WINDOW: Final = 10
WINDOWS_MOST: Final = 3
"""A window of ten takes a quarter of the time of one of twelve; three of them keep a theme within 5 ms."""
BUILT_MOST: Final = 8
"""Groups built before a kind is given up: the first one holds, but for a cosine a hair's breadth from the bound."""
KM_STEPS: Final = 10
"""Distances are told in tenths of a kilometre; areas are places of that size at best."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change, and the rows of the pool it would give a group: everybody in some group that it makes possible."""

    reason: Reason
    rows: tuple[int, ...]


def advise(rows: Sequence[int], pool: Pool, settings: MatchSettings) -> tuple[Change, ...]:
    """The smallest change of each kind that would give people of these rows (left over of one theme) a group.

    Nothing when they could be a group as they are: then no change is what they wait for. ASK_NEIGHBOUR stands for who
    waits over `raise_after_days`. For other perspectives see `advise_mixed`.
    """
    if not rows:
        return ()
    windows = [Combinations(pool, window, settings) for window in _windows(rows, pool)]
    if any(groups_now(people).size for people in windows):
        return ()
    found = [change for kind in KINDS if (change := _smallest(kind, windows)) is not None]
    waiting = tuple(sorted(row for row in rows if is_raised(pool.needs[row], settings)))
    if waiting and settings.neighbours:
        found.append(Change(_ask_neighbour(settings), waiting))
    return tuple(found)


def advise_mixed(
    rows: Sequence[int], others: Mapping[Perspective, Sequence[int]], pool: Pool, settings: MatchSettings
) -> tuple[Change, ...]:
    """For each other side whose people left over (`others`) would make a group of these possible: with the fewest.

    Of the others only who is close to one of these is looked at, the closest of them where there are many.
    """
    if not rows:
        return ()
    own = _windows(rows, pool)[0]
    if groups_now(Combinations(pool, own, settings)).size:
        return ()
    found: list[Change] = []
    for perspective in sorted(others):
        near = _close_to(own, others[perspective], pool)[: max(PEOPLE_MOST // 2, PEOPLE_MOST - len(own))]
        if near:
            people = Combinations(pool, [*_longest_waiting(own, pool)[: PEOPLE_MOST - len(near)], *near], settings)
            if (change := _smallest(mixing(perspective, len(near)), [people])) is not None:
                found.append(replace(change, rows=tuple(row for row in change.rows if row not in near)))
    return tuple(found)


def alternatives(
    row: int,
    changes: Sequence[Change],
    others: Sequence[int],
    groups: Sequence[Group],
    pool: Pool,
    settings: MatchSettings,
) -> tuple[Reason, ...]:
    """What would change it for this person, what asks least first; see `ORDER`.

    `changes`: what `advise` and `advise_mixed` found for the theme; `others`: rows of its other people; `groups`: those
    of the theme. Who waits over `long_wait_days` always gets something: another person to meet, a neighbour to ask,
    and when there is neither and nothing else, another talk.
    """
    need = pool.needs[row]
    found = [change.reason for change in changes if row in change.rows]
    if (larger := _one_more(need, groups, pool, settings)) is not None:
        found.append(larger)
    if need.waiting_days > settings.long_wait_days:
        in_group = {member for group in groups for member in group.members}
        if near := sum(_could_meet(row, other, pool) for other in others if pool.needs[other].id not in in_group):
            found.append(Reason(Code.MEET_ONE_TO_ONE, {"found": near}))
        if settings.neighbours and all(reason.code is not Code.ASK_NEIGHBOUR for reason in found):
            found.append(_ask_neighbour(settings))
        if not found:
            found.append(Reason(Code.TALK_AGAIN))
    return tuple(sorted(found, key=lambda reason: ORDER.index(reason.code)))


def is_raised(need: Need, settings: MatchSettings) -> bool:
    """Whether a coordinator is told that this person waits."""
    return need.waiting_days > settings.raise_after_days


def _ask_neighbour(settings: MatchSettings) -> Reason:
    return Reason(Code.ASK_NEIGHBOUR, {"neighbours": ", ".join(settings.neighbours)})


# --- who is looked at together --------------------------------------------------------------------------------------


def _windows(rows: Sequence[int], pool: Pool) -> list[list[int]]:
    """These people, or sets of WINDOW of them around who waits longest; rows in ascending order."""
    ordered = sorted(set(rows))
    if len(ordered) <= PEOPLE_MOST:
        return [ordered]
    left = _longest_waiting(ordered, pool)
    found: list[list[int]] = []
    while left and len(found) < WINDOWS_MOST:
        found.append(_window(left[0], ordered, pool))
        left = [row for row in left if row not in found[-1]]
    return found


def _longest_waiting(rows: Sequence[int], pool: Pool) -> list[int]:
    return sorted(rows, key=lambda row: (-pool.needs[row].waiting_days, row))


def _window(anchor: int, rows: Sequence[int], pool: Pool) -> list[int]:
    """The anchor and who could be with it soonest: fewest obstacles a change could take away, then the closest."""
    mine = pool.needs[anchor]
    possible = [row for row in rows if row != anchor and not _never_together(mine, pool.needs[row])]
    cosines = pool.vectors[possible] @ pool.vectors[anchor]
    obstacles = np.array([_obstacles(mine, pool.needs[row]) for row in possible])
    order = np.lexsort((np.array(possible), -np.round(cosines, 6), obstacles + (cosines < pool.close_from)))
    return sorted([anchor, *(possible[at] for at in order[: WINDOW - 1])])


def _never_together(one: Need, other: Need) -> bool:
    """What no change takes away."""
    return (
        age_circle(one.age_band) != age_circle(other.age_band)
        or one.id in other.apart
        or other.id in one.apart
        or not one.languages & other.languages
    )


def _obstacles(one: Need, other: Need) -> int:
    """How many changes it takes before these two could meet; distance is left to the price, by the kilometre."""
    return (one.meeting.opposite is other.meeting) + bool(
        one.dayparts and other.dayparts and not one.dayparts & other.dayparts
    )


def _close_to(own: Sequence[int], others: Sequence[int], pool: Pool) -> list[int]:
    """Those of the others who are close to somebody of these, the closest first."""
    at = sorted(set(others) - set(own))
    if not at:
        return []
    best = (pool.vectors[at] @ pool.vectors[list(own)].T).max(axis=1)
    order = np.lexsort((np.array(at), -np.round(best, 6)))
    return [at[index] for index in order if best[index] >= pool.close_from]


# --- the smallest of one kind ---------------------------------------------------------------------------------------


def _smallest(kind: Kind, windows: Sequence[Combinations]) -> Change | None:
    """The least this kind asks, for the largest group that gets; None when it makes no group possible."""
    priced = [kind.price(people) for people in windows]
    least = min((float(one.price.min()) for one in priced if one.price.size), default=np.inf)
    if not np.isfinite(least):
        return None
    amount = ceil((least - SLACK) * KM_STEPS) / KM_STEPS
    options = sorted(
        (-int(people.sizes[one.at[index]]), float(one.price[index, variant]), int(variant), window, int(index))
        for window, (people, one) in enumerate(zip(windows, priced, strict=True))
        for index, variant in _largest(people, one, amount)
    )
    for _, _, variant, window, index in options[:BUILT_MOST]:
        people = windows[window]
        members = tuple(np.flatnonzero(people.sets[priced[window].at[index]]).tolist())
        chosen = Chosen(people, members, variant, amount)
        changed, together = kind.applied(chosen)
        if is_group(changed, together, people.settings):
            return Change(kind.told(chosen), _covered(windows, priced, variant, amount))
    return None


def _largest(people: Combinations, priced: Priced, amount: float) -> list[tuple[int, int]]:
    """Sets and variants that this much is enough for: of the largest ones a few."""
    index, variant = np.nonzero(priced.price <= amount + SLACK)
    order = np.lexsort((index, variant, -people.sizes[priced.at[index]]))[:BUILT_MOST]
    return list(zip(index[order].tolist(), variant[order].tolist(), strict=True))


def _covered(windows: Sequence[Combinations], priced: Sequence[Priced], variant: int, amount: float) -> tuple[int, ...]:
    """Everybody who is in some set that the change makes a group."""
    rows: set[int] = set()
    for people, one in zip(windows, priced, strict=True):
        if one.price.size:
            inside = people.sets[one.at[one.price[:, variant] <= amount + SLACK]].any(axis=0)
            rows.update(people.rows[at] for at in np.flatnonzero(inside))
    return tuple(sorted(rows))


# --- for one person -------------------------------------------------------------------------------------------------


def _one_more(need: Need, groups: Sequence[Group], pool: Pool, settings: MatchSettings) -> Reason | None:
    """The full group of the theme that this person alone would not fit in only because it is full."""
    for group in groups:
        _, most = form_bounds(group.form, settings)
        if len(group.members) != most or group.language not in need.languages:
            continue
        late = group.daypart is not None and bool(need.dayparts) and group.daypart not in need.dayparts
        joined = replace(
            group,
            members=(*group.members, need.id),
            needs_other_time=(*group.needs_other_time, need.id) if late else group.needs_other_time,
        )
        if violations(joined, pool, settings) == {Violation.SIZE}:
            return Reason(Code.LARGER_GROUP, {"size": most + 1, "most": most})
    return None


def _could_meet(row: int, other: int, pool: Pool) -> bool:
    """These two are close, and nothing that is never relaxed, nor the way they want to meet, stands between them."""
    one, two = pool.needs[row], pool.needs[other]
    return (
        row != other
        and float(pool.vectors[row] @ pool.vectors[other]) >= pool.close_from
        and one.meeting.opposite is not two.meeting
        and not _never_together(one, two)
    )
