"""What the groups of a method are worth: who is in one, whether they share a topic, and which bounds are broken.

A method that only tells who sits together gets the best case: the form, the language, the way to meet and the daypart
with which its group breaks the fewest bounds. `models.bounds.violations` then judges everybody alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from models.benchmarks.handed import Made, Rows
from models.bounds import Pool, Violation, violations
from models.need import DAYPARTS, Form, Meeting
from models.plan import Group, MatchSettings
from models.training.corpus import Note
from models.training.metrics import Pairs, pairs


@dataclass(frozen=True, slots=True)
class Quality:
    """`pairs` measures topics; shares are None when there is nothing to take a share of."""

    pairs: Pairs
    one_side: float | None
    """Of the pairs in one group, those who ask from the same perspective."""
    placed_well: float
    """Of all people, those in a group that breaks no bound."""
    broken: int
    """Groups that break a bound."""
    by_bound: Mapping[Violation, int]
    """Groups that break this bound; a group may break several."""
    twice: int
    """People in more than one group, or more than once in one."""


def judged(made: Made, pool: Pool, notes: Mapping[str, Note], settings: MatchSettings) -> Quality:
    """Judge groups of people in this pool; `notes` says what each of them is really about."""
    groups = [one if isinstance(one, Group) else best_case(one, pool, settings) for one in made]
    members = [group.members for group in groups]
    found = [violations(group, pool, settings) for group in groups]
    sides = [
        notes[one].perspective is notes[other].perspective for group in members for one, other in combinations(group, 2)
    ]
    seats = Counter(member for group in members for member in group)
    well = {member for group, broken in zip(members, found, strict=True) if not broken for member in group}
    counted = Counter(bound for broken in found for bound in broken)
    return Quality(
        pairs=pairs(members, notes, smallest=settings.circle_min),
        one_side=sum(sides) / len(sides) if sides else None,
        placed_well=len(well) / len(pool.needs) if pool.needs else 0.0,
        broken=sum(bool(broken) for broken in found),
        by_bound={bound: counted[bound] for bound in Violation},
        twice=sum(count > 1 for count in seats.values()),
    )


def best_case(rows: Rows, pool: Pool, settings: MatchSettings) -> Group:
    """These people as a group under the terms that break the fewest bounds."""
    daypart = _best_daypart(rows, pool)
    said = [pool.needs[row] for row in rows if pool.needs[row].dayparts]
    spoken = Counter(language for row in rows for language in sorted(pool.needs[row].languages))
    tried = [
        Group(
            theme_id="",
            label="",
            form=Form.CAFE if len(rows) >= settings.cafe_min else Form.CIRCLE,
            members=tuple(pool.needs[row].id for row in rows),
            language=max(sorted(spoken), key=spoken.__getitem__, default=""),
            meeting=meeting,
            daypart=daypart,
            needs_other_time=tuple(need.id for need in said if daypart not in need.dayparts),
            closeness={},
        )
        for meeting in (Meeting.IN_PERSON, Meeting.ONLINE)
    ]
    return min(tried, key=lambda group: len(violations(group, pool, settings)))


def _best_daypart(rows: Sequence[int], pool: Pool) -> str | None:
    counts = pool.dayparts[list(rows)].sum(axis=0)
    return DAYPARTS[int(counts.argmax())] if counts.any() else None
