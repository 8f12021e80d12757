"""The fair draw: what a clerk may write, what cannot hold, and answers that can be worked out by hand."""

from __future__ import annotations

import pytest

from models.errors import BadInput, Infeasible, ModelError
from models.lottery import Person, Problem, Quota, QuotasImpossible, draw, fair_lottery, read_quotas


def of_areas(areas: str) -> list[Person]:
    """A person for each letter, which is their area."""
    return [Person(f"p{number:02}", {"area": area}) for number, area in enumerate(areas)]


def chances(people: list[Person], quotas: list[Quota], seats: int) -> dict[str, float]:
    return dict(fair_lottery(Problem.of(people, quotas, seats)).chances)


def refusal(people: list[Person], quotas: list[Quota], seats: int) -> ModelError:
    with pytest.raises(ModelError) as raised:
        fair_lottery(Problem.of(people, quotas, seats))
    return raised.value


def test_without_quotas_everyone_has_the_same_chance() -> None:
    assert set(chances(of_areas("NNNZZW"), [], 3).values()) == {0.5}


def test_as_many_seats_as_people_draws_everyone() -> None:
    assert draw(fair_lottery(Problem.of(of_areas("NZW"), [], 3)), 1).panel == ("p00", "p01", "p02")


def test_a_quota_gives_a_small_group_a_higher_chance_and_shares_the_rest() -> None:
    found = chances(of_areas("NNNNNNNNZZ"), [Quota("area", "Z", 1, 10)], 2)
    # One of the two seats must go to Z: 1/2 for each of Z, 1/8 for each of N.
    assert list(found.values()) == pytest.approx([0.125] * 8 + [0.5] * 2)


def test_a_quota_everyone_keeps_without_it_changes_no_chance() -> None:
    assert list(chances(of_areas("NNNNZZ"), [Quota("area", "Z", 0, 2)], 3).values()) == pytest.approx([0.5] * 6)


def test_the_second_lowest_chance_is_raised_too_where_maximin_would_stop() -> None:
    # Z is capped at 1 seat of 4, so 1/4 is the lowest chance; among N and W, 3 seats for 4 people, W at most half.
    people = of_areas("ZZZZNNWW")
    found = chances(people, [Quota("area", "Z", 0, 1), Quota("area", "W", 0, 1)], 4)
    assert list(found.values()) == pytest.approx([0.25] * 4 + [1.0] * 2 + [0.5] * 2)


def test_of_a_household_one_at_most_is_drawn_and_a_larger_one_shares_its_chance() -> None:
    people = [Person(name, {}, household=house) for name, house in zip("abcde", "11123", strict=True)]
    found = chances(people, [], 3)
    assert list(found.values()) == pytest.approx([1 / 3] * 3 + [1.0] * 2)


def test_people_kept_apart_are_never_drawn_together() -> None:
    people = [Person(name, {}, apart=frozenset("b" if name == "a" else ())) for name in "abc"]
    lottery = fair_lottery(Problem.of(people, [], 2))
    assert {draw(lottery, seed).panel for seed in range(40)} == {("a", "c"), ("b", "c")}


def test_a_chance_of_a_fractional_panel_that_no_real_panel_gives_is_not_promised() -> None:
    """Three people in three pairs kept apart fit as three halves, which is 1.5; in truth it is one of them, or less."""
    people = [Person(name, {"kind": "k"}, apart=frozenset("abc") - {name}) for name in "abc"]
    people += [Person(name, {"kind": "other"}) for name in "de"]
    found = chances(people, [], 2)
    # One of a, b, c and one of d, e; or d and e. Equal chances, 2/5 for all, would need 6/5 of a, b and c.
    assert list(found.values()) == pytest.approx([1 / 3] * 3 + [1 / 2] * 2, abs=1e-5)


