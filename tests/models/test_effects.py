"""What a group is like, and what a change does to it: the same facts whichever way they are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bounds import Pool, Violation, violations
from models.effects import Terms, change, fits, kinship, likeness, member_reasons, reasons, standing
from models.need import DAYPARTS, AgeBand, Form, Meeting, Need
from models.plan import Code, Group, MatchSettings, Reason

SETTINGS = MatchSettings()
TERMS = Terms(Form.CIRCLE, "nl", "mon-evening", Meeting.IN_PERSON)


def a_need(number: int, **changes: object) -> Need:
    need = Need(id=f"n{number:02}", text="", lat=52.1, lon=5.1, dayparts=frozenset({"mon-evening"}))
    return replace(need, **changes)  # type: ignore[arg-type]


def a_pool(needs: list[Need], vectors: list[list[float]] | None = None) -> Pool:
    rows = np.array(vectors or [[1.0, 0.0]] * len(needs), dtype=np.float32)
    return Pool.of(needs, rows, 0.5)


def ids(needs: list[Need]) -> list[str]:
    return [need.id for need in needs]


needs_of_all_kinds = st.lists(
    st.builds(
        dict,
        lat=st.sampled_from([52.1, 52.15, 52.4, None]),
        languages=st.sampled_from([frozenset({"nl"}), frozenset({"tr"}), frozenset({"nl", "tr"})]),
        dayparts=st.frozensets(st.sampled_from(DAYPARTS[:4]), max_size=3),
        meeting=st.sampled_from(Meeting),
        age_band=st.sampled_from([None, AgeBand.AGE_16_17, AgeBand.AGE_40_64]),
        angle=st.sampled_from([0.0, 0.3, 1.0, 1.6]),
    ),
    min_size=1,
    max_size=14,
)


def drawn(kinds: list[dict[str, object]], apart: bool) -> Pool:
    needs, vectors = [], []
    for number, kind in enumerate(kinds):
        angle = float(str(kind["angle"]))
        changes = {name: value for name, value in kind.items() if name != "angle"}
        changes["lon"] = None if kind["lat"] is None else 5.1
        if apart and number == 0 and len(kinds) > 1:
            changes["apart"] = frozenset({"n01"})
        needs.append(a_need(number, **changes))
        vectors.append([float(np.cos(angle)), float(np.sin(angle))])
    return a_pool(needs, vectors)


@given(kinds=needs_of_all_kinds, apart=st.booleans(), data=st.data())
def test_the_effect_of_a_drop_is_the_standing_computed_afresh(
    kinds: list[dict[str, object]], apart: bool, data: st.DataObject
) -> None:
    pool = drawn(kinds, apart)
    everybody = [need.id for need in pool.needs]
    gone = data.draw(st.sampled_from(everybody))
    effect = change(everybody, pool, SETTINGS, TERMS, out={gone})
    left = data.draw(st.permutations([one for one in everybody if one != gone]))
    assert effect.before == standing(everybody, pool, SETTINGS, TERMS)
    assert effect.after == standing(left, pool, SETTINGS, TERMS)
    assert effect.refused == {}, "taking somebody out is always possible"


@given(kinds=needs_of_all_kinds, apart=st.booleans())
def test_what_is_broken_is_what_the_checker_says(kinds: list[dict[str, object]], apart: bool) -> None:
    """The standing names no bound that holds under its terms, and hides none that does not."""
    pool = drawn(kinds, apart)
    now = standing([need.id for need in pool.needs], pool, SETTINGS, TERMS)
    daypart = now.terms.daypart
    late = tuple(need.id for need in pool.needs if daypart and need.dayparts and daypart not in need.dayparts)
    group = Group(
        "", "", Form.CIRCLE, now.members, now.terms.language, now.terms.meeting, daypart, late, {}
    )  # fmt: skip
    assert set(now.broken) == violations(group, pool, SETTINGS)


@given(kinds=needs_of_all_kinds, apart=st.booleans())
def test_a_bound_is_only_broken_when_no_term_would_keep_it(kinds: list[dict[str, object]], apart: bool) -> None:
    pool = drawn(kinds, apart)
    now = standing([need.id for need in pool.needs], pool, SETTINGS, TERMS)
    shared = frozenset.intersection(*(need.languages for need in pool.needs))
    assert (Violation.LANGUAGE in now.broken) == (not shared)
    said = [need for need in pool.needs if need.dayparts]
    most = max((sum(part in need.dayparts for need in said) for part in DAYPARTS), default=0)
    assert (Violation.DAYPART in now.broken) == (most < SETTINGS.daypart_share * len(said) - 1e-9)


@given(kinds=needs_of_all_kinds, apart=st.booleans())
def test_who_fits_is_never_refused(kinds: list[dict[str, object]], apart: bool) -> None:
    """What is offered beside a candidate is never turned down after the click."""
    pool = drawn(kinds, apart)
    newcomer, *others = [need.id for need in pool.needs]
    if fits(standing(others, pool, SETTINGS, TERMS), newcomer, pool, SETTINGS):
        assert change(others, pool, SETTINGS, TERMS, into={newcomer}).refused == {}


def test_a_group_keeps_its_own_terms_while_they_hold() -> None:
    both = frozenset({"mon-evening", "tue-morning"})
    needs = [a_need(n, languages=frozenset({"nl", "tr"}), dayparts=both) for n in range(5)]
    own = Terms(Form.CIRCLE, "tr", "tue-morning", Meeting.ONLINE)
    assert standing(ids(needs), a_pool(needs), SETTINGS, own).terms == own


def test_a_term_that_no_longer_holds_gives_way_to_the_best_that_does() -> None:
    needs = [a_need(n, dayparts=frozenset({"wed-morning"}), languages=frozenset({"tr"})) for n in range(4)]
    needs.append(a_need(4, languages=frozenset({"nl", "tr"}), meeting=Meeting.ONLINE))
    now = standing(ids(needs), a_pool(needs), SETTINGS, TERMS)
    assert now.terms == Terms(Form.CIRCLE, "tr", "wed-morning", Meeting.ONLINE)
    assert now.broken == {}


@pytest.mark.parametrize(
    ("bound", "changes"),
    [
        (Violation.LANGUAGE, {"languages": frozenset({"tr"})}),
        (Violation.AGE, {"age_band": AgeBand.UNDER_12}),
        (Violation.APART, {"apart": frozenset({"n00"})}),
        (Violation.REACH, {"lat": 53.1, "meeting": Meeting.IN_PERSON}),
    ],
)
def test_who_breaks_a_bound_is_named_and_refused(bound: Violation, changes: dict[str, object]) -> None:
    needs = [a_need(n, meeting=Meeting.IN_PERSON) for n in range(6)]
    pool = a_pool([*needs, a_need(6, **changes)])
    refused = change(ids(needs), pool, SETTINGS, TERMS, into={"n06"}).refused
    assert bound in refused
    assert "n06" in refused[bound]


def test_a_broken_bound_of_before_does_not_stop_who_has_no_part_in_it() -> None:
    needs = [*[a_need(n) for n in range(6)], a_need(6, languages=frozenset({"tr"}))]
    pool = a_pool([*needs, a_need(7)])
    assert change(ids(needs), pool, SETTINGS, TERMS, into={"n07"}).refused == {}


def test_too_many_is_refused_and_too_few_is_not() -> None:
    needs = [a_need(n) for n in range(13)]
    pool = a_pool(needs)
    assert set(change(ids(needs[:12]), pool, SETTINGS, TERMS, into={"n12"}).refused) == {Violation.SIZE}
    assert change(ids(needs[:3]), pool, SETTINGS, TERMS, into={"n12"}).refused == {}
    assert standing(ids(needs[:4]), pool, SETTINGS, TERMS).too_small


def test_closeness_is_unknown_with_somebody_whose_vector_is_and_the_rest_still_works() -> None:
    needs = [a_need(n) for n in range(6)]
    pool = a_pool(needs, [[1.0, 0.0]] * 5 + [[0.0, 0.0]])
    now = standing(ids(needs), pool, SETTINGS, TERMS, unread={"n05"})
    assert (now.weakest, now.close, now.broken) == (None, None, {})
    assert (now.can_come, now.best_daypart) == (6, "mon-evening")
    assert standing(ids(needs[:5]), pool, SETTINGS, TERMS, unread={"n05"}).weakest == ("n00", 1.0)


def test_an_empty_group_stands_without_anybody() -> None:
    now = standing([], a_pool([a_need(0)]), SETTINGS, TERMS)
    assert (now.size, now.weakest, now.farthest, now.too_small) == (0, None, None, True)


def test_likeness_is_the_mean_cosine() -> None:
    needs = [a_need(n) for n in range(3)]
    pool = a_pool(needs, [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert likeness("n02", standing(ids(needs[:2]), pool, SETTINGS, TERMS), pool) == pytest.approx(0.5)


def test_groups_about_the_same_thing_are_akin() -> None:
    needs = [a_need(n) for n in range(6)]
    pool = a_pool(needs, [[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 2)
    one, same, other = (standing(ids(needs[at : at + 2]), pool, SETTINGS, TERMS) for at in (0, 2, 4))
    assert kinship(one, same, pool) == pytest.approx(1.0)
    assert kinship(one, other, pool) == pytest.approx(0.0)


def test_reasons_are_counted_again_and_the_theme_is_kept() -> None:
    needs = [a_need(n) for n in range(6)]
    told = (Reason(Code.SHARED_THEME, {"label": "koken"}), Reason(Code.SHARED_DAYPART, {"daypart": "sun-evening"}))
    now = standing(ids(needs), a_pool(needs), SETTINGS, TERMS)
    fresh = {reason.code: reason.params for reason in reasons(now, told)}
    assert fresh[Code.SHARED_THEME] == {"label": "koken"}
    assert fresh[Code.SHARED_DAYPART] == {"daypart": "mon-evening", "count": 6, "size": 6}


def test_a_member_is_told_why_they_are_here() -> None:
    needs = [*[a_need(n) for n in range(5)], a_need(5, dayparts=frozenset({"sun-evening"}), waiting_days=120)]
    now = standing(ids(needs), a_pool(needs), SETTINGS, TERMS)
    codes = [reason.code for reason in member_reasons(needs[5], now, SETTINGS)]
    assert codes == [Code.CLOSE_TO_OTHERS, Code.NEEDS_OTHER_TIME, Code.TRAVELS, Code.WAITED_LONG]
