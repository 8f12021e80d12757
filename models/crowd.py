"""The people of one theme with everything pairwise computed once, and how a single group grows among them.

`Crowd.holds` asks the same as `bounds.violations`, on local indices and a precomputed matrix, because the search asks
it thousands of times. The tests hold every group it lets through against `violations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.age import age_circle
from models.bounds import SLACK, Pool, daypart_share_holds, form_bounds, km_between, km_to_centre, middle
from models.need import Form, Meeting
from models.plan import MatchSettings

LATE: Final = 0.85
"""Fit of someone who cannot come at the group's daypart, against someone who can."""
FAR: Final = 0.15
"""What living a full reach from the middle takes off a fit."""
CAN_COME_BONUS: Final = 0.05
WAIT_BONUS: Final = 0.03
"""While a group grows, half a year of waiting weighs as much as this cosine: long waiters first if it costs little."""
WAIT_FULL_DAYS: Final = 180
DAYPARTS_TRIED: Final = 4
LANGUAGES_TRIED: Final = 3
CLOSE_MARGIN: Final = 1e-5
"""The search asks a hair more than the bound: float32 cosines differ in their last digits by the shape of a matrix."""

Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a draft is grown around: a language, a way to meet, a daypart, and who of the crowd could go along."""

    language: str
    meeting: Meeting
    daypart: int | None
    eligible: Bools


@dataclass(frozen=True, slots=True)
class Placed:
    """Members (local, ascending) under terms they keep."""

    members: Ints
    terms: Terms
    form: Form


class Crowd:
    """The people of one theme (or one part of it) with everything pairwise computed once. Indices are local."""

    def __init__(self, pool: Pool, rows: Sequence[int], settings: MatchSettings) -> None:
        self.pool = pool
        self.settings = settings
        self.rows = np.array(sorted(rows), dtype=np.int_)
        self.needs = [pool.needs[row] for row in self.rows]
        vectors: Floats = pool.vectors[self.rows].astype(np.float64)
        self.cosines: Floats = np.asarray(vectors @ vectors.T)
        np.fill_diagonal(self.cosines, 0.0)
        self.close: Bools = np.greater_equal(self.cosines, pool.close_from + CLOSE_MARGIN)
        np.fill_diagonal(self.close, val=False)
        self.dayparts = pool.dayparts[self.rows]
        self.said_when: Bools = np.asarray(self.dayparts.any(axis=1))
        self.places = pool.places[self.rows]
        self.placed = ~np.isnan(self.places[:, 0])
        waited = np.array([need.waiting_days for need in self.needs], dtype=np.float64)
        self.wait_bonus = WAIT_BONUS * np.clip(waited / WAIT_FULL_DAYS, 0.0, 1.0)
        self.together = self._together()

    def _together(self) -> Bools:
        """(m, m): no apart-pair, about the same age, and no online-only with in-person-only."""
        ages = np.array([age_circle(need.age_band) for need in self.needs])
        meeting = np.array([need.meeting.value for need in self.needs])
        online, in_person = meeting == Meeting.ONLINE.value, meeting == Meeting.IN_PERSON.value
        allowed = ages[:, None] == ages[None, :]
        allowed &= ~(online[:, None] & in_person[None, :]) & ~(in_person[:, None] & online[None, :])
        local = {need.id: index for index, need in enumerate(self.needs)}
        for index, need in enumerate(self.needs):
            for other in need.apart & local.keys():
                allowed[index, local[other]] = allowed[local[other], index] = False
        return np.asarray(allowed)

    def fits(self, members: Ints, terms: Terms) -> Floats:
        """fit(i, G) of `models.composition` for each member."""
        fit = self.cosines[np.ix_(members, members)].sum(axis=1) / max(len(members) - 1, 1)
        if terms.daypart is not None:
            fit = fit * np.where(self.dayparts[members, terms.daypart] | ~self.said_when[members], 1.0, LATE)
        if terms.meeting is Meeting.IN_PERSON and self.settings.reach_km > 0:
            fit = fit * (1.0 - FAR * np.minimum(km_to_centre(self.places[members]) / self.settings.reach_km, 1.0))
        return np.asarray(fit)

    def holds(self, members: Ints, terms: Terms, form: Form) -> bool:
        """True when these members break no bound under these terms."""
        least, most = form_bounds(form, self.settings)
        if not least <= len(members) <= most or not terms.eligible[members].all():
            return False
        pairs = np.ix_(members, members)
        if int((~self.together[pairs]).sum()) > 0:
            return False
        if (self.close[pairs].sum(axis=1) < self.settings.min_close).any():
            return False
        if not self.daypart_holds(members, terms.daypart):
            return False
        if terms.meeting is Meeting.IN_PERSON:
            return bool((km_to_centre(self.places[members]) <= self.settings.reach_km + SLACK).all())
        return True

    def daypart_holds(self, members: Ints, daypart: int | None) -> bool:
        """True when enough members share the daypart, or none of them said when."""
        said = int(self.said_when[members].sum())
        if daypart is None:
            return said == 0
        return said > 0 and daypart_share_holds(int(self.dayparts[members, daypart].sum()), said, self.settings)

    def terms(self, free: Bools) -> Iterator[Terms]:
        """Languages, ways to meet and dayparts worth trying for who is still free, the most shared first."""
        least = self.settings.circle_min
        spoken = sorted({language for index in np.flatnonzero(free) for language in self.needs[index].languages})
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

    def widened(self, terms: Terms) -> Terms:
        """The same terms, open to everyone who speaks the language and meets that way."""
        refused = terms.meeting.opposite
        may = np.array([need.meeting is not refused and terms.language in need.languages for need in self.needs])
        return replace(terms, eligible=may)

    def _online_helps(self, eligible: Bools) -> bool:
        """True when someone meets online only, or the distances may be too long to meet in person."""
        if any(need.meeting is Meeting.ONLINE for need, may in zip(self.needs, eligible, strict=True) if may):
            return True
        return bool((km_to_centre(self.places[eligible]) > self.settings.reach_km / 2).any())

    def _dayparts(self, eligible: Bools) -> list[int | None]:
        """Dayparts most of them share; None only when nobody said when, or in addition when enough did not say."""
        counts = self.dayparts[eligible].sum(axis=0)
        best = np.argsort(-counts, kind="stable")[:DAYPARTS_TRIED]
        chosen: list[int | None] = [int(daypart) for daypart in best if counts[daypart] > 0]
        if int((eligible & ~self.said_when).sum()) >= self.settings.circle_min:
            chosen.append(None)
        return chosen

    def grow(self, start: int, terms: Terms, size: int) -> Ints:
        """Add the best-fitting person until the size is reached or nobody fits; then drop who breaks a bound."""
        members = [start]
        summed = self.cosines[start].copy()
        close_to = self.close[start].astype(np.int_)
        candidates = terms.eligible & self.together[start]
        if terms.daypart is None:
            candidates &= ~self.said_when
        candidates[start] = False
        can_come = (
            self.dayparts[:, terms.daypart] if terms.daypart is not None else np.ones(len(self.needs), dtype=bool)
        )
        bonus = self.wait_bonus + np.where(can_come, CAN_COME_BONUS, 0.0)
        while len(members) < size:
            possible = candidates & (close_to >= min(len(members), self.settings.min_close))
            if terms.daypart is not None and not self._room_for_late(members, terms.daypart):
                possible &= can_come | ~self.said_when
            score = summed / len(members) + bonus
            if terms.meeting is Meeting.IN_PERSON:
                far = self._km_from(members)
                possible &= far <= self.settings.reach_km
                score = score - FAR * far / max(self.settings.reach_km, 1e-9)
            if not possible.any():
                break
            chosen = int(np.argmax(np.where(possible, score, -np.inf)))
            members.append(chosen)
            summed += self.cosines[chosen]
            close_to += self.close[chosen]
            candidates &= self.together[chosen]
            candidates[chosen] = False
        return self._pruned(np.array(sorted(members), dtype=np.int_), terms)

    def _room_for_late(self, members: list[int], daypart: int) -> bool:
        """True when one more who cannot come at the daypart leaves the share intact."""
        said = int(self.said_when[members].sum())
        return daypart_share_holds(int(self.dayparts[members, daypart].sum()), said + 1, self.settings)

    def _km_from(self, members: list[int]) -> Floats:
        """Kilometres of everyone to the middle of the members whose place is known."""
        known = [member for member in members if self.placed[member]]
        distances = np.zeros(len(self.needs))
        if known:
            distances[self.placed] = km_between(self.places[self.placed], middle(self.places[known]))
        return distances

    def _pruned(self, members: Ints, terms: Terms) -> Ints:
        """Drop, one at a time, who is too far away or has too few close others, until nobody is."""
        while len(members) > 1:
            close = self.close[np.ix_(members, members)].sum(axis=1)
            lonely = close < self.settings.min_close
            km = km_to_centre(self.places[members])
            far = (
                km > self.settings.reach_km
                if terms.meeting is Meeting.IN_PERSON
                else np.zeros(len(members), dtype=bool)
            )
            if lonely.any():
                worst = int(np.argmin(close))
            elif far.any():
                worst = int(np.argmax(km))
            else:
                break
            members = np.delete(members, worst)
        return members