def test_the_same_seed_draws_the_same_and_other_seeds_draw_others() -> None:
    lottery = fair_lottery(Problem.of(of_areas("NNNNNNNZZZZZWWWW"), [Quota("area", "W", 2, 3)], 5))
    assert draw(lottery, 5) == draw(lottery, 5)
    assert len({draw(lottery, seed).panel for seed in range(20)}) > 10


def test_asking_for_reserves_does_not_change_the_panel() -> None:
    lottery = fair_lottery(Problem.of(of_areas("NNNNZZZZ"), [Quota("area", "N", 2, 2)], 4))
    assert draw(lottery, 3).panel == draw(lottery, 3, reserves=4).panel


def test_reserves_first_cover_every_member_before_one_gets_a_second() -> None:
    lottery = fair_lottery(Problem.of(of_areas("NNNNZZZZ"), [Quota("area", "N", 2, 2)], 4))
    for seed in range(10):
        drawn = draw(lottery, seed, reserves=9)
        assert len(drawn.reserves) == 4
        first_two = {member for reserve in drawn.reserves[:2] for member in reserve.replaces}
        assert first_two == set(drawn.panel)


@pytest.mark.parametrize(
    ("areas", "quotas", "seats", "code"),
    [
        ("NN", [], 0, "no_seats"),
        ("NN", [], 3, "too_few_people"),
        ("NN", [Quota("area", "N", 2, 1)], 1, "min_above_max"),
        ("NN", [Quota("area", "N", -1, 1)], 1, "min_below_zero"),
        ("NN", [Quota("area", "Z", 0, 1)], 1, "nobody_has_value"),
        ("NN", [Quota("area", "N", 0, 1)] * 2, 1, "repeated_quota"),
        ("NN", [Quota("role", "a", 0, 1)], 1, "no_value"),
        ("NNZZ", [Quota("area", "N", 3, 3)], 3, "too_few_with_value"),
        ("NNNZZZ", [Quota("area", "N", 2, 3), Quota("area", "Z", 2, 3)], 3, "mins_above_seats"),
        ("NNNZZZ", [Quota("area", "N", 0, 1), Quota("area", "Z", 0, 1)], 3, "maxes_below_seats"),
    ],
)
def test_what_cannot_be_is_told_by_its_simplest_cause(areas: str, quotas: list[Quota], seats: int, code: str) -> None:
    assert refusal(of_areas(areas), quotas, seats).code == code


def test_two_people_with_one_id_are_refused() -> None:
    assert refusal([Person("a", {}), Person("a", {})], [], 1).code == "repeated_id"


def test_someone_apart_from_themselves_is_refused() -> None:
    assert refusal([Person("a", {}, apart=frozenset("a"))], [], 1).code == "apart_from_self"


def test_more_seats_than_households_is_no_fault_of_the_quotas() -> None:
    assert refusal([Person(name, {}, household="h") for name in "abc"], [], 2).code == "too_few_households"


def test_too_many_kept_apart_is_no_fault_of_the_quotas() -> None:
    people = [Person(name, {"area": "N"}, apart=frozenset("abc") - {name}) for name in "abc"]
    error = refusal(people, [Quota("area", "N", 1, 2)], 2)
    assert (type(error), error.code) == (Infeasible, "too_many_apart")


def test_features_that_contradict_each_other_get_the_smallest_change() -> None:
    """All councillors live in Noord: three of them and at most two from Noord is one too many."""
    people = [
        Person(f"p{number}", {"area": area, "role": role})
        for number, (area, role) in enumerate(["Nc"] * 4 + ["Zr"] * 6)
    ]
    error = refusal(people, [Quota("area", "N", 0, 2), Quota("role", "c", 3, 3)], 5)
    assert isinstance(error, QuotasImpossible)
    assert error.code == "quotas_conflict"
    # Three councillors instead of two from Noord costs 1 + 1/2, two councillors instead of three 1 + 1/3.
    assert [(change.quota.feature, change.least, change.most) for change in error.changes] == [("role", 2, 3)]


