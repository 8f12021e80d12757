"""Themes that last: which theme of a run is which theme of the run before, and what happened to each.

The terms are those of MONIC (Spiliopoulou, Ntoutsi, Theodoridis and Schult, KDD 2006): a cluster survives, is absorbed,
splits or disappears, and what is left when all of these are told is new. Only the members are compared, so a theme may
change its words, and the encoder may change, without the theme becoming another one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from models.errors import Param
from models.plan import PastTheme, Theme

SURVIVES: Final = 0.5
"""MONIC's survival threshold, which it takes from [0.5, 1], at its lowest: a theme is still that theme when at least
half of who is still there went along. Less would let the smaller part carry the name away; more would give a new name
to a theme that lost some people to its neighbours. MONIC weighs members by their age and drops who aged out of the
window; here that is who is no longer in the pool. Newcomers do not count against a theme (as they would in the Jaccard
index of Greene, Doyle and Cunningham, 2010): a theme that people keep coming to is exactly the one to recognise."""
LEAST_SHARED: Final = 2
"""One person is no theme: without this, whoever knows where a single person went could follow them by its name."""
TOLD_SHARE: Final = 0.2
TOLD_LEAST: Final = 3
"""A change is worth telling from a fifth of the theme on, and from three people on. In a theme that could fill a café
(40) a fifth is 8, a circle; in a small one, 3 is the smallest theme there is (`MatchSettings.theme_min`). Below that it
is about persons: one who came or left, a few who could be named."""

NOTHING_TOLD: Final[Mapping[str, int]] = MappingProxyType({})


class EventKind(StrEnum):
    """What can happen to a theme between two runs, in the order in which it is told."""

    MERGED = "merged"  # size; past: the one that goes on, then those that came into it
    SPLIT = "split"  # was, size; found: the one that goes on (if any), then the other parts, the largest first
    GREW = "grew"  # was, size
    SHRANK = "shrank"  # was, size
    BORN = "born"  # size
    ENDED = "ended"  # left: in the pool no more; scattered: still there, but no longer together


@dataclass(frozen=True, slots=True)
class ThemeEvent:
    """Something that happened to themes: ids of past and of found ones, and counts; never the id of a person."""

    kind: EventKind
    past: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lineage:
    """`continues`: found theme → the past theme it is, one to one. A found theme that is not in it is new."""

    continues: Mapping[str, str]
    events: tuple[ThemeEvent, ...]


def follow(
    past: Sequence[PastTheme],
    found: Sequence[Theme],
    pool: Collection[str],
    told: Mapping[str, int] = NOTHING_TOLD,
) -> Lineage:
    """Recognise past themes among the found ones, and tell what happened.

    `pool` has the ids of everybody who is still there: who withdrew or got a place counts neither for nor against a
    theme. `told` is the size of a past theme when its size was last told (left out: as it was in the last run), so
    that one person a night still adds up to a theme that grew. A need is in at most one found theme.

    The assignment maximises the number of people who stay in their theme,

        max sum x[p,f] * shared[p,f]   s.t.  sum_f x[p,f] <= 1,  sum_p x[p,f] <= 1,  x in {0, 1},

    over the pairs in which `f` has at least `SURVIVES` of who is still there of `p`. Of equal answers the one with the
    highest Jaccard indices, then the one with the first members: neither the order nor the names of the themes matter.
    Events come by kind, in the order of `EventKind`, and within a kind from the largest theme to the smallest.
    """
    return _Following(past, found, frozenset(pool), told).lineage()


def _by_size(theme: PastTheme | Theme) -> tuple[int, list[str], str]:
    return -len(theme.members), sorted(theme.members), theme.id


class _Following:
    """The tables that every question about two runs needs. Past themes are rows, found ones columns, largest first."""

    def __init__(
        self, past: Sequence[PastTheme], found: Sequence[Theme], pool: frozenset[str], told: Mapping[str, int]
    ) -> None:
        self.past = sorted(past, key=_by_size)
        self.found = sorted(found, key=_by_size)
        self.told = told
        self.still = [theme.members & pool for theme in self.past]
        found_of = {member: column for column, theme in enumerate(self.found) for member in theme.members}
        self.shared = [
            Counter(found_of[member] for member in still if member in found_of) for still in self.still
        ]  # row -> column -> people in both
        self.goes_on = self._assigned()
        self.continued = {column: row for row, column in self.goes_on.items()}

    def lineage(self) -> Lineage:
        """What `follow` answers."""
        merged, into = self._merged()
        split = self._split()
        touched = {self.past[row].id for row in (*(self.continued[column] for column in merged), *split)}
        events = [
            *(self._merge(column, rows) for column, rows in sorted(merged.items())),
            *(self._parting(row, columns) for row, columns in sorted(split.items())),
            *self._sizes(EventKind.GREW, touched),
            *self._sizes(EventKind.SHRANK, touched),
            *(
                ThemeEvent(EventKind.BORN, found=(theme.id,), params={"size": len(theme.members)})
                for column, theme in enumerate(self.found)
                if column not in self.continued
            ),
            *(self._ending(row) for row in range(len(self.past)) if row not in self.goes_on and row not in into),
        ]
        continues = {self.found[column].id: self.past[row].id for column, row in sorted(self.continued.items())}
        return Lineage(continues, tuple(events))

    def _survivors(self, row: int) -> list[int]:
        """Columns in which enough of who is still there of this past theme are together."""
        needed = max(LEAST_SHARED, SURVIVES * len(self.still[row]))
        return sorted(column for column, shared in self.shared[row].items() if shared >= needed)

    def _assigned(self) -> dict[int, int]:
        """Row → column of each past theme that goes on.

        Each row also has a column of its own, worth next to nothing, that stands for going on nowhere; so a full
        matching always exists, and only the pairs that share people are in memory.
        """
        pairs = [(row, column) for row in range(len(self.past)) for column in self._survivors(row)]
        if not pairs:
            return {}
        rows, columns = len(self.past), len(self.found)
        likeness = np.array([self._jaccard(row, column) for row, column in pairs])
        # all likenesses together weigh less than one person
        weights = np.array([self.shared[row][column] for row, column in pairs]) + likeness / (rows + 1)
        nowhere = np.full(rows, 2.0**-40)
        row_of = np.concatenate([np.array([row for row, _ in pairs]), np.arange(rows)])
        column_of = np.concatenate([np.array([column for _, column in pairs]), columns + np.arange(rows)])
        # Imported here: the pages know the words of this module, and must not carry scipy
        import scipy.sparse as sp  # noqa: PLC0415
        from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # noqa: PLC0415

        worth = sp.csr_array((np.concatenate([weights, nowhere]), (row_of, column_of)), shape=(rows, columns + rows))
        matched = zip(*min_weight_full_bipartite_matching(worth, maximize=True), strict=True)
        return {int(row): int(column) for row, column in matched if column < columns}

    def _jaccard(self, row: int, column: int) -> float:
        shared = self.shared[row][column]
        return shared / (len(self.still[row]) + len(self.found[column].members) - shared)

    def _merged(self) -> tuple[dict[int, list[int]], set[int]]:
        """Column → the rows that came into it beside its own, and all such rows."""
        merged: dict[int, list[int]] = defaultdict(list)
        for row in range(len(self.past)):
            if row in self.goes_on:
                continue
            # A survivor nobody took would have been assigned, so there is always a theme to have merged with.
            survivors = self._survivors(row)
            if survivors:
                merged[max(survivors, key=lambda column: (self.shared[row][column], -column))].append(row)
        return merged, {row for rows in merged.values() for row in rows}

    def _split(self) -> dict[int, list[int]]:
        """Row → the columns its people are now in, two or more, the one that goes on first."""
        split: dict[int, list[int]] = {}
        for row, still in enumerate(self.still):
            least = max(TOLD_LEAST, TOLD_SHARE * len(still))
            own = self.goes_on.get(row)
            parts = [column for column, shared in self.shared[row].items() if shared >= least and column != own]
            parts.sort(key=lambda column: (-self.shared[row][column], column))
            together = sum(self.shared[row][column] for column in parts)
            if own is not None and parts:
                split[row] = [own, *parts]
            elif own is None and len(parts) > 1 and together >= SURVIVES * len(still):
                split[row] = parts
        return split

    def _merge(self, column: int, rows: list[int]) -> ThemeEvent:
        past = tuple(self.past[row].id for row in (self.continued[column], *rows))
        theme = self.found[column]
        return ThemeEvent(EventKind.MERGED, past, (theme.id,), {"size": len(theme.members)})

    def _parting(self, row: int, columns: list[int]) -> ThemeEvent:
        theme, own = self.past[row], self.goes_on.get(row)
        params: dict[str, Param] = {"was": len(theme.members)}
        if own is not None:
            params["size"] = len(self.found[own].members)
        return ThemeEvent(EventKind.SPLIT, (theme.id,), tuple(self.found[column].id for column in columns), params)

    def _sizes(self, kind: EventKind, touched: Collection[str]) -> list[ThemeEvent]:
        """Who grew, or shrank. A merge or a split has told the new size already."""
        events = []
        for row, column in sorted(self.goes_on.items()):
            theme, size = self.past[row], len(self.found[column].members)
            was = self.told.get(theme.id, len(theme.members))
            change = size - was if kind is EventKind.GREW else was - size
            if theme.id not in touched and change >= max(TOLD_LEAST, TOLD_SHARE * was):
                events.append(ThemeEvent(kind, (theme.id,), (self.found[column].id,), {"was": was, "size": size}))
        return events

    def _ending(self, row: int) -> ThemeEvent:
        here = len(self.still[row])
        gone = len(self.past[row].members) - here
        return ThemeEvent(EventKind.ENDED, (self.past[row].id,), params={"left": gone, "scattered": here})
