"""The matching engine as one pure function: needs, an encoder and a seed in, a plan out.

Same needs, encoder, settings and seed give the same plan, byte for byte, whatever the order of the needs. `match` is
`prepare`, `group_block` for every block in any order and on any machine, and `finish`; workers do these three apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.blocks import Block, blocks
from models.bounds import Pool
from models.clusters import ON_AVERAGE
from models.composition import compose_block
from models.encoder import Encoder, Vector
from models.joining import join
from models.need import Need, Perspective
from models.plan import (
    Group,
    Joining,
    MatchSettings,
    OpenPlatform,
    PastTheme,
    Plan,
    Progress,
    Reason,
    Rejected,
    Stage,
    Theme,
    Ungrouped,
)
from models.pool import NONE_KNOWN, pool_of
from models.reasons import described, why_not
from models.relaxation import ORDER, Change, advise, advise_mixed, alternatives, is_raised
from models.themes import find_themes
from models.topics import topics_of

# The engine's whole vocabulary in one place, for who calls it.
__all__ = [
    "Block",
    "Group",
    "Joining",
    "MatchSettings",
    "OpenPlatform",
    "PastTheme",
    "Plan",
    "Prepared",
    "Progress",
    "Reason",
    "Rejected",
    "Stage",
    "Theme",
    "Ungrouped",
    "finish",
    "group_block",
    "match",
    "prepare",
]

DEFAULTS = MatchSettings()
GROUPS_LOOKED_AT: Final = 5
"""Groups of a theme a person left over is held against; in a theme of thousands nobody reads about more."""
PEOPLE_LOOKED_AT: Final = 20
"""Others left over somebody may be told of: enough to meet one of them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What has to be known of the whole pool before its blocks can be done apart from one another.

    `joinings` come first; `not_drawn` has the reason of who lost a draw for the last places of a platform.
    """

    pool: Pool
    joinings: tuple[Joining, ...]
    not_drawn: Mapping[str, Reason]
    themes: tuple[Theme, ...]
    blocks: tuple[Block, ...]
    model_id: str
    seed: int


def match(
    needs: Sequence[Need],
    *,
    encoder: Encoder,
    vectors: Mapping[str, Vector] = NONE_KNOWN,
    settings: MatchSettings = DEFAULTS,
    platforms: Sequence[OpenPlatform] = (),
    past: Sequence[PastTheme] = (),
    rejected: Sequence[Rejected] = (),
    seed: int,
    progress: Callable[[Progress], None] | None = None,
) -> Plan:
    """Offer places in existing platforms, find themes in the needs, and compose groups within the hard bounds.

    `vectors` holds what this encoder made of notes earlier, by id of the need; the rest is encoded here. An age band
    that is missing is read from the note. `past` are the themes of the last run: they go on by name, and say where
    perspectives may mix. No group of `rejected` comes back. `progress` is called from this thread and may be slow or
    raise; what it raises goes to the caller, and nothing is left half done. An empty pool gives an empty plan.
    Raises BadInput for repeated ids, someone apart from themselves, places not on earth, vectors with NaN, and vectors
    that another encoder made.
    """
    tell = progress or _silent
    prepared = prepare(
        needs,
        encoder=encoder,
        vectors=vectors,
        settings=settings,
        platforms=platforms,
        past=past,
        seed=seed,
        progress=tell,
    )
    groups: list[Group] = []
    themes = {theme.id: theme for theme in prepared.themes}
    for done, block in enumerate(prepared.blocks):
        tell(Progress(Stage.GROUPS, done, len(prepared.blocks)))
        groups.extend(group_block(block, themes[block.theme_id], prepared.pool, settings, rejected=rejected))
    tell(Progress(Stage.GROUPS, len(prepared.blocks), len(prepared.blocks)))
    return finish(prepared, groups, settings)


def prepare(
    needs: Sequence[Need],
    *,
    encoder: Encoder,
    vectors: Mapping[str, Vector] = NONE_KNOWN,
    settings: MatchSettings = DEFAULTS,
    platforms: Sequence[OpenPlatform] = (),
    past: Sequence[PastTheme] = (),
    seed: int,
    progress: Callable[[Progress], None] | None = None,
) -> Prepared:
    """The first third of `match`: everything that needs to see the whole pool at once. Errors as there."""
    tell = progress or _silent
    tell(Progress(Stage.ENCODING, 0, len(needs)))
    pool = pool_of(needs, encoder, vectors)
    tell(Progress(Stage.ENCODING, len(needs), len(needs)))
    tell(Progress(Stage.THEMES, 0, 1))
    joinings, not_drawn = join(pool, platforms, lambda them: pool_of(them, encoder, vectors), settings, seed=seed)
    themes = find_themes(pool, settings, topics=topics_of(pool.needs), past=past, seed=seed) if needs else ()
    joined = frozenset(member for one in joinings for member in one.members)
    tell(Progress(Stage.THEMES, 1, 1))
    return Prepared(
        pool, joinings, not_drawn, themes, blocks(pool, themes, settings, without=joined), encoder.model_id, seed
    )


def group_block(
    block: Block, theme: Theme, pool: Pool, settings: MatchSettings, *, rejected: Sequence[Rejected] = ()
) -> list[Group]:
    """The second third: the groups of one block. Only its own members in `pool` matter, whoever else is in it."""
    drafts = compose_block(block, pool, settings, rejected=rejected)
    return [described(draft, theme, pool, settings) for draft in drafts]


def finish(prepared: Prepared, groups: Sequence[Group], settings: MatchSettings = DEFAULTS) -> Plan:
    """The last third: why everyone else is in no group yet, and the smallest changes that would help."""
    placed = {member for group in groups for member in group.members}
    placed |= {member for joining in prepared.joinings for member in joining.members}
    advice = _advice(prepared, placed, settings)
    return Plan(
        groups=tuple(groups),
        themes=prepared.themes,
        ungrouped=tuple(_ungrouped(prepared, groups, placed, advice, settings)),
        model_id=prepared.model_id,
        seed=prepared.seed,
        close_from=prepared.pool.close_from,
        joinings=prepared.joinings,
        advice={theme: tuple(change.reason for change in changes) for theme, changes in advice.items()},
    )


def _advice(prepared: Prepared, placed: Set[str], settings: MatchSettings) -> dict[str, tuple[Change, ...]]:
    """For each theme that somebody is left of, the smallest changes that would give them a group."""
    pool = prepared.pool
    left = {
        theme.id: [pool.row[member] for member in theme.members if member not in placed] for theme in prepared.themes
    }
    beside = _beside(prepared)
    advice: dict[str, tuple[Change, ...]] = {}
    for theme in prepared.themes:
        others: dict[Perspective, list[int]] = defaultdict(list)
        for other in beside[theme.id]:
            if other.perspective is not None:
                others[other.perspective] += left[other.id]
        found = (*advise(left[theme.id], pool, settings), *advise_mixed(left[theme.id], others, pool, settings))
        if found:
            advice[theme.id] = tuple(sorted(found, key=lambda change: ORDER.index(change.reason.code)))
    return advice


def _beside(prepared: Prepared) -> dict[str, list[Theme]]:
    """For each theme those of another perspective that are about the same, as `models.themes` would mix them."""
    pool, themes = prepared.pool, prepared.themes
    if not themes:
        return {}
    means = np.array(
        [pool.vectors[[pool.row[one] for one in theme.members]].mean(axis=0, dtype=np.float64) for theme in themes]
    )
    alike = means @ means.T >= ON_AVERAGE * pool.close_from
    return {
        theme.id: [
            themes[other] for other in np.flatnonzero(alike[at]) if themes[other].perspective is not theme.perspective
        ]
        for at, theme in enumerate(themes)
    }


def _ungrouped(
    prepared: Prepared,
    groups: Sequence[Group],
    placed: Set[str],
    advice: Mapping[str, tuple[Change, ...]],
    settings: MatchSettings,
) -> Iterator[Ungrouped]:
    """Everyone in no group, in the order of their ids, with the reason and what would help."""
    pool = prepared.pool
    theme_of = {member: theme for theme in prepared.themes for member in theme.members}
    groups_of: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        groups_of[group.theme_id].append(group)
    beside = {theme.id: Beside.of(pool, theme, groups_of[theme.id], placed) for theme in prepared.themes}
    for row, need in enumerate(pool.needs):
        if need.id in placed:
            continue
        theme = theme_of.get(need.id)
        near, others = beside[theme.id].nearest(pool, row) if theme else ((), ())
        reason = prepared.not_drawn.get(need.id) or why_not(row, theme, near, pool, settings)
        changes = advice.get(theme.id, ()) if theme else ()
        helps = alternatives(row, changes, others, near, pool, settings)
        yield Ungrouped(need.id, reason, helps, is_raised(need, settings))


@dataclass(frozen=True, slots=True)
class Beside:
    """What of a theme a person left over is compared with: its groups, by their means (g, d), and who is left too."""

    groups: Sequence[Group]
    means: NDArray[np.float64]
    left: NDArray[np.int_]

    @classmethod
    def of(cls, pool: Pool, theme: Theme, groups: Sequence[Group], placed: Set[str]) -> Beside:
        """Everything is computed once for the theme."""
        means = [pool.vectors[[pool.row[one] for one in group.members]].mean(axis=0) for group in groups]
        left = [pool.row[member] for member in theme.members if member not in placed]
        width = pool.vectors.shape[1]
        return cls(groups, np.array(means, dtype=np.float64).reshape(len(groups), width), np.array(left, dtype=np.int_))

    def nearest(self, pool: Pool, row: int) -> tuple[list[Group], list[int]]:
        """The groups this person is most alike to, and the others left over, the most alike first; some of each."""
        groups = np.argsort(-np.round(self.means @ pool.vectors[row], 6), kind="stable")[:GROUPS_LOOKED_AT]
        alike = np.round(pool.vectors[self.left] @ pool.vectors[row], 6)
        others = self.left[np.argsort(-alike, kind="stable")[: PEOPLE_LOOKED_AT + 1]]
        return [self.groups[at] for at in groups], [int(other) for other in others if other != row]


def _silent(_: Progress) -> None:
    """Tell nobody."""