def test_a_household_can_be_what_makes_quotas_contradict() -> None:
    people = [Person("a", {"area": "N"}, "h"), Person("b", {"area": "N"}, "h"), Person("c", {"area": "Z"})]
    error = refusal(people, [Quota("area", "N", 2, 2)], 2)
    assert isinstance(error, QuotasImpossible)
    assert [(change.least, change.most) for change in error.changes] == [(1, 2)]


AREAS = of_areas("NNNNNNZZZW")


@pytest.mark.parametrize(
    ("written", "least", "most"),
    [
        (5, 5, 5),
        ("1/3", 3, 4),
        ("25%", 2, 3),
        ("12,5 %", 1, 2),
        (0.2, 2, 2),
        ("0.3", 3, 3),
        ({"min": 2}, 2, 10),
        ({"max": 4}, 0, 4),
        ({"min": 2, "max": 4}, 2, 4),
        ({"min": "1/3", "max": "50%"}, 4, 5),
    ],
)
def test_a_quota_may_be_written_as(written: object, least: int, most: int) -> None:
    assert read_quotas({"area": {"N": written}}, AREAS, 10) == (Quota("area", "N", least, most),)


def test_shares_that_sum_to_one_hold_for_any_number_of_seats() -> None:
    people = of_areas("NNNNNNNZZZZZZZWWWWWWW")
    for seats in range(1, 21):
        quotas = read_quotas({"area": dict.fromkeys("NZW", "1/3")}, people, seats)
        assert sum(chances(people, list(quotas), seats).values()) == pytest.approx(seats)


def test_spread_follows_the_people_except_where_a_value_is_written() -> None:
    assert read_quotas({"area": {"spread": True, "W": 2}}, AREAS, 5) == (
        Quota("area", "W", 2, 2),
        Quota("area", "N", 3, 3),
        Quota("area", "Z", 1, 2),
    )


def test_a_value_called_spread_can_have_a_quota() -> None:
    people = [Person("a", {"area": "spread"}), Person("b", {"area": "N"})]
    assert read_quotas({"area": {"spread": 1}}, people, 1) == (Quota("area", "spread", 1, 1),)


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        ({"area": 3}, "feature_not_a_table"),
        ({"role": {"a": 3}}, "unknown_feature"),
        ({"area": {"n": 3}}, "nobody_has_value"),
        ({"area": {"N": -1}}, "below_zero"),
        ({"area": {"N": True}}, "not_understood"),
        ({"area": {"N": "many"}}, "not_understood"),
        ({"area": {"N": "1/0"}}, "not_understood"),
        ({"area": {"N": float("nan")}}, "not_understood"),
        ({"area": {"N": [1, 2]}}, "not_understood"),
        ({"area": {"N": 1.5}}, "share_out_of_range"),
        ({"area": {"N": "5"}}, "share_out_of_range"),
        ({"area": {"N": {}}}, "no_bound"),
        ({"area": {"N": {"at_least": 3}}}, "unknown_bound"),
    ],
)
def test_a_quota_that_is_not_understood_is_named(tables: dict[str, object], code: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_quotas(tables, AREAS, 5)
    assert raised.value.code == code
    assert raised.value.params["feature"] in tables


def test_a_value_in_the_wrong_case_is_recognised() -> None:
    with pytest.raises(BadInput) as raised:
        read_quotas({"area": {"noord": 1}}, [Person("a", {"area": "Noord"})], 1)
    assert raised.value.params["meant"] == "Noord"


def test_of_two_households_alike_nobody_is_drawn_twice() -> None:
    """The first of one kind and the first of the other kind are not of one household here."""
    people = [
        Person("p0", {"role": "b"}, household="h1"),
        Person("p1", {"role": "b"}, household="h2"),
        Person("p4", {"role": "a"}, household="h2"),
        Person("p6", {"role": "a"}, household="h1"),
    ]
    lottery = fair_lottery(Problem.of(people, [Quota("role", "b", 1, 1)], 2))
    for seed in range(20):
        assert set(draw(lottery, seed).panel) in ({"p0", "p4"}, {"p1", "p6"})
