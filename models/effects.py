"""What a proposed group is like at this moment, and what taking people out or letting people in does to it.

A coordinator changes what the engine composed; before and after every change she sees the same facts the engine went
by. The bounds are judged by `models.bounds.violations` and nowhere else; this module finds the terms under which they
hold, and names the people a broken bound is about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.age import age_circle
from models.bounds import Pool, Violation, close_counts, form_bounds, km_to_centre, violations
from models.need import DAYPARTS, Form, Meeting, Need
from models.plan import Code, Group, MatchSettings, Reason

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """What the group agreed on: how it is run, in which language, when and how it meets."""

    form: Form
    language: str
    daypart: str | None
    meeting: Meeting


@dataclass(frozen=True, slots=True)
class Standing:
    """How a group stands. `members` in the order of their ids; the mappings have one entry for each of them.

    `terms` are the group's own where these hold, else the best that do. `week`: how many can come, for each daypart.
    `km`: great-circle kilometres to the middle of the group; who has no known area is not in it. `closeness`: mean
    cosine to the others, rounded to 4 decimals, and `close`: how many others are close; both None when the vector of
    one of them is unknown. `broken`: the bounds that do not hold, with the people it is about.
    """

    members: tuple[str, ...]
    least: int
    most: int
    terms: Terms
    languages: tuple[str, ...]
    said_when: int
    week: Mapping[str, int]
    km: Mapping[str, float]
    closeness: Mapping[str, float] | None
    close: Mapping[str, int] | None
    broken: Mapping[Violation, tuple[str, ...]]

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.members)

    @property
    def weakest(self) -> tuple[str, float] | None:
        """Who is placed worst and how close they are to the others; None when that is unknown or nobody is there."""
        return min(self.closeness.items(), key=lambda item: (item[1], item[0])) if self.closeness else None

    @property
    def farthest(self) -> tuple[str, float] | None:
        """Who has the longest way to the middle, and how many kilometres that is; None when no area is known."""
        return max(self.km.items(), key=lambda item: (item[1], item[0])) if self.km else None

    @property
    def can_come(self) -> int:
        """How many can come at the daypart of the group."""
        return self.week[self.terms.daypart] if self.terms.daypart else 0

    @property
    def best_daypart(self) -> str | None:
        """The daypart at which most can come, the first in the week of those; None when nobody said when."""
        return max(DAYPARTS, key=lambda part: self.week[part]) if self.said_when else None

    @property
    def too_small(self) -> bool:
        """Fewer than the form asks: such a group can wait as a draft, and cannot be approved."""
        return self.size < self.least


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to one group."""

    before: Standing
    after: Standing

    @property
    def refused(self) -> Mapping[Violation, tuple[str, ...]]:
        """The bounds that this change breaks, or breaks for somebody else than before; people leaving break none.

        Whoever is unsure of a candidate can always take that candidate out; what is left then may be too small to be
        approved. Letting people in is different: it must leave every bound as whole as it was.
        """
        if set(self.after.members) <= set(self.before.members):
            return {}
        return {
            bound: who
            for bound, who in self.after.broken.items()
            if (self.after.size > self.after.most if bound is Violation.SIZE else self._is_new(bound))
        }

    def _is_new(self, bound: Violation) -> bool:
        return bound not in self.before.broken or bool(set(self.after.broken[bound]) - set(self.before.broken[bound]))


def change(
    members: Collection[str],
    pool: Pool,
    settings: MatchSettings,
    terms: Terms,
    *,
    out: Collection[str] = NOBODY,
    into: Collection[str] = NOBODY,
    unread: Collection[str] = NOBODY,
) -> Effect:
    """The group before and after some leave and others come. Errors as in `standing`."""
    after = (set(members) - set(out)) | set(into)
    return Effect(
        standing(members, pool, settings, terms, unread=unread), standing(after, pool, settings, terms, unread=unread)
    )


def standing(
    members: Collection[str],
    pool: Pool,
    settings: MatchSettings,
    terms: Terms,
    *,
    unread: Collection[str] = NOBODY,
) -> Standing:
    """How a group of these members stands; the order of `members` does not matter.

    `unread`: people whose vector is unknown and whose row in the pool says nothing. With one of them in the group its
    closeness is unknown and not judged; every other bound is.
    Raises BadInput when a member is not in the pool.
    """
    ids = tuple(sorted(set(members)))
    group, broken = _under_best_terms(ids, pool, settings, terms)
    rows = [pool.row[member] for member in ids]
    needs = [pool.needs[row] for row in rows]
    known = set(unread).isdisjoint(ids)
    if not known:
        broken -= {Violation.CLOSE}
    km = km_to_centre(pool.places[rows])
    least, most = form_bounds(terms.form, settings)
    return Standing(
        members=ids,
        least=least,
        most=most,
        terms=Terms(terms.form, group.language, group.daypart, group.meeting),
        languages=_shared_languages(needs),
        said_when=sum(bool(need.dayparts) for need in needs),
        week={part: int(count) for part, count in zip(DAYPARTS, pool.dayparts[rows].sum(axis=0), strict=True)},
        km={need.id: float(far) for need, far in zip(needs, km, strict=True) if need.lat is not None},
        closeness=_closeness(rows, pool) if known else None,
        close=dict(zip(ids, close_counts(pool, rows).tolist(), strict=True)) if known else None,
        broken={bound: _who(bound, group, rows, pool, settings) for bound in Violation if bound in broken},
    )


