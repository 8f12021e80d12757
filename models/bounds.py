"""The hard bounds of a group, and the one function that checks them.

`violations` is written apart from the search in `composition.py` on purpose: the search may be clever, this may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.age import age_circle
from models.errors import BadInput
from models.need import DAYPARTS, Form, Meeting, Need
from models.plan import Group, MatchSettings

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius of the earth, IUGG."""
SLACK: Final = 1e-9
"""So that a distance or share exactly on the bound is within it whatever the rounding of a float."""


class Violation(StrEnum):
    """A bound a group breaks."""

    SIZE = "size"
    TWICE = "twice"
    APART = "apart"
    AGE = "age"
    LANGUAGE = "language"
    DAYPART = "daypart"
    MEETING = "meeting"
    REACH = "reach"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Pool:
    """Needs with their vectors, in the order of their ids so that the order of the rows cannot matter.

    `vectors` (n, d), unit rows; `places` (n, 3), points on the unit sphere, NaN where the area is unknown;
    `reach` (n,), kilometres, NaN where the resident did not say; `dayparts` (n, 21) booleans in the order of DAYPARTS.
    `levels`: cosines at which people are looked for, the closest first; the last is the least that counts as close.
    """

    needs: tuple[Need, ...]
    vectors: NDArray[np.float32]
    levels: tuple[float, ...]
    places: NDArray[np.float64]
    reach: NDArray[np.float64]
    dayparts: NDArray[np.bool_]
    row: Mapping[str, int]

    @property
    def close_from(self) -> float:
        """Cosine from which two people count as close."""
        return self.levels[-1]

    def reach_km(self, rows: Sequence[int] | NDArray[np.int_], settings: MatchSettings) -> NDArray[np.float64]:
        """How far each of these can travel: what they said, else what the settings say."""
        own = self.reach[list(rows)]
        return np.where(np.isnan(own), settings.reach_km, own)

    @classmethod
    def of(cls, needs: Sequence[Need], vectors: NDArray[np.float32], *levels: float) -> Pool:
        """Sort and check.

        Raises BadInput for repeated ids, someone apart from themselves, vectors that do not fit or are not finite, a
        reach that is no distance, and levels that do not descend.
        """
        if not levels or list(levels) != sorted(levels, reverse=True):
            raise BadInput("levels_descend", count=len(levels))
        if vectors.ndim != 2 or vectors.shape[0] != len(needs):
            raise BadInput("vectors_do_not_fit", needs=len(needs), rows=int(vectors.shape[0]))
        broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if broken.size:
            raise BadInput("vector_not_finite", id=needs[int(broken[0])].id, count=int(broken.size))
        for need in needs:
            if need.reach_km is not None and not 0 <= need.reach_km < np.inf:
                raise BadInput("reach_km", id=need.id)
        order = sorted(range(len(needs)), key=lambda index: needs[index].id)
        sorted_needs = tuple(needs[index] for index in order)
        return cls(
            needs=sorted_needs,
            vectors=np.ascontiguousarray(vectors[order]),
            levels=levels,
            places=places(sorted_needs),
            reach=np.array(
                [np.nan if need.reach_km is None else need.reach_km for need in sorted_needs], dtype=np.float64
            ),
            dayparts=np.array(
                [[part in need.dayparts for part in DAYPARTS] for need in sorted_needs], dtype=bool
            ).reshape(len(sorted_needs), len(DAYPARTS)),
            row=check_ids(sorted_needs),
        )


def check_ids(needs: Sequence[Need]) -> dict[str, int]:
    """Row of each id. Raises BadInput for a repeated id and for someone who is to be kept apart from themselves."""
    rows: dict[str, int] = {}
    for index, need in enumerate(needs):
        if need.id in rows:
            raise BadInput("repeated_id", id=need.id)
        if need.id in need.apart:
            raise BadInput("apart_from_self", id=need.id)
        rows[need.id] = index
    return rows


