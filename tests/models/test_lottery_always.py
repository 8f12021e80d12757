"""What always holds of a fair draw, over small problems made to be awkward."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from models.errors import Infeasible
from models.lottery import Person, Problem, Quota, QuotasImpossible, draw, fair_lottery
from models.lottery.relaxation import cost
from tests.models.panels import all_panels, allowed_together, counts, keeps, leximin_by_listing

VALUES = {"area": "NZW", "role": "ab", "age": "12"}
Case = tuple[list[Person], list[Quota], int]


@st.composite
def cases(draw_: st.DrawFn) -> Case:
    """Up to ten people on three features, some in one household, some kept apart, under bounds anywhere."""
    size = draw_(st.integers(2, 10))
    people = [
        Person(
            f"p{number}",
            {feature: draw_(st.sampled_from(values)) for feature, values in VALUES.items()},
            household=draw_(st.sampled_from([None, None, None, "h1", "h2", "h3"])),
            apart=frozenset(draw_(st.lists(st.sampled_from([f"p{other}" for other in range(10)]), max_size=1)))
            - {f"p{number}"}
            if draw_(st.integers(0, 4)) == 0
            else frozenset(),
        )
        for number in range(size)
    ]
    seats = draw_(st.integers(1, min(size, 5)))
    quotas = []
    for feature in VALUES:
        for value in sorted({person.values[feature] for person in people}):
            least = draw_(st.integers(0, 2))
            if draw_(st.booleans()):
                quotas.append(Quota(feature, value, least, least + draw_(st.integers(0, 3))))
    return people, quotas, seats


many = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
few = settings(many, max_examples=60)


@many
@given(cases())
def test_chances_are_those_of_a_list_of_all_panels(case: Case) -> None:
    expected = leximin_by_listing(*case)
    if expected is None:
        with pytest.raises(Infeasible):
            fair_lottery(Problem.of(*case))
        return
    found = fair_lottery(Problem.of(*case)).chances
    assert found.keys() == expected.keys()
    for name, chance in expected.items():
        assert found[name] == pytest.approx(chance, abs=1e-4)


@few
@given(cases(), st.integers(0, 2**32))
def test_a_panel_keeps_the_quotas_and_fills_the_seats_and_chances_sum_to_them(case: Case, seed: int) -> None:
    people, quotas, seats = case
    assume(all_panels(*case))
    lottery = fair_lottery(Problem.of(*case))
    assert sum(lottery.chances.values()) == pytest.approx(seats, abs=1e-6)
    assert sum(lottery.probabilities) == pytest.approx(1)
    by_id = {person.id: person for person in people}
    for number in range(5):
        drawn = draw(lottery, seed + number, reserves=3)
        assert len(set(drawn.panel)) == seats
        assert keeps([by_id[name] for name in drawn.panel], quotas)
        for reserve in drawn.reserves:
            assert reserve.id not in drawn.panel
            assert reserve.replaces
            for member in reserve.replaces:
                assert keeps([by_id[name] for name in {*drawn.panel, reserve.id} - {member}], quotas)


@few
@given(cases())
def test_everyone_who_can_be_drawn_at_all_has_a_chance(case: Case) -> None:
    panels = all_panels(*case)
    assume(panels)
    possible = {person.id for panel in panels for person in panel}
    chances = fair_lottery(Problem.of(*case)).chances
    assert {name for name, chance in chances.items() if chance > 1e-4} == possible


@few
@given(cases(), st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_the_order_of_people_and_quotas_cannot_matter(case: Case, shuffler: object, seed: int) -> None:
    people, quotas, seats = case
    assume(all_panels(*case))
    first = draw(fair_lottery(Problem.of(people, quotas, seats)), seed, reserves=2)
    shuffler.shuffle(people)  # type: ignore[attr-defined]
    shuffler.shuffle(quotas)  # type: ignore[attr-defined]
    again = draw(fair_lottery(Problem.of(people, quotas, seats)), seed, reserves=2)
    assert (again.panel, again.reserves, again.lottery.chances) == (first.panel, first.reserves, first.lottery.chances)
    assert again.lottery.panels.tobytes() == first.lottery.panels.tobytes()
    assert again.lottery.probabilities.tobytes() == first.lottery.probabilities.tobytes()


def fewest_changes(people: list[Person], quotas: list[Quota], seats: int) -> float | None:
    """The cheapest way to let some set of people be a panel, over all sets; None when no quota is to blame."""
    costs = [
        sum(
            cost(quota, down=max(quota.least - count, 0), up=max(count - quota.most, 0))
            for quota, count in zip(quotas, counts(panel, quotas), strict=True)
        )
        for panel in combinations(people, seats)
        if allowed_together(panel)
    ]
    return min(costs, default=None)


@many
@given(cases())
def test_a_relaxation_makes_a_panel_possible_and_none_is_smaller(case: Case) -> None:
    people, quotas, seats = case
    assume(not all_panels(*case))
    cheapest = fewest_changes(*case)
    with pytest.raises(Infeasible) as raised:
        fair_lottery(Problem.of(*case))
    if cheapest is None:
        assert raised.value.code in {"too_few_households", "too_many_apart"}
        return
    assert isinstance(raised.value, QuotasImpossible)
    changes = {change.quota: change for change in raised.value.changes}
    total = sum(
        cost(quota, down=quota.least - change.least, up=change.most - quota.most) for quota, change in changes.items()
    )
    assert total == pytest.approx(cheapest)
    relaxed = [
        Quota(quota.feature, quota.value, changes[quota].least, changes[quota].most) if quota in changes else quota
        for quota in quotas
    ]
    assert fair_lottery(Problem.of(people, relaxed, seats)).chances


@pytest.mark.parametrize("households", [False, True])
def test_people_are_drawn_as_often_as_their_chances_say(households: bool) -> None:
    """Over 4,000 seeds each count lies within 4.5 standard deviations: a fair draw fails this once in 5,000 times."""
    people = [
        Person(
            f"p{number:02}",
            {"area": "NNNNNNZZZW"[number % 10], "role": "ab"[number % 3 == 0]},
            household=f"h{number // 2}" if households and number < 12 else None,
        )
        for number in range(24)
    ]
    quotas = [Quota("area", "Z", 3, 3), Quota("area", "W", 1, 2), Quota("role", "a", 3, 3)]
    lottery = fair_lottery(Problem.of(people, quotas, 6))
    draws = 4_000
    drawn = dict.fromkeys(lottery.chances, 0)
    for seed in range(draws):
        for name in draw(lottery, seed).panel:
            drawn[name] += 1
    chances = np.array(list(lottery.chances.values()))
    counted = np.array(list(drawn.values()))
    sure = chances * (1 - chances) < 1e-6
    assert (counted[sure] == draws * np.round(chances[sure])).all()
    spread = np.sqrt(draws * chances * (1 - chances))[~sure]
    deviation = (counted - draws * chances)[~sure] / spread
    assert len(set(np.round(chances, 6))) > 2
    assert np.abs(deviation).max() < 4.5
