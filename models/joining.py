"""Join before found: who fits an existing platform with room is offered that before anything new.

Groups die without newcomers (docs/sources.md, "Groups"), and a place at a table that is laid is worth more than a plan
for one. A resident fits a platform when the hard bounds hold for them beside its members, they ask from the same side,
at least `min_close` members are close to them, they are as alike to all of them on average as a theme asks, and they
can come when it meets. Who fits two gets the one they are most alike to.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.age import age_circle
from models.bounds import SLACK, Pool, km_between, middle
from models.clusters import ON_AVERAGE
from models.errors import Infeasible
from models.lottery import Draw, Person, Problem, draw, fair_lottery
from models.need import Meeting, Need
from models.plan import Code, Joining, MatchSettings, OpenPlatform, Reason

JOIN_LEVEL: Final = 1
"""Of the levels of closeness the one that is sound by itself: wider, and the place is better kept for somebody else."""

PoolOf = Callable[[Sequence[Need]], Pool]


def join(
    pool: Pool, platforms: Sequence[OpenPlatform], pool_of: PoolOf, settings: MatchSettings, *, seed: int
) -> tuple[tuple[Joining, ...], dict[str, Reason]]:
    """Who is offered which platform, and for whoever lost a draw for the last places, that they did.

    `pool_of` makes a pool of the members of a platform, with vectors of the same encoder. When more people fit than
    there is room for, places are drawn by lot with equal chances. Nobody is offered two platforms.
    """
    wanting: dict[str, list[tuple[int, Reason]]] = defaultdict(list)
    known = {platform.id: platform for platform in platforms if platform.room > 0 and platform.members}
    best: dict[int, tuple[float, str, Reason]] = {}
    for platform in sorted(known.values(), key=lambda one: one.id):
        for row, alike, count in _fitting(pool, platform, pool_of(platform.members), settings):
            if row not in best or alike > best[row][0]:
                reason = Reason(Code.CLOSE_TO_OTHERS, {"count": count, "size": len(platform.members) + 1})
                best[row] = (alike, platform.id, reason)
    for row in sorted(best):
        wanting[best[row][1]].append((row, best[row][2]))
    joinings: list[Joining] = []
    lost: dict[str, Reason] = {}
    for at, platform_id in enumerate(sorted(wanting)):
        joining, others = _offered(pool, known[platform_id], wanting[platform_id], seed=seed + at)
        joinings.append(joining)
        lost |= others
    return tuple(joinings), lost


def _fitting(
    pool: Pool, platform: OpenPlatform, members: Pool, settings: MatchSettings
) -> Iterator[tuple[int, float, int]]:
    """Rows of the pool that fit, how alike they are to the members on average, and to how many they are close."""
    level = pool.levels[min(JOIN_LEVEL, len(pool.levels) - 1)]
    cosines: NDArray[np.float64] = np.asarray(pool.vectors @ members.vectors.T, dtype=np.float64)
    close = (cosines >= level).sum(axis=1)
    alike = cosines.mean(axis=1)
    perspectives = Counter(need.perspective for need in members.needs)
    side = min(perspectives, key=lambda one: (-perspectives[one], one))
    for row in np.flatnonzero((close >= settings.min_close) & (alike >= ON_AVERAGE * level)):
        need = pool.needs[int(row)]
        asks_so = need.perspective is side and need.id not in platform.asked
        if asks_so and _may(need, int(row), pool, platform, members, settings):
            yield int(row), round(float(alike[row]), 6), int(close[row])


def _may(need: Need, row: int, pool: Pool, platform: OpenPlatform, members: Pool, settings: MatchSettings) -> bool:
    """The hard bounds, for one more beside people who are together already."""
    ids = {member.id for member in members.needs}
    if need.apart & ids or any(need.id in member.apart for member in members.needs):
        return False
    if any(age_circle(need.age_band) != age_circle(member.age_band) for member in members.needs):
        return False
    if platform.language not in need.languages or need.meeting is platform.meeting.opposite:
        return False
    if platform.daypart is not None and need.dayparts and platform.daypart not in need.dayparts:
        return False
    known = members.places[~np.isnan(members.places[:, 0])]
    if platform.meeting is not Meeting.IN_PERSON or not len(known) or np.isnan(pool.places[row, 0]):
        return True
    far = float(km_between(pool.places[row], middle(known)))
    return far <= float(pool.reach_km([row], settings)[0]) + SLACK


def _offered(
    pool: Pool, platform: OpenPlatform, wanting: Sequence[tuple[int, Reason]], *, seed: int
) -> tuple[Joining, dict[str, Reason]]:
    """All of them, or those drawn by lot."""
    room = Reason(Code.ROOM_IN_PLATFORM, {"room": platform.room})
    reasons = {pool.needs[row].id: (reason, room) for row, reason in wanting}
    people = [Person(one, {}, apart=pool.needs[pool.row[one]].apart & reasons.keys()) for one in sorted(reasons)]
    if len(people) <= platform.room and not any(person.apart for person in people):
        return Joining(platform.id, tuple(sorted(reasons)), reasons), {}
    drawn = _drawn(people, min(platform.room, len(people)), seed)
    chances = drawn.lottery.chances
    counts = {"places": len(drawn.panel), "wanting": len(reasons)}
    told = {one: {"percent": round(100 * chances[one]), **counts} for one in reasons}
    taken = {one: (*reasons[one], Reason(Code.DRAWN, told[one])) for one in drawn.panel}
    lost = {one: Reason(Code.NOT_DRAWN, told[one]) for one in sorted(reasons) if one not in taken}
    return Joining(platform.id, tuple(sorted(taken)), taken), lost


def _drawn(people: Sequence[Person], seats: int, seed: int) -> Draw:
    """As many places as can be filled: people who must not meet may leave one empty."""
    for filled in range(seats, 0, -1):
        try:
            return draw(fair_lottery(Problem.of(people, (), filled)), seed)
        except Infeasible:
            continue
    raise AssertionError("one place can always be filled")
