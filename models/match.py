"""The matching engine as one pure function: needs, an encoder and a seed in, a plan out.

Same needs, encoder, settings and seed give the same plan, byte for byte, whatever the order of the needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from models.age import read_age_band
from models.bounds import Pool, check_ids, places
from models.composition import compose
from models.encoder import Encoder
from models.need import Need
from models.plan import Group, MatchSettings, Plan, Progress, Reason, Stage, Theme, Ungrouped
from models.reasons import described, why_not
from models.themes import find_themes

# The engine's whole vocabulary in one place, for who calls it.
__all__ = ["Group", "MatchSettings", "Plan", "Progress", "Reason", "Stage", "Theme", "Ungrouped", "match", "pool_of"]

DEFAULTS = MatchSettings()


def match(
    needs: Sequence[Need],
    *,
    encoder: Encoder,
    settings: MatchSettings = DEFAULTS,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
) -> Plan:
    """Find themes in the needs and compose groups within the hard bounds.

    An age band that is missing is read from the note. `progress` is called from this thread and may be slow or raise;
    what it raises goes to the caller, and nothing is left half done. An empty pool gives an empty plan.
    Raises BadInput for repeated ids, someone apart from themselves, places not on earth, and vectors with NaN.
    """
    tell = progress or _silent
    tell(Progress(Stage.ENCODING, 0, len(needs)))
    pool = pool_of(needs, encoder)
    tell(Progress(Stage.ENCODING, len(needs), len(needs)))
    tell(Progress(Stage.THEMES, 0, 1))
    themes = find_themes(pool, settings, seed=seed) if needs else ()
    tell(Progress(Stage.THEMES, 1, 1))
    groups: list[Group] = []
    for done, theme in enumerate(themes):
        tell(Progress(Stage.GROUPS, done, len(themes)))
        rows = [pool.row[member] for member in theme.members]
        groups.extend(described(draft, theme, pool, settings) for draft in compose(pool, rows, settings))
    tell(Progress(Stage.GROUPS, len(themes), len(themes)))
    return Plan(tuple(groups), themes, _ungrouped(groups, themes, pool, settings), encoder.model_id, seed)


def pool_of(needs: Sequence[Need], encoder: Encoder) -> Pool:
    """The needs as the engine works with them: sorted, age bands read, encoded. Errors as in `match`."""
    check_ids(needs)
    places(needs)  # before encoding, which may take minutes
    known = [
        need if need.age_band is not None else replace(need, age_band=read_age_band(need.text, need.perspective))
        for need in sorted(needs, key=lambda need: need.id)
    ]
    return Pool.of(known, encoder.encode([_with_topics(need) for need in known]), encoder.close_from)


def _with_topics(need: Need) -> str:
    """The note followed by the topics a caseworker confirmed, which say in plain words what it is about."""
    return " ".join([need.text, *(topic.replace("_", " ") for topic in need.topics)])


def _ungrouped(
    groups: Sequence[Group], themes: Sequence[Theme], pool: Pool, settings: MatchSettings
) -> tuple[Ungrouped, ...]:
    """Everyone in no group, in the order of their ids, with the reason."""
    placed = {member for group in groups for member in group.members}
    theme_of = {member: theme for theme in themes for member in theme.members}
    groups_of: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        groups_of[group.theme_id].append(group)
    answers: list[Ungrouped] = []
    for row, need in enumerate(pool.needs):
        if need.id not in placed:
            theme = theme_of.get(need.id)
            answers.append(why_not(row, theme, groups_of[theme.id] if theme else (), pool, settings))
    return tuple(answers)


def _silent(_: Progress) -> None:
    """Tell nobody."""