def places(needs: Sequence[Need]) -> NDArray[np.float64]:
    """Points on the unit sphere, so that poles and date line need no special case; NaN where unknown.

    Raises BadInput for a latitude or longitude that is not on earth.
    """
    points = np.full((len(needs), 3), np.nan)
    for index, need in enumerate(needs):
        if need.lat is None or need.lon is None:
            continue
        if not (-90 <= need.lat <= 90 and -180 <= need.lon <= 180):
            raise BadInput("not_on_earth", id=need.id)
        lat, lon = np.radians(need.lat), np.radians(need.lon)
        points[index] = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    return points


def km_to_centre(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kilometres of each point to the middle of those that are known; 0 for an unknown one, which binds nobody."""
    known = ~np.isnan(points[:, 0])
    distances = np.zeros(len(points))
    if known.any():
        distances[known] = km_between(points[known], middle(points[known]))
    return distances


def middle(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean on the sphere of one point or more, all known.

    Points that cancel out (the two poles) have none; then the first stands in, and the distances are as enormous as
    they should be.
    """
    mean = points.sum(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 1e-9 else points[0])


def km_between(points: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle kilometres from each point to another, through the chord: exact for the short ways that matter."""
    chord = np.linalg.norm(points - centre, axis=-1)
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0, 1)))


def form_bounds(form: Form, settings: MatchSettings) -> tuple[int, int]:
    """Smallest and largest size of a form; an association has no upper bound and is never proposed by the engine."""
    if form is Form.CAFE:
        return settings.cafe_min, settings.cafe_max
    return settings.circle_min, settings.circle_max


def daypart_share_holds(can_come: int, said_when: int, settings: MatchSettings) -> bool:
    """True when enough of the members who said when they can, can come at this daypart."""
    return can_come >= settings.daypart_share * said_when - SLACK


def violations(group: Group, pool: Pool, settings: MatchSettings) -> frozenset[Violation]:
    """Every bound this group breaks; empty for a group that may be proposed.

    Raises BadInput when a member is not in the pool.
    """
    unknown = [member for member in group.members if member not in pool.row]
    if unknown:
        raise BadInput("unknown_member", id=unknown[0])
    rows = [pool.row[member] for member in group.members]
    members = [pool.needs[row] for row in rows]
    least, most = form_bounds(group.form, settings)
    ids = set(group.members)
    broken = {
        Violation.SIZE: not least <= len(members) <= most,
        Violation.TWICE: len(set(rows)) != len(rows),
        Violation.APART: any(member.apart & ids for member in members),
        Violation.AGE: len({age_circle(member.age_band) for member in members}) > 1,
        Violation.LANGUAGE: not all(group.language in member.languages for member in members),
        Violation.DAYPART: not _daypart_holds(group, members, settings),
        Violation.MEETING: not _meeting_holds(group, members),
        Violation.REACH: group.meeting is Meeting.IN_PERSON
        and bool((km_to_centre(pool.places[rows]) > pool.reach_km(rows, settings) + SLACK).any()),
        Violation.CLOSE: bool((close_counts(pool, rows) < settings.min_close).any()),
    }
    return frozenset(bound for bound, is_broken in broken.items() if is_broken)


def close_counts(pool: Pool, rows: Sequence[int]) -> NDArray[np.int_]:
    """How many of the others in these rows each member is close to."""
    vectors = pool.vectors[list(rows)]
    close = vectors @ vectors.T >= pool.close_from
    np.fill_diagonal(close, val=False)
    return np.asarray(close.sum(axis=1))


def _meeting_holds(group: Group, members: Sequence[Need]) -> bool:
    """The group meets in one way, and nobody in it refuses that way."""
    refused = group.meeting.opposite
    return refused is not None and all(member.meeting is not refused for member in members)


def _daypart_holds(group: Group, members: Sequence[Need], settings: MatchSettings) -> bool:
    """The group has a daypart enough members share, unless none of them said when; who cannot come then is named."""
    said = [member for member in members if member.dayparts]
    if group.daypart is None:
        return not said and not group.needs_other_time
    cannot = {member.id for member in said if group.daypart not in member.dayparts}
    return cannot == set(group.needs_other_time) and daypart_share_holds(len(said) - len(cannot), len(said), settings)
