"""Why these people, why this person here, and why that person not: codes and numbers, never a word from a note."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.age import age_circle
from models.bounds import Pool, Violation, close_counts, km_between, km_to_centre, violations
from models.composition import Draft, daypart_name
from models.need import Meeting, Need
from models.plan import Code, Group, MatchSettings, Reason, Theme


def described(draft: Draft, theme: Theme, pool: Pool, settings: MatchSettings) -> Group:
    """The group with everything a coordinator needs to check it."""
    rows = list(draft.rows)
    members = [pool.needs[row] for row in rows]
    vectors = pool.vectors[rows].astype(np.float64)
    cosines = vectors @ vectors.T
    means = (cosines.sum(axis=1) - np.diag(cosines)) / max(len(rows) - 1, 1)
    daypart = daypart_name(draft.daypart)
    late = () if daypart is None else tuple(m.id for m in members if m.dayparts and daypart not in m.dayparts)
    closeness = {need.id: round(float(mean), 4) for need, mean in zip(members, means, strict=True)}
    km = km_to_centre(pool.places[rows])
    counts = close_counts(pool, rows)
    return Group(
        theme_id=theme.id,
        label=theme.label,
        form=draft.form,
        members=tuple(member.id for member in members),
        language=draft.language,
        meeting=draft.meeting,
        daypart=daypart,
        needs_other_time=late,
        closeness=closeness,
        reasons=_of_group(draft, theme, members, km=float(km.max()), weakest=min(closeness.values())),
        member_reasons={
            member.id: _of_member(member, draft, settings, close=int(counts[at]), km=float(km[at]))
            for at, member in enumerate(members)
        },
    )


def _of_group(draft: Draft, theme: Theme, members: list[Need], *, km: float, weakest: float) -> tuple[Reason, ...]:
    reasons = [
        Reason(Code.SHARED_THEME, {"label": theme.label}),
        Reason(Code.SHARED_PERSPECTIVE, {"perspective": theme.perspective.value})
        if theme.perspective
        else Reason(Code.MIXED_PERSPECTIVES),
        Reason(Code.SHARED_LANGUAGE, {"language": draft.language}),
    ]
    daypart = daypart_name(draft.daypart)
    if daypart is None:
        reasons.append(Reason(Code.DAYPART_OPEN))
    else:
        can = sum(daypart in member.dayparts for member in members)
        reasons.append(Reason(Code.SHARED_DAYPART, {"daypart": daypart, "count": can, "size": len(members)}))
    if draft.meeting is Meeting.ONLINE:
        reasons.append(Reason(Code.MEETS_ONLINE))
    else:
        unknown = sum(member.lat is None or member.lon is None for member in members)
        if unknown < len(members):
            reasons.append(Reason(Code.MEETS_NEARBY, {"km": round(km, 1)}))
        if unknown:
            reasons.append(Reason(Code.PLACES_UNKNOWN, {"count": unknown}))
    if members[0].is_minor:
        reasons.append(Reason(Code.SAME_AGE))
    reasons.append(Reason(Code.WEAKEST_LINK, {"percent": round(100 * weakest)}))
    return tuple(reasons)


def _of_member(member: Need, draft: Draft, settings: MatchSettings, *, close: int, km: float) -> tuple[Reason, ...]:
    reasons = [Reason(Code.CLOSE_TO_OTHERS, {"count": close, "size": len(draft.rows)})]
    daypart = daypart_name(draft.daypart)
    if not member.dayparts:
        reasons.append(Reason(Code.TIME_UNKNOWN))
    elif daypart is not None:
        reasons.append(
            Reason(Code.CAN_COME if daypart in member.dayparts else Code.NEEDS_OTHER_TIME, {"daypart": daypart})
        )
    if draft.meeting is Meeting.IN_PERSON and member.lat is not None:
        reasons.append(Reason(Code.TRAVELS, {"km": round(km, 1)}))
    if member.waiting_days >= settings.long_wait_days:
        reasons.append(Reason(Code.WAITED_LONG, {"days": member.waiting_days}))
    return tuple(reasons)


def why_not(row: int, theme: Theme | None, groups: Sequence[Group], pool: Pool, settings: MatchSettings) -> Reason:
    """The first bound that leaves this person too few people, in the order people ask about them.

    When none does, a group of this theme they would fit in but for one thing; else that no circle of all of them fits.
    `groups` are those of the theme.
    """
    need = pool.needs[row]
    if theme is None:
        return Reason(Code.NO_SIMILAR_NEED)
    others = [pool.row[member] for member in theme.members if member != need.id]
    needed = settings.circle_min - 1
    if len(others) < needed:
        return _counted(Code.THEME_TOO_SMALL, len(others), needed)
    for code, found, least in _filtered(row, others, pool, settings):
        if found < least:
            extra = {"km": round(float(pool.reach_km([row], settings)[0]), 1)} if code is Code.TOO_FAR else {}
            return _counted(code, found, least, extra)
    nearly = _nearly_joins(need, groups, pool, settings)
    return nearly or Reason(Code.NO_FITTING_GROUP, {"found": len(others)})


def _filtered(row: int, others: list[int], pool: Pool, settings: MatchSettings) -> Iterator[tuple[Code, int, int]]:
    """Per bound how many of the theme are left once it and those before it are kept, and how many a circle needs."""
    need = pool.needs[row]
    needed = settings.circle_min - 1
    left = [pool.needs[at] for at in others if age_circle(pool.needs[at].age_band) == age_circle(need.age_band)]
    yield Code.AGE_DIFFERS, len(left), needed
    left = [other for other in left if other.id not in need.apart and need.id not in other.apart]
    yield Code.KEPT_APART, len(left), needed
    best = max(sorted(need.languages), key=lambda word: sum(word in other.languages for other in left), default=None)
    left = [other for other in left if best in other.languages]
    yield Code.LANGUAGE_DIFFERS, len(left), needed
    # Someone who goes along with both has no opposite, and no member meets "None"
    left = [other for other in left if other.meeting is not need.meeting.opposite]
    yield Code.MEETING_DIFFERS, len(left), needed
    if need.meeting is Meeting.IN_PERSON and need.lat is not None and left:
        # Two members may each be a reach of their own away from the middle, on either side of it.
        rows = [pool.row[other.id] for other in left]
        km = km_between(pool.places[rows], pool.places[row])
        most = pool.reach_km(rows, settings) + pool.reach_km([row], settings)
        left = [other for at, other in enumerate(left) if np.isnan(km[at]) or km[at] <= most[at]]
        yield Code.TOO_FAR, len(left), needed
    if need.dayparts:
        left = [other for other in left if not other.dayparts or other.dayparts & need.dayparts]
        yield Code.DAYPART_DIFFERS, len(left), math.ceil(settings.daypart_share * settings.circle_min) - 1


def _nearly_joins(need: Need, groups: Sequence[Group], pool: Pool, settings: MatchSettings) -> Reason | None:
    """What alone keeps this person out of a group, if there is a group for which that can be said."""
    for group in groups:
        late = (*group.needs_other_time, need.id) if group.daypart not in need.dayparts and need.dayparts else None
        joined = replace(
            group, members=(*group.members, need.id), needs_other_time=group.needs_other_time if late is None else late
        )
        broken = violations(joined, pool, settings)
        if broken == {Violation.DAYPART} and group.daypart is not None:
            return Reason(Code.GROUP_OTHER_TIME, {"daypart": group.daypart})
        if broken == {Violation.SIZE}:
            return Reason(Code.GROUP_FULL, {"size": len(group.members)})
    return None


def _counted(code: Code, found: int, needed: int, extra: Mapping[str, float] | None = None) -> Reason:
    return Reason(code, {"found": found, "needed": needed, **(extra or {})})
