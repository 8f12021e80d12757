"""Every set of at most a dozen people at once, and which bounds of a group each set keeps.

A dozen people make 4,095 sets: few enough to look at all of them in a handful of matrix products, so that what is said
about them ("no set of these can meet within 5 km") is exact, where a search would only have not found one. The bounds
are those of `models.bounds`; what is said to anyone is still built as a group and held against `violations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.age import age_circle
from models.bounds import EARTH_RADIUS_KM, SLACK, Pool
from models.need import Meeting
from models.plan import MatchSettings

PEOPLE_MOST: Final = 12
"""People looked at together: as many as the largest circle seats, and twice as many sets with each one more."""

Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Counts = NDArray[np.float32]
"""Small whole numbers, as floats because matrix products of those are fast; exact up to 16 million."""


@cache
def all_sets(count: int) -> Bools:
    """(2^count - 1, count): every set but the empty one, in the order of binary counting."""
    numbers = np.arange(1, 2**count)
    return np.asarray((numbers[:, None] >> np.arange(count)) & 1, dtype=bool)


def part_of(pool: Pool, rows: Sequence[int]) -> Pool:
    """A pool of these people alone, in the order given."""
    at = list(rows)
    needs = tuple(pool.needs[row] for row in at)
    return replace(
        pool,
        needs=needs,
        vectors=pool.vectors[at],
        places=pool.places[at],
        reach=pool.reach[at],
        dayparts=pool.dayparts[at],
        row={need.id: index for index, need in enumerate(needs)},
    )


class Combinations:
    """The sets of these people in which nobody is kept apart, all are about one age, and all share a language.

    Those three are never relaxed, so a set that breaks one is left out at once. K sets are left, n people are looked
    at; indices of people are local to `people`.
    """

    def __init__(self, pool: Pool, rows: Sequence[int], settings: MatchSettings) -> None:
        self.settings = settings
        self.rows = tuple(int(row) for row in rows)
        self.people = part_of(pool, self.rows)
        self.reach_km = self.people.reach_km(range(len(self.rows)), settings)
        self.sets = self._compatible(all_sets(len(self.rows)))
        self._counted: Counts = self.sets.astype(np.float32)
        self.sizes: Ints = self.sets.sum(axis=1)
        self.fills_circle: Bools = (self.sizes >= settings.circle_min) & (self.sizes <= settings.circle_max)
        self.cosines: Floats = np.asarray(self.people.vectors @ self.people.vectors.T, dtype=np.float64)
        close = self.cosines >= pool.close_from
        np.fill_diagonal(close, val=False)
        self.close_counts: Counts = self._counted @ close.astype(np.float32)
        """(K, n): to how many of the set each person is close."""
        self.said: Counts = self._counted @ self.people.dayparts.any(axis=1).astype(np.float32)
        self.can_come: Counts = self._counted @ self.people.dayparts.astype(np.float32)
        """(K,) members who said when they can, and (K, 21) who of them can at each daypart."""
        self.in_person_only = self._met_only(Meeting.IN_PERSON)
        self.online_only = self._met_only(Meeting.ONLINE)

    def _compatible(self, sets: Bools) -> Bools:
        needs = self.people.needs
        ages = np.array([age_circle(need.age_band) for need in needs])
        parted = ages[:, None] != ages[None, :]
        for index, need in enumerate(needs):
            for other in need.apart & self.people.row.keys():
                parted[index, self.people.row[other]] = parted[self.people.row[other], index] = True
        if parted.any():
            sets = sets[~(((sets.astype(np.float32) @ parted.astype(np.float32)) > 0) & sets).any(axis=1)]
        spoken = sorted(frozenset[str]().union(*(need.languages for need in needs)))
        mute = np.array([[word not in need.languages for word in spoken] for need in needs], dtype=np.float32)
        return np.asarray(sets[(sets.astype(np.float32) @ mute.reshape(len(needs), len(spoken)) == 0).any(axis=1)])

    def _met_only(self, way: Meeting) -> Counts:
        """(K,): members who meet in this way only."""
        only = np.array([need.meeting is way for need in self.people.needs], dtype=np.float32)
        with np.errstate(invalid="ignore"):  # some builds of OpenBLAS raise the flag on ones and zeros
            return np.asarray(self._counted @ only)

    @cached_property
    def nobody_alone(self) -> Bools:
        """(K,): every member is close to as many others as the bounds ask."""
        return np.asarray(((self.close_counts >= self.settings.min_close) | ~self.sets).all(axis=1))

    @cached_property
    def short_of_daypart(self) -> Floats:
        """(K, 21): how many members more would have to be able to come at each daypart; 0 where enough can.

        A set in which nobody said when is short of nobody.
        """
        asked = np.ceil(self.settings.daypart_share * self.said.astype(np.float64) - SLACK)
        return np.maximum(asked[:, None] - self.can_come, 0.0)

    @cached_property
    def enough_can_come(self) -> Bools:
        """(K,): there is a daypart that enough of them share."""
        return np.asarray((self.short_of_daypart == 0).any(axis=1))

    def enough_can_come_with(self, newcomers: int) -> Bools:
        """(K,): the same with newcomers who come when most of the set can, or did not say when as nobody did."""
        asked = self.settings.daypart_share * (self.said + newcomers) - SLACK
        return np.asarray((self.said == 0) | (self.can_come.max(axis=1) + newcomers >= asked))

    def km_short(self, at: Ints) -> Floats:
        """(len(at),): the longest way to the middle of the set that is longer than that member travels; 0 for none."""
        places = np.nan_to_num(self.people.places)
        known = ~np.isnan(self.people.places[:, 0])
        sets = self.sets[at] & known
        mean = sets.astype(np.float64) @ places
        length = np.linalg.norm(mean, axis=1)
        # as in `models.bounds.middle`: places that cancel out have no middle, and the first stands in
        lost = (length <= 1e-9) & sets.any(axis=1)
        mean[lost] = places[sets[lost].argmax(axis=1)]
        centre = mean / np.where(lost | (length == 0), 1.0, length)[:, None]
        chord = np.sqrt(sum((places[None, :, axis] - centre[:, None, axis]) ** 2 for axis in range(3)))
        km = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0, 1))
        return np.asarray(np.where(sets & (km > self.reach_km + SLACK), km, 0.0).max(axis=1, initial=0.0))

    def can_meet(self, at: Ints) -> Bools:
        """(len(at),): these sets can meet online, or in person within the distance everyone travels."""
        online = self.in_person_only[at] == 0
        in_person = ~online & (self.online_only[at] == 0)
        online[in_person] = self.km_short(at[in_person]) == 0
        return np.asarray(online)

    def middle_is_close(self, at: Ints) -> Bools:
        """(len(at), n): the person is close to the middle (the mean, at unit length) of the set."""
        chosen = self.sets[at].astype(np.float64)
        towards = chosen @ self.cosines
        length = np.sqrt(np.maximum((towards * chosen).sum(axis=1), 0.0))
        close = towards >= (self.people.close_from * length)[:, None]
        return np.asarray(close & (length > 0)[:, None])
