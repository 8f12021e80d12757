"""What `kring draw` says: the outcome of a draw as tables, and why quotas cannot hold, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from models.errors import ModelError
from models.lottery import Draw, QuotasImpossible
from service.commands.people_csv import Source

ROWS_MOST: Final = 12
"""Chances in the table; when there are more, they are rounded further until they fit."""
NO_CHANCE: Final = 1e-6

SENTENCES: Final[Mapping[str, str]] = {
    "feature_not_a_table": "{feature} stands in no table; write [{feature}] and the quotas of its values below it",
    "unknown_feature": "[{feature}] is no column of the people; their columns are {known}",
    "nobody_has_value": "[{feature}] {value}: nobody in the file has this value",
    "not_understood": "[{feature}] {value}: {got!r} is no number of seats, share or table with min and max",
    "share_out_of_range": "[{feature}] {value}: {got!r} is no share from 0 to 1 (seats are a whole number, no quotes)",
    "below_zero": "[{feature}] {value}: {got} is below zero",
    "unknown_bound": "[{feature}] {value}: {key} is unknown; bounds are min and max (a value with a dot needs quotes)",
    "no_bound": "[{feature}] {value}: give min, max or both",
    "min_above_max": "[{feature}] {value}: min {min} is more than max {max}",
    "too_few_people": "{seats} seats, but {found} people",
    "too_few_households": "{seats} seats, but {found} households, and of a household one person at most is drawn",
    "too_few_with_value": "[{feature}] {value}: asks for {min}, but {found} people have this value",
    "mins_above_seats": "[{feature}]: the minimums sum to {total}, above {seats} seats",
    "maxes_below_seats": "[{feature}]: the maximums leave room for {total}, below {seats} seats",
    "quotas_conflict": "each quota can hold alone, but no {seats} people hold them all",
    "too_many_apart": "no {seats} people may sit together, whatever the quotas",
}


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """A quota beside the people who count for it; without bounds for a value that has no quota."""

    feature: str
    value: str
    least: int | None
    most: int | None
    people: int
    drawn: int


def rows_of_quotas(drawn: Draw) -> list[QuotaRow]:
    """Every value that a feature with quotas has among the people, sorted."""
    problem = drawn.lottery.problem
    bounds = {(quota.feature, quota.value): quota for quota in problem.quotas}
    rows = []
    for feature in sorted({quota.feature for quota in problem.quotas}):
        pool = Counter(person.values[feature] for person in problem.people)
        taken = Counter(person.values[feature] for person in problem.people if person.id in drawn.panel)
        for value in sorted(pool):
            quota = bounds.get((feature, value))
            least, most = (quota.least, quota.most) if quota else (None, None)
            rows.append(QuotaRow(feature, value, least, most, pool[value], taken[value]))
    return rows


def report(
    console: Console, drawn: Draw, *, people: Source, quotas: Source, seed_made: bool, reserves_asked: int
) -> None:
    """The whole outcome, for people to read; never more of a person than the id."""
    problem = drawn.lottery.problem
    console.print(f"{problem.seats} of {len(problem.people)} people drawn")
    console.print(f"seed {drawn.seed}{' (made now; --seed repeats this draw)' if seed_made else ''}")
    for source in (people, quotas):
        console.print(f"{source.name}: SHA-256 {source.sha256}", soft_wrap=True)
    console.print()
    if problem.quotas:
        console.print(_quota_table(drawn))
        console.print()
    console.print(_chance_table(drawn))
    console.print()
    chances = _chances(drawn)
    console.print(f"lowest chance {min(chances):.1%}, highest {max(chances):.1%}")
    never = sum(chance < NO_CHANCE for chance in chances)
    if never:
        console.print(f"{never} {'person' if never == 1 else 'people'} cannot be drawn under these quotas")
    for reserve in drawn.reserves:
        who = "anyone" if len(reserve.replaces) == problem.seats else ", ".join(reserve.replaces)
        console.print(f"reserve {reserve.id}: can replace {who}", soft_wrap=True)
    if len(drawn.reserves) < reserves_asked:
        console.print(f"{len(drawn.reserves)} reserves: nobody else can replace a member and keep the quotas")


def explained(error: ModelError) -> str:
    """One sentence."""
    sentence = SENTENCES.get(error.code)
    if sentence is None:
        return str(error)
    params = {**error.params}
    meant = params.get("meant")
    return sentence.format_map(params) + (f"; did you mean {meant}?" if meant else "")


def relaxed(error: QuotasImpossible) -> Iterator[str]:
    """The smallest change that would help, a line for each quota."""
    yield "the smallest change of quotas with which a panel exists:"
    for change in error.changes:
        quota = change.quota
        parts = [
            f"{what} {after} instead of {before}"
            for what, before, after in (("min", quota.least, change.least), ("max", quota.most, change.most))
            if before != after
        ]
        yield f"  [{quota.feature}] {quota.value}: {', '.join(parts)}"


def _chances(drawn: Draw) -> list[float]:
    """To five digits: equal chances differ in the seventh, by the solver, and half-way two steps would show as two."""
    return [round(chance, 5) for chance in drawn.lottery.chances.values()]


def _quota_table(drawn: Draw) -> Table:
    table = Table("feature", "value", box=None, pad_edge=False)
    for column in ("quota", "people", "drawn"):
        table.add_column(column, justify="right")
    last = ""
    for row in rows_of_quotas(drawn):
        if row.least is None:
            quota = "none"
        else:
            quota = str(row.least) if row.least == row.most else f"{row.least} to {row.most}"
        table.add_row(row.feature if row.feature != last else "", row.value, quota, str(row.people), str(row.drawn))
        last = row.feature
    return table


def _chance_table(drawn: Draw) -> Table:
    chances = _chances(drawn)
    table = Table(box=None, pad_edge=False)
    for column in ("chance", "people"):
        table.add_column(column, justify="right")
    for step in (0.001, 0.01, 0.05, 0.1):
        counted = Counter(round(chance / step) for chance in chances)
        if len(counted) <= ROWS_MOST:
            break
    for level, people in sorted(counted.items()):
        table.add_row(f"{level * step:.{1 if step < 0.01 else 0}%}", str(people))
    return table
