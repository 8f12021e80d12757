"""The function that checks groups: each bound broken once, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.bounds import Pool, Violation, km_to_centre, places, violations
from models.errors import BadInput, Infeasible
from models.need import AgeBand, Form, Meeting, Need, Perspective
from models.plan import Group, MatchSettings

SETTINGS = MatchSettings()


def a_need(number: int, **changes: object) -> Need:
    need = Need(
        id=f"n{number}",
        text="",
        perspective=Perspective.SELF,
        lat=52.1,
        lon=5.1,
        dayparts=frozenset({"mon-evening"}),
        caseworker="c1",
    )
    return replace(need, **changes)  # type: ignore[arg-type]


def a_pool(needs: list[Need]) -> Pool:
    return Pool.of(needs, np.ones((len(needs), 1), dtype=np.float32), 0.5)


def a_group(members: list[Need], **changes: object) -> Group:
    ids = tuple(need.id for need in members)
    group = Group(
        "t1", "Thema 1", Form.CIRCLE, ids, "nl", Meeting.IN_PERSON, "mon-evening", (), dict.fromkeys(ids, 1.0)
    )
    return replace(group, **changes)  # type: ignore[arg-type]


def broken(members: list[Need], **changes: object) -> frozenset[Violation]:
    return violations(a_group(members, **changes), a_pool(members), SETTINGS)


FIVE = [a_need(number) for number in range(5)]


def test_a_sound_circle_breaks_nothing() -> None:
    assert broken(FIVE) == frozenset()


@pytest.mark.parametrize("size", [3, 4, 13])
def test_a_circle_has_5_to_12_members(size: int) -> None:
    assert broken([a_need(number) for number in range(size)]) == {Violation.SIZE}


@pytest.mark.parametrize("size", [19, 41])
def test_a_cafe_has_20_to_40_members(size: int) -> None:
    assert broken([a_need(number) for number in range(size)], form=Form.CAFE) == {Violation.SIZE}


def test_nobody_is_in_a_group_twice() -> None:
    group = a_group([*FIVE[:4], FIVE[0]])
    assert violations(group, a_pool(FIVE), SETTINGS) == {Violation.TWICE}


def test_an_apart_pair_is_found_from_either_side() -> None:
    for apart, other in ((0, 1), (1, 0)):
        members = [replace(need, apart=frozenset({f"n{other}"})) if need.id == f"n{apart}" else need for need in FIVE]
        assert broken(members) == {Violation.APART}


def test_a_minor_among_adults_is_found() -> None:
    assert broken([*FIVE[:4], a_need(4, age_band=AgeBand.AGE_16_17)]) == {Violation.AGE}


def test_someone_who_does_not_speak_the_language_is_found() -> None:
    assert broken([*FIVE[:4], a_need(4, languages=frozenset({"pl"}))]) == {Violation.LANGUAGE}


def test_online_only_with_an_in_person_group_is_found() -> None:
    assert broken([*FIVE[:4], a_need(4, meeting=Meeting.ONLINE)]) == {Violation.MEETING}


def test_someone_out_of_reach_is_found_unless_the_group_meets_online() -> None:
    members = [*FIVE[:4], a_need(4, lat=53.1)]
    assert Violation.REACH in broken(members)
    assert broken(members, meeting=Meeting.ONLINE) == frozenset()


def test_three_of_five_is_share_enough_and_two_is_not() -> None:
    other = frozenset({"tue-morning"})
    three = [*FIVE[:3], a_need(3, dayparts=other), a_need(4, dayparts=other)]
    assert broken(three, needs_other_time=("n3", "n4")) == frozenset()
    two = [*FIVE[:2], a_need(2, dayparts=other), *three[3:]]
    assert broken(two, needs_other_time=("n2", "n3", "n4")) == {Violation.DAYPART}


def test_who_cannot_come_must_be_named() -> None:
    assert broken([*FIVE[:4], a_need(4, dayparts=frozenset({"tue-morning"}))]) == {Violation.DAYPART}


def test_someone_who_sits_alone_is_found() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 0, 0, 1]]
    assert violations(a_group(FIVE), Pool.of(FIVE, vectors, 0.5), SETTINGS) == {Violation.CLOSE}


def test_distances_hold_across_the_date_line_and_at_the_pole() -> None:
    date_line = places([a_need(0, lat=0.0, lon=179.99), a_need(1, lat=0.0, lon=-179.99)])
    assert km_to_centre(date_line).max() < 1.2
    pole = places([a_need(0, lat=89.99, lon=0.0), a_need(1, lat=89.99, lon=180.0)])
    assert km_to_centre(pole).max() < 1.2


def test_opposite_points_of_the_earth_are_never_near() -> None:
    assert km_to_centre(places([a_need(0, lat=90.0, lon=0.0), a_need(1, lat=-90.0, lon=0.0)])).max() > 20_000


@pytest.mark.parametrize(
    ("needs", "vectors", "code"),
    [
        ([a_need(1), a_need(1)], np.ones((2, 1)), "repeated_id"),
        ([a_need(1, apart=frozenset({"n1"}))], np.ones((1, 1)), "apart_from_self"),
        ([a_need(1)], np.array([[np.nan]]), "vector_not_finite"),
        ([a_need(1)], np.ones((2, 1)), "vectors_do_not_fit"),
        ([a_need(1, lat=520.0)], np.ones((1, 1)), "not_on_earth"),
        ([a_need(1, lat=float("nan"))], np.ones((1, 1)), "not_on_earth"),
    ],
)
def test_broken_input_is_a_typed_error(needs: list[Need], vectors: np.ndarray, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        Pool.of(needs, vectors.astype(np.float32), 0.5)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "changes", [{"circle_min": 9}, {"cafe_min": 50}, {"daypart_share": 1.5}, {"min_close": 5}, {"reach_km": -1.0}]
)
def test_bounds_that_can_never_hold_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(Infeasible):
        MatchSettings(**changes)  # type: ignore[arg-type]
