"""Advice for people left over: always true, never larger than it need be, and silent about what is never relaxed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import ceil

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from models.age import age_circle
from models.bounds import Pool, km_to_centre, middle, violations
from models.need import DAYPARTS, AgeBand, Form, Meeting, Need, Perspective
from models.plan import Code, Group, MatchSettings, Reason
from models.relaxation import Change, advise, advise_mixed, alternatives, is_raised

CLOSE_FROM = 0.5
SMALL = MatchSettings(circle_min=3, circle_aim=3, circle_max=4, min_close=1, theme_min=2, reach_km=5, daypart_share=0.7)
"""Bounds at which all sets of a pool of seven can be tried by hand."""
USUAL = MatchSettings()
TOLD = {
    Code.MORE_PEOPLE: {"more"},
    Code.TRAVEL_FURTHER: {"km", "now", "size", "areas"},
    Code.MEET_ONLINE: {"size", "ask"},
    Code.OTHER_DAYPART: {"daypart", "size", "ask"},
    Code.MIX_PERSPECTIVES: {"perspective", "size"},
    Code.LARGER_GROUP: {"size", "most"},
    Code.ASK_NEIGHBOUR: {"neighbours"},
    Code.MEET_ONE_TO_ONE: {"found"},
    Code.TALK_AGAIN: set(),
}


def a_need(number: int, **changes: object) -> Need:
    need = Need(f"id-{number:03}", "", lat=52.0, lon=5.0, area="Noord", dayparts=frozenset({"mon-evening"}))
    return replace(need, **changes)  # type: ignore[arg-type]


def some(count: int, **changes: object) -> list[Need]:
    return [a_need(number, **changes) for number in range(count)]


def a_pool(needs: Sequence[Need], angles: Sequence[float] = ()) -> Pool:
    """Notes as directions in a plane, in degrees: up to 60 degrees apart counts as close."""
    turned = np.radians([*angles, *[0.0] * (len(needs) - len(angles))])
    return Pool.of(needs, np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32), CLOSE_FROM)


def codes(changes: Sequence[Change]) -> list[Code]:
    return [change.reason.code for change in changes]


def advice(needs: Sequence[Need], bounds: MatchSettings = USUAL, angles: Sequence[float] = ()) -> dict[Code, Reason]:
    changes = advise(range(len(needs)), a_pool(needs, angles), bounds)
    return {change.reason.code: change.reason for change in changes}


# --- what a coordinator reads ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("there", "more"), [(1, 4), (2, 3), (4, 1)])
def test_a_theme_too_small_says_how_many_people_more(there: int, more: int) -> None:
    assert advice(some(there)) == {Code.MORE_PEOPLE: Reason(Code.MORE_PEOPLE, {"more": more})}


def test_two_places_are_joined_by_the_smallest_distance() -> None:
    noord = some(3, reach_km=5, meeting=Meeting.IN_PERSON)
    oudeveer = [replace(noord[0], id=f"id-{n:03}", lat=52.16, area="Oudeveer") for n in range(3, 6)]
    far = replace(noord[0], id="id-006", lat=52.6, area="Zuid")
    (further,) = [
        change for change in advise(range(7), a_pool([*noord, *oudeveer, far]), USUAL)
        if change.reason.code is Code.TRAVEL_FURTHER
    ]  # fmt: skip
    assert further.reason.params == {"km": 8.9, "now": 5, "size": 6, "areas": "Noord, Oudeveer"}
    assert further.rows == (0, 1, 2, 3, 4, 5)


def test_of_many_people_those_nearest_to_a_group_are_told_of() -> None:
    """Thirteen people who share no language but in a three and a four: the four are short of one."""
    speaks = [frozenset({word}) for word in ("nl", "nl", "nl", "tr", "tr", "tr", "tr", *"abcdef")]
    needs = [a_need(n, languages=word, waiting_days=50 - n) for n, word in enumerate(speaks)]
    (change,) = advise(range(13), a_pool(needs), USUAL)
    assert change == Change(Reason(Code.MORE_PEOPLE, {"more": 1}), (3, 4, 5, 6))


def test_online_asks_the_fewest_of_who_meet_in_person_only() -> None:
    needs = some(4, meeting=Meeting.ONLINE) + [a_need(n, meeting=Meeting.IN_PERSON) for n in (4, 5, 6)]
    assert advice(needs)[Code.MEET_ONLINE].params == {"size": 5, "ask": 1}


def test_another_daypart_asks_the_fewest() -> None:
    needs = [a_need(n, dayparts=frozenset({"mon-evening" if n < 2 else DAYPARTS[9 + n]})) for n in range(5)]
    assert advice(needs)[Code.OTHER_DAYPART].params == {"daypart": "mon-evening", "size": 5, "ask": 1}


def test_people_of_another_side_make_a_group_possible() -> None:
    parents = some(3, perspective=Perspective.PARENT)
    partners = [a_need(n, perspective=Perspective.PARTNER) for n in range(3, 6)]
    (change,) = advise_mixed([0, 1, 2], {Perspective.PARTNER: [3, 4, 5]}, a_pool(parents + partners), USUAL)
    assert change == Change(Reason(Code.MIX_PERSPECTIVES, {"perspective": "partner", "size": 5}), (0, 1, 2))


def test_another_side_that_is_about_something_else_is_not_offered() -> None:
    needs = some(3) + [a_need(n, perspective=Perspective.PARTNER) for n in range(3, 6)]
    assert advise_mixed([0, 1, 2], {Perspective.PARTNER: [3, 4, 5]}, a_pool(needs, [0, 0, 0, 90, 90, 90]), USUAL) == ()


def test_people_who_could_be_a_group_as_they_are_get_no_advice() -> None:
    assert advice(some(5)) == {}


@pytest.mark.parametrize("kept", ["age", "apart", "language"])
def test_age_apart_and_language_are_never_relaxed(kept: str) -> None:
    """Five who differ in nothing else: only more people like one of them help."""
    needs = {
        "age": [a_need(n, age_band=AgeBand.AGE_12_15 if n else AgeBand.AGE_40_64) for n in range(5)],
        "apart": [a_need(n, apart=frozenset({"id-000"}) if n else frozenset()) for n in range(5)],
        "language": [a_need(n, languages=frozenset({"nl" if n else "tr"})) for n in range(5)],
    }[kept]
    changes = advise(range(5), a_pool(needs), USUAL)
    assert [change.reason for change in changes] == [Reason(Code.MORE_PEOPLE, {"more": 1})]
    assert changes[0].rows == (1, 2, 3, 4)


def test_a_neighbour_is_asked_for_who_waits_over_sixty_days_and_only_by_name() -> None:
    needs = [a_need(n, waiting_days=60 + n) for n in range(2)]
    changes = advise([0, 1], a_pool(needs), replace(USUAL, neighbours=("Duinrand", "Oudeveer")))
    assert changes[-1] == Change(Reason(Code.ASK_NEIGHBOUR, {"neighbours": "Duinrand, Oudeveer"}), (1,))


# --- one person -----------------------------------------------------------------------------------------------------


def offered(row: int, needs: Sequence[Need], groups: Sequence[Group] = (), **bounds: object) -> list[Reason]:
    pool, limits = a_pool(needs), replace(USUAL, **bounds)  # type: ignore[arg-type]
    rows = [at for at, need in enumerate(pool.needs) if not any(need.id in group.members for group in groups)]
    return list(alternatives(row, advise(rows, pool, limits), rows, groups, pool, limits))


def test_who_waits_long_may_meet_one_other_person() -> None:
    needs = [a_need(0, waiting_days=91), a_need(1), a_need(2, meeting=Meeting.ONLINE), a_need(3, languages=frozenset())]
    needs[0] = replace(needs[0], meeting=Meeting.IN_PERSON)
    assert Reason(Code.MEET_ONE_TO_ONE, {"found": 1}) in offered(0, needs)
    assert Code.MEET_ONE_TO_ONE not in [reason.code for reason in offered(1, needs)]


def test_who_is_in_a_group_is_not_asked_to_meet_somebody_else_too() -> None:
    needs = some(6)
    needs[5] = replace(needs[5], waiting_days=91, dayparts=frozenset({"sun-evening"}))
    group = a_group([need.id for need in needs[:5]])
    assert [reason.code for reason in offered(5, needs, [group])] == [Code.MORE_PEOPLE]


def test_a_full_group_may_take_one_more_who_fits() -> None:
    needs = some(13)
    group = a_group([need.id for need in needs[:12]])
    assert Reason(Code.LARGER_GROUP, {"size": 13, "most": 12}) in offered(12, needs, [group])


def test_a_full_group_takes_nobody_who_does_not_fit() -> None:
    needs = [*some(12), a_need(12, apart=frozenset({"id-003"}))]
    group = a_group([need.id for need in needs[:12]])
    assert Code.LARGER_GROUP not in [reason.code for reason in offered(12, needs, [group])]


def test_who_has_nobody_is_talked_with_again_as_the_last_resort() -> None:
    alone = [a_need(0, waiting_days=91, languages=frozenset())]
    assert offered(0, alone) == [Reason(Code.TALK_AGAIN)]
    assert [reason.code for reason in offered(0, alone, neighbours=("Duinrand",))] == [Code.ASK_NEIGHBOUR]


@pytest.mark.parametrize(("days", "raised"), [(60, False), (61, True)])
def test_a_coordinator_is_told_after_sixty_days(days: int, raised: bool) -> None:
    assert is_raised(a_need(0, waiting_days=days), USUAL) is raised


# --- what always holds ----------------------------------------------------------------------------------------------

people = st.builds(
    Need,
    id=st.just(""),
    text=st.just(""),
    age_band=st.sampled_from([None] * 5 + [AgeBand.AGE_12_15]),
    lat=st.sampled_from([52.0, 52.0, 52.04, 52.09, None, 52.3]),
    lon=st.sampled_from([5.0, 5.0, 5.05]),
    area=st.sampled_from(["Noord", "Oudeveer", None]),
    reach_km=st.sampled_from([None, None, 1.0, 3.0]),
    languages=st.sampled_from([frozenset({"nl"})] * 4 + [frozenset({"nl", "tr"}), frozenset({"tr"}), frozenset()]),
    dayparts=st.frozensets(st.sampled_from(DAYPARTS[:3]), max_size=1),
    meeting=st.sampled_from([Meeting.IN_PERSON, Meeting.IN_PERSON, Meeting.EITHER, Meeting.ONLINE]),
    waiting_days=st.integers(0, 200),
    apart=st.frozensets(st.integers(0, 6).map(lambda number: f"id-{number:03}"), max_size=1),
)


def numbered(drawn: list[Need]) -> list[Need]:
    placed = [need if need.lat is not None else replace(need, lon=None) for need in drawn]
    return [replace(need, id=f"id-{at:03}", apart=need.apart - {f"id-{at:03}"}) for at, need in enumerate(placed)]


pools = st.lists(people, min_size=1, max_size=7).map(numbered)
directions = st.lists(st.sampled_from([0.0, 0.0, 40.0, 80.0, 100.0]), min_size=7, max_size=7)
always = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def a_group(members: Sequence[str], **terms: object) -> Group:
    group = Group(
        "t1", "", Form.CIRCLE, tuple(members), "nl", Meeting.IN_PERSON, "mon-evening", (), dict.fromkeys(members, 1.0)
    )
    return replace(group, **terms)  # type: ignore[arg-type]


def can_be_group(pool: Pool, members: Sequence[Need], bounds: MatchSettings) -> bool:
    """Whether these people are a group under some language, way to meet and daypart: every one of them is tried."""
    for language in sorted({word for member in members for word in member.languages}):
        for meeting in (Meeting.IN_PERSON, Meeting.ONLINE):
            for daypart in (None, *DAYPARTS[:3]):
                late = tuple(m.id for m in members if daypart and m.dayparts and daypart not in m.dayparts)
                group = a_group([member.id for member in members])
                group = replace(group, language=language, meeting=meeting, daypart=daypart, needs_other_time=late)
                if not violations(group, pool, bounds):
                    return True
    return False


def sets(needs: Sequence[Need], least: int = 1) -> Iterator[tuple[int, ...]]:
    for size in range(least, len(needs) + 1):
        yield from combinations(range(len(needs)), size)


def least_more(needs: list[Need], pool: Pool, bounds: MatchSettings) -> float:
    """By trying: newcomers in the middle of each set, at each daypart."""
    found = np.inf
    for at in sets(needs):
        members = [needs[one] for one in at]
        shared = frozenset.intersection(*(member.languages for member in members))
        mean = pool.vectors[list(at)].astype(np.float64).sum(axis=0)
        known = pool.places[list(at)][~np.isnan(pool.places[list(at), 0])]
        where = middle(known) if len(known) else np.full(3, np.nan)
        for more, daypart in ((m, d) for m in range(1, bounds.circle_min) for d in (None, *DAYPARTS[:3])):
            ways = {member.meeting for member in members} - {Meeting.EITHER}
            new = [
                replace(members[0], id=f"new-{number}", languages=shared, apart=frozenset(), reach_km=None,
                        dayparts=frozenset({daypart} if daypart else ()),
                        meeting=min(ways) if len(ways) == 1 else Meeting.EITHER)
                for number in range(more)
            ]  # fmt: skip
            unit = mean / max(float(np.linalg.norm(mean)), 1e-9)
            both = Pool.of(
                [*members, *new],
                np.vstack([pool.vectors[list(at)], np.tile(unit, (more, 1))]).astype(np.float32),
                CLOSE_FROM,
            )
            both.places[len(members) :] = where
            if more < found and can_be_group(both, [*members, *new], bounds):
                found = more
    return found


def least_travel(needs: list[Need], pool: Pool, bounds: MatchSettings) -> float:
    found = np.inf
    for at in sets(needs, bounds.circle_min):
        km = km_to_centre(pool.places[list(at)])
        short = km[km > pool.reach_km(list(at), bounds) + 1e-9]
        if short.size and short.max() < found:
            further = [
                replace(n, reach_km=max(n.reach_km or 0, bounds.reach_km if n.reach_km is None else 0, short.max()))
                for n in needs
            ]
            members = [replace(further[one], meeting=further[one].meeting) for one in at]
            if can_be_group(replace_needs(pool, further), members, bounds):
                found = float(short.max())
    return found


def least_asked(needs: list[Need], pool: Pool, bounds: MatchSettings, code: Code) -> float:
    """Fewest people of some set who must agree, by letting all smaller numbers of them agree."""
    found = np.inf
    variants = DAYPARTS[:3] if code is Code.OTHER_DAYPART else (None,)
    for at in sets(needs, bounds.circle_min):
        for daypart in variants:
            asked = [
                one for one in at
                if (needs[one].meeting is Meeting.IN_PERSON if daypart is None
                    else needs[one].dayparts and daypart not in needs[one].dayparts)
            ]  # fmt: skip
            for count in range(1, min(len(asked), int(min(found, 9)) - 1) + 1):
                for chosen in combinations(asked, count):
                    agreed = [
                        need if one not in chosen
                        else replace(need, meeting=Meeting.EITHER) if daypart is None
                        else replace(need, dayparts=need.dayparts | {daypart})
                        for one, need in enumerate(needs)
                    ]  # fmt: skip
                    if count < found and can_be_group(replace_needs(pool, agreed), [agreed[one] for one in at], bounds):
                        found = count
    return found


def replace_needs(pool: Pool, needs: list[Need]) -> Pool:
    return Pool.of(needs, pool.vectors, CLOSE_FROM)


@always
@given(pools, directions)
def test_every_advice_is_true_and_none_is_smaller(needs: list[Need], angles: list[float]) -> None:
    pool = a_pool(needs, angles[: len(needs)])
    changes = advise(range(len(needs)), pool, SMALL)
    told = {change.reason.code: change.reason.params for change in changes}
    if any(can_be_group(pool, [needs[one] for one in at], SMALL) for at in sets(needs, SMALL.circle_min)):
        assert told == {}
        return
    for code in told:
        event(code)
    assert told.get(Code.MORE_PEOPLE, {}).get("more", np.inf) == least_more(needs, pool, SMALL)
    assert told.get(Code.MEET_ONLINE, {}).get("ask", np.inf) == least_asked(needs, pool, SMALL, Code.MEET_ONLINE)
    assert told.get(Code.OTHER_DAYPART, {}).get("ask", np.inf) == least_asked(needs, pool, SMALL, Code.OTHER_DAYPART)
    km = least_travel(needs, pool, SMALL)
    assert told.get(Code.TRAVEL_FURTHER, {}).get("km", np.inf) == (km if km == np.inf else ceil(km * 10 - 1e-8) / 10)


@settings(always, max_examples=60)
@given(st.lists(people, min_size=13, max_size=25).map(numbered), st.lists(st.floats(0, 120), min_size=25, max_size=25))
def test_advice_for_many_is_true_too(needs: list[Need], angles: list[float]) -> None:
    pool = a_pool(needs, angles[: len(needs)])
    for change in advise(range(len(needs)), pool, USUAL):
        params = dict(change.reason.params)
        event(change.reason.code)
        if change.reason.code is Code.TRAVEL_FURTHER:
            reach = max(float(params["km"]), 0.0)
            eased = [
                replace(need, reach_km=max(reach, 10 if need.reach_km is None else need.reach_km)) for need in needs
            ]
        elif change.reason.code is Code.MEET_ONLINE:
            eased = [replace(need, meeting=Meeting.EITHER) for need in needs]
        elif change.reason.code is Code.OTHER_DAYPART:
            more = frozenset({str(params["daypart"])})
            eased = [replace(need, dayparts=need.dayparts | more if need.dayparts else more) for need in needs]
        else:
            continue
        again = advise(sorted(change.rows), replace_needs(pool, eased), USUAL)
        assert change.reason.code not in codes(again), "with the change made for all of them, it is no longer asked"


@always
@given(pools, directions, st.booleans())
def test_who_waits_over_ninety_days_is_always_offered_something(
    needs: list[Need], angles: list[float], neighbours: bool
) -> None:
    pool = a_pool(needs, angles[: len(needs)])
    bounds = replace(SMALL, neighbours=("Duinrand",) if neighbours else ())
    rows = range(len(needs))
    changes = (*advise(rows, pool, bounds), *advise_mixed(rows, {}, pool, bounds))
    for row, need in enumerate(needs):
        found = alternatives(row, changes, rows, (), pool, bounds)
        assert found or need.waiting_days <= bounds.long_wait_days
        for reason in found:
            assert set(reason.params) == TOLD[reason.code]
            assert not {str(value) for value in reason.params.values()} & {other.id for other in needs}


@always
@given(pools, directions)
def test_no_change_brings_together_who_must_stay_apart(needs: list[Need], angles: list[float]) -> None:
    """Everybody kept apart from everybody: whatever else is changed, only people from outside help."""
    ids = frozenset(need.id for need in needs)
    parted = [replace(need, apart=ids - {need.id}) for need in needs]
    assert set(codes(advise(range(len(needs)), a_pool(parted, angles[: len(needs)]), SMALL))) <= {Code.MORE_PEOPLE}
    aged = [replace(n, age_band=[None, AgeBand.UNDER_12, AgeBand.AGE_16_17][at % 3]) for at, n in enumerate(needs)]
    pool = a_pool(aged, angles[: len(needs)])
    for change in advise(range(len(needs)), pool, SMALL):
        if change.reason.code is not Code.MORE_PEOPLE and len(change.rows) < SMALL.circle_min * 2:
            assert len({age_circle(pool.needs[row].age_band) for row in change.rows}) == 1


@settings(always, max_examples=40)
@given(pools, directions, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(needs: list[Need], angles: list[float], shuffler: object) -> None:
    pool = a_pool(needs, angles[: len(needs)])
    rows = list(range(len(needs)))
    first = advise(rows, pool, SMALL)
    shuffler.shuffle(rows)  # type: ignore[attr-defined]
    assert advise(rows, pool, SMALL) == first
