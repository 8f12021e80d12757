"""One panel from a lottery, with a seed anyone can repeat, and reserves for who does not come.

First a panel is drawn with the probabilities of the lottery; it says how many people of each cell. Then, of each kind
of household, the households are put in a random order and dealt to the cells, and one of the people who fit is taken
from each. So everyone of a cell has the same chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.lottery.chances import Lottery
from models.lottery.problem import Cell, Ints, Person, Problem, household_key


@dataclass(frozen=True, slots=True)
class Reserve:
    """Someone who may come instead of any one of `replaces`: then every quota still holds."""

    id: str
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """Who is drawn from a lottery with a seed; ids sorted, reserves in the order in which they are asked."""

    lottery: Lottery
    seed: int
    panel: tuple[str, ...]
    reserves: tuple[Reserve, ...]


def draw(lottery: Lottery, seed: int, *, reserves: int = 0) -> Draw:
    """Draw one panel. The number of reserves asked for does not change who is in it."""
    rng = np.random.default_rng(seed)
    at = int(np.searchsorted(np.cumsum(lottery.probabilities), rng.random(), side="right"))
    counts = lottery.panels[min(at, len(lottery.panels) - 1)]
    panel = tuple(sorted(_people(lottery.problem, counts, rng)))
    chosen = _reserves(lottery.problem, panel, reserves, np.random.default_rng([seed, 1])) if reserves else ()
    return Draw(lottery, seed, panel, chosen)


def _people(problem: Problem, counts: Ints, rng: np.random.Generator) -> Iterator[str]:
    by_signature: dict[int, list[tuple[Cell, int]]] = {}
    for cell, count in zip(problem.cells, counts, strict=True):
        by_signature.setdefault(cell.signature, []).append((cell, int(count)))
    for wanted in by_signature.values():
        order = iter(rng.permutation(len(wanted[0][0].members)).tolist())
        for cell, count in wanted:
            for _ in range(count):
                household = cell.members[next(order)]
                yield household[int(rng.integers(len(household)))]


def _reserves(problem: Problem, panel: tuple[str, ...], wanted: int, rng: np.random.Generator) -> tuple[Reserve, ...]:
    """At most `wanted` reserves, in an order drawn by lot.

    We go through everyone not drawn in random order, and take who can replace a member that no reserve can replace yet.
    Once nobody adds anything we start again with who is left, for a second reserve for each member, and so on. Who can
    replace nobody is no reserve. Reserves are for one replacement at a time: after one, the counts are others.
    """
    can = {reserve.id: reserve for reserve in _replacements(problem, panel)}
    left = [name for name in rng.permutation(sorted(can)).tolist() if can[name].replaces]
    taken: list[Reserve] = []
    while left and len(taken) < wanted:
        covered: set[str] = set()
        passed: list[str] = []
        for name in left:
            if len(taken) < wanted and not covered.issuperset(can[name].replaces):
                covered.update(can[name].replaces)
                taken.append(can[name])
            else:
                passed.append(name)
        left = passed
    return tuple(taken)


def _replacements(problem: Problem, panel: tuple[str, ...]) -> Iterator[Reserve]:
    """Everyone not drawn, with the members each can replace alone."""
    by_id = {person.id: person for person in problem.people}
    members = [by_id[name] for name in panel]
    # (quotas, people): who counts for which quota
    counts = {person.id: _counts(problem, person) for person in problem.people}
    least = np.array([quota.least for quota in problem.quotas], dtype=np.int_)
    most = np.array([quota.most for quota in problem.quotas], dtype=np.int_)
    total = np.sum([counts[name] for name in panel], axis=0)
    for person in problem.people:
        if person.id in panel:
            continue
        blocking = [member.id for member in members if _cannot_join(person, member)]
        replaces = [
            member.id
            for member in members
            if set(blocking) <= {member.id} and _between(least, total - counts[member.id] + counts[person.id], most)
        ]
        yield Reserve(person.id, tuple(replaces))


def _counts(problem: Problem, person: Person) -> Ints:
    return np.array([person.values[quota.feature] == quota.value for quota in problem.quotas], dtype=np.int_)


def _between(least: Ints, counts: Ints, most: Ints) -> bool:
    return bool(((least <= counts) & (counts <= most)).all())


def _cannot_join(person: Person, member: Person) -> bool:
    return household_key(person) == household_key(member) or member.id in person.apart or person.id in member.apart
