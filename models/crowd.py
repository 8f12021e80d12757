"""The people of one block with everything pairwise computed once, and how groups grow among them.

A group is a row of booleans over the crowd, many groups at a time a matrix (groups, people), so that hundreds grow and
are checked in a few matrix products. `Crowd.holds` asks the same as `bounds.violations`; the tests hold every group it
lets through against that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.age import age_circle
from models.bounds import EARTH_RADIUS_KM, SLACK, Pool, km_to_centre
from models.need import Meeting
from models.plan import AGAIN, MatchSettings, Rejected

USED: Final = 0.05
"""What it costs somebody, while a group grows, to be in most groups that grew before: the others need groups too."""
LATE: Final = 0.85
"""Fit of someone who cannot come at the group's daypart, against someone who can."""
FAR: Final = 0.15
"""What living a full reach from the middle takes off a fit."""
WAIT_BONUS: Final = 0.03
"""While a group grows, half a year of waiting weighs as much as this cosine: long waiters first if it costs little."""
WAIT_FULL_DAYS: Final = 180
DAYPARTS_TRIED: Final = 4
LANGUAGES_TRIED: Final = 3
ROUGH: Final = 0.01
"""Kilometres by which growing may be wrong about a distance; whether a group holds is asked exactly."""
CLOSE_MARGIN: Final = 1e-5
"""The search asks a hair more than the bound: float32 cosines differ in their last digits by the shape of a matrix."""

Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a group is grown around: a language, a way to meet, a daypart (a column), and who could go along."""

    language: str
    meeting: Meeting
    daypart: int | None
    eligible: Bools


class Crowd:
    """The people of a block at one level of closeness. Indices are local; `rows` are those of the pool."""

    def __init__(
        self,
        pool: Pool,
        rows: Sequence[int],
        settings: MatchSettings,
        *,
        level: float,
        rejected: Sequence[Rejected] = (),
    ) -> None:
        self.settings = settings
        self.level = level
        self.rows: Ints = np.array(sorted(rows), dtype=np.int_)
        self.needs = [pool.needs[row] for row in self.rows]
        vectors: Floats = pool.vectors[self.rows].astype(np.float64)
        self.cosines: Floats = np.asarray(vectors @ vectors.T)
        np.fill_diagonal(self.cosines, 0.0)
        self.close: Bools = self._close(level)
        self.dayparts = pool.dayparts[self.rows]
        self.said_when: Bools = np.asarray(self.dayparts.any(axis=1))
        self.places = pool.places[self.rows]
        self.placed: Bools = ~np.isnan(self.places[:, 0])
        self._points: Floats = np.where(self.placed[:, None], self.places, 0.0)
        self.reach: Floats = pool.reach_km(self.rows, settings)
        waited = np.array([need.waiting_days for need in self.needs], dtype=np.float64)
        self.waited: Floats = np.clip(waited / WAIT_FULL_DAYS, 0.0, 1.0)
        self.apart = self._apart()
        local = {need.id: at for at, need in enumerate(self.needs)}
        self._rejected = [
            (one.form, np.array([local[member] for member in sorted(one.members) if member in local], dtype=np.int_))
            for one in rejected
        ]

    def at(self, level: float) -> Crowd:
        """The same people at another level; all that does not depend on it is shared."""
        other = copy(self)
        other.level, other.close = level, self._close(level)
        return other

    def _close(self, level: float) -> Bools:
        """(m, m): who is close to whom; nobody to themselves."""
        close = np.greater_equal(self.cosines, level + CLOSE_MARGIN)
        np.fill_diagonal(close, val=False)
        return np.asarray(close)

    def _apart(self) -> Bools:
        """(m, m): an apart-pair, another age, or online-only with in-person-only."""
        ages = np.array([age_circle(need.age_band) for need in self.needs])
        meeting = np.array([need.meeting.value for need in self.needs])
        online, in_person = meeting == Meeting.ONLINE.value, meeting == Meeting.IN_PERSON.value
        apart = ages[:, None] != ages[None, :]
        apart |= (online[:, None] & in_person[None, :]) | (in_person[:, None] & online[None, :])
        local = {need.id: at for at, need in enumerate(self.needs)}
        for at, need in enumerate(self.needs):
            for other in need.apart & local.keys():
                apart[at, local[other]] = apart[local[other], at] = True
        np.fill_diagonal(apart, val=False)
        return np.asarray(apart)

    def terms(self, free: Bools) -> Iterator[Terms]:
        """Languages, ways to meet and dayparts worth trying for who is still free, the most shared first."""
        least = self.settings.circle_min
        spoken = sorted({language for at in np.flatnonzero(free) for language in self.needs[at].languages})
        speaks = {word: np.array([word in need.languages for need in self.needs]) & free for word in spoken}
        for language in sorted(spoken, key=lambda word: (-int(speaks[word].sum()), word))[:LANGUAGES_TRIED]:
            for meeting in (Meeting.IN_PERSON, Meeting.ONLINE):
                eligible = speaks[language] & np.array([need.meeting is not meeting.opposite for need in self.needs])
                if int(eligible.sum()) < least:
                    continue
                # Online costs people the room they would meet in; it is worth a try only for who it adds or joins.
                if meeting is Meeting.ONLINE and not self._online_helps(eligible):
                    continue
                for daypart in self._dayparts(eligible):
                    yield Terms(language, meeting, daypart, eligible)

    def _online_helps(self, eligible: Bools) -> bool:
        """True when someone meets online only, or the distances may be too long to meet in person."""
        if any(need.meeting is Meeting.ONLINE for need, may in zip(self.needs, eligible, strict=True) if may):
            return True
        return bool((km_to_centre(self.places[eligible]) > self.reach[eligible] / 2).any())

    def _dayparts(self, eligible: Bools) -> list[int | None]:
        """Dayparts most of them share; None only when nobody said when, or in addition when enough did not say."""
        counts = self.dayparts[eligible].sum(axis=0)
        best = np.argsort(-counts, kind="stable")[:DAYPARTS_TRIED]
        chosen: list[int | None] = [int(daypart) for daypart in best if counts[daypart] > 0]
        if int((eligible & ~self.said_when).sum()) >= self.settings.circle_min:
            chosen.append(None)
        return chosen

    def grow(self, starts: Ints, terms: Terms, can_come_bonus: Floats, used: Floats, *, least: int, most: int) -> Bools:
        """(groups, m): from each start the best-fitting person joins, again and again; stages of `least` to `most`.

        `can_come_bonus` (starts,): the cosine that being free at the daypart is worth. `used` (m,): in how many groups
        each one is that grew before. The closeness bound holds at each stage; that of reach may not, as the middle
        moves with who joins.
        """
        members = np.zeros((len(starts), len(self.needs)), dtype=bool)
        members[np.arange(len(starts)), starts] = True
        candidates = terms.eligible & ~self.apart[starts] & ~members
        can_come = np.ones(len(self.needs), dtype=bool)
        if terms.daypart is None:
            candidates &= ~self.said_when
        else:
            can_come = self.dayparts[:, terms.daypart]
        bonus = (
            WAIT_BONUS * self.waited + can_come_bonus[:, None] * can_come - USED * used / max(float(used.max()), 1.0)
        )
        summed, close_to = self.cosines[starts], self.close[starts].astype(np.int_)
        stages: list[Bools] = [members] if least <= 1 else []
        for size in range(1, most):
            possible = candidates & (close_to >= min(size, self.settings.min_close))
            possible &= can_come | ~self.said_when | self._room_for_late(members, terms.daypart)[:, None]
            score = summed / size + bonus
            if terms.meeting is Meeting.IN_PERSON:
                far = self._roughly_km(members)
                possible &= far <= self.reach + ROUGH
                score = score - FAR * far / np.maximum(self.reach, 1e-9)
            going = possible.any(axis=1)
            if not going.any():
                break
            chosen = np.where(possible, score, -np.inf)[going].argmax(axis=1)
            members, candidates, bonus = members[going], candidates[going], bonus[going]
            summed, close_to = summed[going], close_to[going]
            members[np.arange(len(chosen)), chosen] = True
            candidates &= ~self.apart[chosen] & ~members
            summed = summed + self.cosines[chosen]
            close_to = close_to + self.close[chosen]
            if size + 1 >= least:
                stages.append(members.copy())
        return np.concatenate(stages) if stages else np.zeros((0, len(self.needs)), dtype=bool)

    def holds(self, groups: Bools, terms: Terms, *, least: int, most: int) -> Bools:
        """(groups,): which of these groups break no bound under these terms."""
        sizes = groups.sum(axis=1)
        counted = groups.astype(np.float32)
        good = (sizes >= least) & (sizes <= most) & ~(groups & ~terms.eligible).any(axis=1)
        good &= ~((counted @ self.apart.astype(np.float32) > 0) & groups).any(axis=1)
        good &= ~((counted @ self.close.astype(np.float32) < self.settings.min_close - 0.5) & groups).any(axis=1)
        said = (groups & self.said_when).sum(axis=1)
        if terms.daypart is None:
            good &= said == 0
        else:
            can = (groups & self.dayparts[:, terms.daypart]).sum(axis=1)
            good &= (said > 0) & (can >= self.settings.daypart_share * said - SLACK)
        if terms.meeting is Meeting.IN_PERSON:
            good &= ~((self._km_to_middle(groups) > self.reach + SLACK) & groups).any(axis=1)
        return np.asarray(good)

    def again(self, groups: Bools, form: str) -> Bools:
        """(groups,): which of these are a group that was rejected, or nearly."""
        found = np.zeros(len(groups), dtype=bool)
        for rejected_form, members in self._rejected:
            if rejected_form == form and members.size:
                found |= groups[:, members].sum(axis=1) >= AGAIN * groups.sum(axis=1) - SLACK
        return found

    def fits(self, groups: Bools, terms: Terms) -> Floats:
        """(groups, m): fit(i, G) of `models.composition` for the members, infinity for everyone else."""
        others = np.maximum(groups.sum(axis=1, keepdims=True) - 1, 1)
        fit = (groups.astype(np.float64) @ self.cosines) / others
        if terms.daypart is not None:
            fit = fit * np.where(self.said_when & ~self.dayparts[:, terms.daypart], LATE, 1.0)
        if terms.meeting is Meeting.IN_PERSON:
            way = np.minimum(self._km_to_middle(groups) / np.maximum(self.reach, 1e-9), 1.0)
            fit = fit * (1.0 - FAR * way)
        return np.where(groups, fit, np.inf)

    def _room_for_late(self, groups: Bools, daypart: int | None) -> Bools:
        """(groups,): whether one more who cannot come at the daypart leaves the share intact."""
        if daypart is None:
            return np.zeros(len(groups), dtype=bool)
        said = (groups & self.said_when).sum(axis=1) + 1
        can = (groups & self.dayparts[:, daypart]).sum(axis=1)
        return np.asarray(can >= self.settings.daypart_share * said - SLACK)

    def _roughly_km(self, groups: Bools) -> Floats:
        """As `_km_to_middle`, straight through the earth and to a metre or so: growing asks it thousands of times."""
        summed = (groups & self.placed).astype(np.float64) @ self._points
        lengths = np.sqrt((summed * summed).sum(axis=1, keepdims=True))
        middles = summed / np.maximum(lengths, 1e-12)
        chords = np.sqrt(np.maximum(2.0 - 2.0 * (middles @ self._points.T), 0.0))
        chords *= self.placed & (lengths > 0)
        return np.asarray(EARTH_RADIUS_KM * chords)

    def _km_to_middle(self, groups: Bools) -> Floats:
        """(groups, m): kilometres of everyone to the middle of each group; 0 where a place is not known.

        Members whose places cancel out (the two poles) have no middle: then everyone is too far.
        """
        known = groups & self.placed
        summed = known.astype(np.float64) @ self._points
        lengths = np.linalg.norm(summed, axis=1, keepdims=True)
        middles = summed / np.maximum(lengths, 1e-12)
        chords = np.linalg.norm(self._points[None, :, :] - middles[:, None, :], axis=2)
        km = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chords / 2, 0, 1))
        km[(lengths[:, 0] <= 1e-9) & known.any(axis=1)] = np.inf
        km[~known.any(axis=1)] = 0.0
        return np.where(self.placed, km, 0.0)