def fits(
    now: Standing, newcomer: str, pool: Pool, settings: MatchSettings, *, unread: Collection[str] = NOBODY
) -> bool:
    """Whether one more person can come in as the group meets now: quick, to offer places; `change` is the judge."""
    if newcomer in now.members or now.size >= now.most:
        return False
    ids = tuple(sorted((*now.members, newcomer)))
    needs = [pool.needs[pool.row[member]] for member in ids]
    broken = violations(_meeting_at(_bare(ids, now.terms), now.terms.daypart, needs), pool, settings)
    ignored = {Violation.SIZE} | (set() if set(unread).isdisjoint(ids) else {Violation.CLOSE})
    return broken <= ignored


def likeness(newcomer: str, now: Standing, pool: Pool) -> float:
    """Mean cosine of one person to the members of a group: how much at home they would be there; 0 with nobody."""
    rows = [pool.row[member] for member in now.members]
    return float((pool.vectors[rows] @ pool.vectors[pool.row[newcomer]]).mean()) if rows else 0.0


def kinship(one: Standing, other: Standing, pool: Pool) -> float:
    """Mean cosine of the members of one group to those of another: how much the groups are about the same thing."""
    return sum(likeness(member, other, pool) for member in one.members) / max(one.size, 1)


def reasons(now: Standing, told: Sequence[Reason]) -> tuple[Reason, ...]:
    """What binds the group as it stands: the reasons the engine told, with what can be counted counted again.

    `told` keeps what no count can say (theme, perspective, age). What stopped being true is left out.
    """
    counted = {Code.SHARED_LANGUAGE, Code.SHARED_DAYPART, Code.DAYPART_OPEN, Code.MEETS_ONLINE, Code.MEETS_NEARBY}
    kept = [reason for reason in told if reason.code not in counted | {Code.WEAKEST_LINK}]
    fresh: list[Reason] = []
    if Violation.LANGUAGE not in now.broken:
        fresh.append(Reason(Code.SHARED_LANGUAGE, {"language": now.terms.language}))
    if now.terms.daypart is None:
        fresh.append(Reason(Code.DAYPART_OPEN))
    else:
        counts = {"count": now.can_come, "size": now.size}
        fresh.append(Reason(Code.SHARED_DAYPART, {"daypart": now.terms.daypart, **counts}))
    if now.terms.meeting is Meeting.ONLINE:
        fresh.append(Reason(Code.MEETS_ONLINE))
    elif now.farthest is not None:
        fresh.append(Reason(Code.MEETS_NEARBY, {"km": round(now.farthest[1], 1)}))
    if now.weakest is not None and Violation.CLOSE not in now.broken:
        fresh.append(Reason(Code.WEAKEST_LINK, {"percent": round(100 * now.weakest[1])}))
    return (*kept, *fresh)


def member_reasons(need: Need, now: Standing, settings: MatchSettings) -> tuple[Reason, ...]:
    """Why this member is here, as the group stands."""
    found: list[Reason] = []
    if now.close is not None:
        found.append(Reason(Code.CLOSE_TO_OTHERS, {"count": now.close[need.id], "size": now.size}))
    daypart = now.terms.daypart
    if not need.dayparts:
        found.append(Reason(Code.TIME_UNKNOWN))
    elif daypart is not None:
        found.append(Reason(Code.CAN_COME if daypart in need.dayparts else Code.NEEDS_OTHER_TIME, {"daypart": daypart}))
    if now.terms.meeting is not Meeting.ONLINE and need.id in now.km:
        found.append(Reason(Code.TRAVELS, {"km": round(now.km[need.id], 1)}))
    if need.waiting_days >= settings.long_wait_days:
        found.append(Reason(Code.WAITED_LONG, {"days": need.waiting_days}))
    return tuple(found)


