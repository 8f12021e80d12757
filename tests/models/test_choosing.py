"""Choosing groups: against every possible choice, on instances small enough to try them all."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import choosing
from models.choosing import PLACED, STEP, WAITED, Candidates, choose

AIM = 4
PEOPLE = 9


def candidates(groups: list[tuple[tuple[int, ...], float]], counts: list[float] | None = None) -> Candidates:
    """Groups of people with the worst fit in each; the harmonic mean is a little above that."""
    members = np.zeros((len(groups), PEOPLE), dtype=bool)
    for row, (people, _) in enumerate(groups):
        members[row, list(people)] = True
    worst = np.array([fit for _, fit in groups])
    return Candidates(members, worst, worst + 0.01, np.array(counts or [1.0] * len(groups)))


def value(some: Candidates, chosen: tuple[int, ...], waited: NDArray[np.float64]) -> tuple[float, int]:
    """The first two objectives of a choice."""
    people = PLACED + np.round(WAITED * waited)
    worth = [
        round(some.counts[at] * float(some.members[at] @ people)) - (int(some.members[at].sum()) - AIM) ** 2
        for at in chosen
    ]
    steps = [int(np.floor(some.worst[at] / STEP + 1e-9)) for at in chosen]
    return float(sum(worth)), min(steps, default=0)


some_groups = st.lists(
    st.tuples(
        st.sets(st.integers(0, PEOPLE - 1), min_size=2, max_size=6).map(lambda people: tuple(sorted(people))),
        st.floats(0.05, 0.95),
    ),
    min_size=1,
    max_size=9,
)


@settings(max_examples=150, deadline=None)
@given(some_groups, st.lists(st.floats(0, 1), min_size=PEOPLE, max_size=PEOPLE))
def test_no_other_choice_places_more_or_lifts_the_worst_placed(
    groups: list[tuple[tuple[int, ...], float]], waits: list[float]
) -> None:
    some, waited = candidates(groups), np.array(waits)
    chosen = choose(some, waited, AIM)
    assert some.members[chosen].sum(axis=0).max(initial=0) <= 1
    every = (
        picked
        for size in range(1, len(groups) + 1)
        for picked in combinations(range(len(groups)), size)
        if some.members[list(picked)].sum(axis=0).max() <= 1
    )
    assert value(some, tuple(chosen), waited) == max(value(some, picked, waited) for picked in every)


def test_more_people_come_before_a_better_worst_place() -> None:
    some = candidates([((0, 1, 2, 3), 0.9), ((0, 1, 2, 3, 4), 0.2)])
    assert choose(some, np.zeros(PEOPLE), AIM) == [1]


def test_a_place_found_more_widely_counts_for_less() -> None:
    some = candidates([((0, 1, 2, 3), 0.9), ((0, 1, 2, 3, 4, 5), 0.2)], [1.0, 0.4])
    assert choose(some, np.zeros(PEOPLE), AIM) == [0]


def test_the_longest_waiter_goes_first_where_it_costs_nobody_a_place() -> None:
    some = candidates([((0, 1, 2, 3), 0.5), ((1, 2, 3, 4), 0.5)])
    waited = np.zeros(PEOPLE)
    waited[4] = 1.0
    assert choose(some, waited, AIM) == [1]


def test_without_candidates_nothing_is_chosen() -> None:
    assert choose(Candidates.none(PEOPLE), np.zeros(PEOPLE), AIM) == []


def test_when_the_search_gives_up_the_choice_is_still_a_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    class GaveUp:
        x = None

    monkeypatch.setattr(choosing, "milp", lambda *_, **__: GaveUp())
    some = candidates([((0, 1, 2, 3), 0.5), ((3, 4, 5, 6), 0.6), ((7, 8), 0.9)])
    chosen = choose(some, np.zeros(PEOPLE), AIM)
    assert chosen
    assert some.members[chosen].sum(axis=0).max() <= 1
