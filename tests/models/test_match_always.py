"""What always holds, over pools made to break it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.bounds import violations
from models.bundled import bundled
from models.encoder import Vector
from models.errors import BadInput
from models.match import match
from models.need import DAYPARTS, AgeBand, Form, Meeting, Need, Perspective
from models.plan import MatchSettings, Plan
from models.pool import pool_of

BOUNDS = MatchSettings()
TEXTS = (
    "Moeder van een zoon met autisme zoekt andere ouders.",
    "Dochter met ASS, ouders zoeken ouders.",
    "Schulden en deurwaarders, leeft van weekgeld.",
    "Zit in de schuldsanering.",
    "Meisje van 15 helpt haar zieke moeder.",
    "Er is bewindvoering.",
    "de het een",
    "Breien en bijen",
)

# Mostly compatible people with some of everything that keeps people apart, so that groups form and bounds are tested.
some_needs = st.lists(
    st.builds(
        Need,
        id=st.just(""),
        text=st.sampled_from([*TEXTS, *TEXTS[2:4] * 3]),
        age_band=st.sampled_from([None] * 6 + [AgeBand.AGE_12_15, AgeBand.AGE_16_17, AgeBand.AGE_40_64]),
        lat=st.sampled_from([52.0, 52.05, 52.08, 52.1, None, 52.2, 90.0, -90.0]),
        lon=st.sampled_from([5.0, 5.02, 5.04, 5.06, None, 180.0]),
        languages=st.sampled_from([frozenset({"nl"})] * 4 + [frozenset({"nl", "tr"}), frozenset({"tr"}), frozenset()]),
        dayparts=st.frozensets(st.sampled_from(DAYPARTS[:3]), max_size=2),
        meeting=st.sampled_from([Meeting.EITHER, Meeting.EITHER, Meeting.IN_PERSON, Meeting.ONLINE]),
        waiting_days=st.integers(0, 400),
        caseworker=st.sampled_from([None, "c1", "c2", "c3"]),
        apart=st.frozensets(st.integers(0, 30).map(lambda number: f"n{number:03}"), max_size=2),
    ),
    min_size=20,
    max_size=45,
).map(lambda needs: [replace(need, id=f"n{at:03}", apart=need.apart - {f"n{at:03}"}) for at, need in enumerate(needs)])
few = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def planned(needs: list[Need]) -> Plan:
    return match(needs, encoder=bundled(), seed=0)


def assert_sound(needs: list[Need]) -> Plan:
    plan = planned(needs)
    pool = pool_of(needs, bundled())
    for group in plan.groups:
        assert violations(group, pool, BOUNDS) == frozenset()
    placed = [member for group in plan.groups for member in group.members]
    answered = [*placed, *(one.id for one in plan.ungrouped)]
    assert sorted(answered) == sorted(need.id for need in needs)
    return plan


@few
@given(some_needs)
def test_every_group_keeps_every_bound_and_everyone_is_answered_once(needs: list[Need]) -> None:
    assert_sound(needs)


@settings(few, max_examples=10)
@given(some_needs, st.randoms(use_true_random=False))
def test_the_same_needs_in_any_order_give_the_same_plan(needs: list[Need], shuffler: object) -> None:
    first = planned(needs)
    shuffled = list(needs)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert planned(shuffled) == first


def a_crowd(size: int, **changes: object) -> list[Need]:
    base = Need("", TEXTS[2], lat=52.0, lon=5.0, dayparts=frozenset({"mon-evening"}), caseworker="c1")
    return [replace(base, id=f"n{at:03}", **changes) for at in range(size)]  # type: ignore[arg-type]


def test_an_empty_pool_gives_an_empty_plan() -> None:
    plan = planned([])
    assert (plan.groups, plan.themes, plan.ungrouped) == ((), (), ())


@pytest.mark.parametrize("size", [1, 4, 5, 8, 12, 13, 16, 29, 39])
def test_identical_needs_are_all_placed_once_there_are_five(size: int) -> None:
    plan = assert_sound(a_crowd(size))
    assert sum(len(group.members) for group in plan.groups) == (size if size >= 5 else 0)


def test_a_theme_that_fills_a_cafe_gets_one() -> None:
    plan = assert_sound(a_crowd(60))
    assert [group.form for group in plan.groups].count(Form.CAFE) == 1


def test_when_everyone_is_kept_apart_there_is_no_group() -> None:
    needs = a_crowd(20)
    ids = frozenset(need.id for need in needs)
    plan = assert_sound([replace(need, apart=ids - {need.id}) for need in needs])
    assert plan.groups == ()
    assert {one.reason.code for one in plan.ungrouped} == {"kept_apart"}


def test_when_nobody_shares_a_language_there_is_no_group() -> None:
    needs = [replace(need, languages=frozenset({f"q{chr(97 + at)}"})) for at, need in enumerate(a_crowd(20))]
    plan = assert_sound(needs)
    assert plan.groups == ()
    assert {one.reason.code for one in plan.ungrouped} == {"language_differs"}


def test_when_nobody_shares_a_daypart_there_is_no_group() -> None:
    plan = assert_sound([replace(need, dayparts=frozenset({DAYPARTS[at]})) for at, need in enumerate(a_crowd(20))])
    assert plan.groups == ()
    assert {one.reason.code for one in plan.ungrouped} == {"daypart_differs"}


def test_when_nobody_says_when_the_moment_is_left_open() -> None:
    plan = assert_sound(a_crowd(8, dayparts=frozenset()))
    assert [group.daypart for group in plan.groups] == [None]


def test_people_who_live_far_apart_meet_online_when_they_may() -> None:
    needs = [replace(need, lat=50.0 + at, meeting=Meeting.EITHER) for at, need in enumerate(a_crowd(6))]
    assert [group.meeting for group in assert_sound(needs).groups] == [Meeting.ONLINE]


def test_people_who_live_far_apart_and_meet_in_person_are_told_so() -> None:
    needs = [replace(need, lat=50.0 + at, meeting=Meeting.IN_PERSON) for at, need in enumerate(a_crowd(6))]
    plan = assert_sound(needs)
    assert {one.reason.code for one in plan.ungrouped} == {"too_far"}


@pytest.mark.parametrize("place", [(90.0, 0.0), (-90.0, 12.0), (0.0, 180.0), (0.0, -180.0)])
def test_the_ends_of_the_earth_are_places_like_any_other(place: tuple[float, float]) -> None:
    assert len(assert_sound(a_crowd(6, lat=place[0], lon=place[1])).groups) == 1


def test_without_areas_people_are_still_grouped_and_it_is_said() -> None:
    (group,) = assert_sound(a_crowd(6, lat=None, lon=None)).groups
    assert "places_unknown" in {reason.code for reason in group.reasons}


def test_minors_are_grouped_with_minors_only() -> None:
    minors = [replace(need, id=f"m{need.id}", text=TEXTS[4], perspective=Perspective.CHILD) for need in a_crowd(6)]
    adults = [
        replace(need, text="Dochter helpt haar zieke moeder.", perspective=Perspective.CHILD) for need in a_crowd(6)
    ]
    plan = assert_sound([*minors, *adults])
    assert {group.members for group in plan.groups} == {
        tuple(need.id for need in adults),
        tuple(need.id for need in minors),
    }


def test_unknown_ids_in_apart_are_ignored() -> None:
    assert len(assert_sound(a_crowd(6, apart=frozenset({"nobody"}))).groups) == 1


def test_vectors_that_are_known_are_used_as_they_are() -> None:
    needs = [Need(f"n{at}", TEXTS[at % 4]) for at in range(12)]
    rows = bundled().encode([need.text for need in needs])
    known = {need.id: Vector(bundled().model_id, row) for need, row in zip(needs, rows, strict=True)}
    assert match(needs, encoder=bundled(), vectors=known, seed=0) == planned(needs)
    swapped = known | {"n0": known["n2"], "n2": known["n0"]}
    row = pool_of(needs, bundled()).row
    assert (pool_of(needs, bundled(), swapped).vectors[row["n0"]] == pool_of(needs, bundled()).vectors[row["n2"]]).all()


def test_vectors_of_two_encoders_are_never_compared() -> None:
    needs = [Need("a", TEXTS[0]), Need("b", TEXTS[1])]
    other = {"b": Vector("another-model:1", bundled().encode([TEXTS[1]])[0])}
    with pytest.raises(BadInput) as caught:
        match(needs, encoder=bundled(), vectors=other, seed=0)
    assert (caught.value.code, caught.value.params["id"]) == ("mixed_vectors", "b")


def test_a_vector_of_another_length_is_refused() -> None:
    needs = [Need("a", TEXTS[0]), Need("b", TEXTS[1])]
    short = {"b": Vector(bundled().model_id, bundled().encode([TEXTS[1]])[0][:5])}
    with pytest.raises(BadInput):
        match(needs, encoder=bundled(), vectors=short, seed=0)


def test_a_confirmed_topic_brings_together_what_words_do_not() -> None:
    vague = [Need(f"v{at}", text, topics=("widow_older",)) for at, text in enumerate(["Het is stil in huis.", "Leeg."])]
    pool = pool_of(vague, bundled())
    without = pool_of([replace(need, topics=()) for need in vague], bundled())
    assert pool.vectors[0] @ pool.vectors[1] >= pool.close_from
    assert without.vectors[0] @ without.vectors[1] < pool.close_from