def _under_best_terms(
    ids: tuple[str, ...], pool: Pool, settings: MatchSettings, terms: Terms
) -> tuple[Group, frozenset[Violation]]:
    """The group under its own terms where they hold, else the best that do; and what is broken even so.

    Language, moment and way of meeting are bounds of their own, so each is looked for by itself.
    """
    needs = [pool.needs[pool.row[member]] for member in ids if member in pool.row]
    group = _meeting_at(_bare(ids, terms), terms.daypart, needs)
    broken = violations(group, pool, settings)
    choices: tuple[tuple[frozenset[Violation], Iterator[Group]], ...] = (
        (frozenset({Violation.LANGUAGE}), (replace(group, language=word) for word in _shared_languages(needs))),
        (frozenset({Violation.DAYPART}), (_meeting_at(group, part, needs) for part in _dayparts(needs))),
        (
            frozenset({Violation.MEETING, Violation.REACH}),
            (replace(group, meeting=way) for way in (Meeting.IN_PERSON, Meeting.ONLINE)),
        ),
    )
    for bounds, others in choices:
        if not broken & bounds:
            continue
        found = next((other for other in others if not violations(other, pool, settings) & bounds), None)
        if found is not None:
            group = _merged(group, found, bounds)
        elif Violation.DAYPART in bounds:  # none holds: the moment that suits most is the one to talk about
            group = _meeting_at(group, next(_dayparts(needs), None), needs)
    return group, violations(group, pool, settings)


def _merged(group: Group, found: Group, bounds: frozenset[Violation]) -> Group:
    """The group with the one term that was looked for under these bounds."""
    if Violation.LANGUAGE in bounds:
        return replace(group, language=found.language)
    if Violation.DAYPART in bounds:
        return replace(group, daypart=found.daypart, needs_other_time=found.needs_other_time)
    return replace(group, meeting=found.meeting)


def _bare(ids: tuple[str, ...], terms: Terms) -> Group:
    """A group as `violations` reads it: closeness and reasons play no part there."""
    return Group("", "", terms.form, ids, terms.language, terms.meeting, None, (), {})


def _meeting_at(group: Group, daypart: str | None, needs: Sequence[Need]) -> Group:
    late = () if daypart is None else tuple(need.id for need in needs if need.dayparts and daypart not in need.dayparts)
    return replace(group, daypart=daypart, needs_other_time=late)


def _dayparts(needs: Sequence[Need]) -> Iterator[str | None]:
    """Dayparts that suit somebody, those that suit most first, then by the week; None when nobody said when."""
    said = [need for need in needs if need.dayparts]
    if not said:
        yield None
    counts = {part: sum(part in need.dayparts for need in said) for part in DAYPARTS}
    yield from (part for part in sorted(DAYPARTS, key=lambda part: -counts[part]) if counts[part])


def _shared_languages(needs: Sequence[Need]) -> tuple[str, ...]:
    """Languages that everybody speaks, Dutch first."""
    shared = frozenset.intersection(*(need.languages for need in needs)) if needs else frozenset[str]()
    return tuple(sorted(shared, key=lambda word: (word != "nl", word)))


def _closeness(rows: Sequence[int], pool: Pool) -> dict[str, float]:
    """Per member the mean cosine to the others, 0 for who is alone; as `models.reasons.described` tells it."""
    vectors = pool.vectors[list(rows)].astype(np.float64)
    cosines = vectors @ vectors.T
    means = (cosines.sum(axis=1) - np.diag(cosines)) / max(len(rows) - 1, 1)
    return {pool.needs[row].id: round(float(mean), 4) for row, mean in zip(rows, means, strict=True)}


def _who(bound: Violation, group: Group, rows: Sequence[int], pool: Pool, settings: MatchSettings) -> tuple[str, ...]:
    """The members a broken bound is about, in the order of their ids; empty where it is about no one in particular."""
    needs = [pool.needs[row] for row in rows]
    ids = set(group.members)
    match bound:
        case Violation.APART:
            kept = {need.id for need in needs if need.apart & ids}
            about = kept | {other for need in needs for other in need.apart & ids}
        case Violation.AGE:
            circles = [age_circle(need.age_band) for need in needs]
            usual = max(sorted(set(circles)), key=circles.count)
            about = {need.id for need, circle in zip(needs, circles, strict=True) if circle != usual}
        case Violation.LANGUAGE:
            about = {need.id for need in needs if group.language not in need.languages}
        case Violation.DAYPART:
            about = set(group.needs_other_time)
        case Violation.MEETING:
            about = {need.id for need in needs if need.meeting is group.meeting.opposite}
        case Violation.REACH:
            far = km_to_centre(pool.places[list(rows)]) > pool.reach_km(rows, settings)
            about = {need.id for need, is_far in zip(needs, far, strict=True) if is_far}
        case Violation.CLOSE:
            few = close_counts(pool, rows) < settings.min_close
            about = {need.id for need, is_alone in zip(needs, few, strict=True) if is_alone}
        case Violation.SIZE | Violation.TWICE:
            about = set()
    return tuple(sorted(about))
